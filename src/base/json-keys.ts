/**
 * A single pass over JSON text that sees what `JSON.parse` hides: duplicate keys (the last one silently wins there) and
 * nesting deep enough to exhaust a parser's stack. It does not judge anything else: text that is no JSON passes here
 * and fails in `JSON.parse` afterwards.
 */

/** A complaint: where (the key of the outermost object, if inside one of its values) and what. */
export interface KeyFault {
  readonly outer: string | undefined;
  readonly duplicate?: string | undefined;
  readonly tooDeep?: number | undefined;
}

/**
 * Scans `text` and returns the first fault, or undefined. Keys are compared after unescaping, so `"a"` and `"\u0061"`
 * are duplicates. `maxDepth` counts open objects and arrays.
 *
 * @example
 * findKeyFault('{"a":1,"a":2}', 8); // { outer: undefined, duplicate: "a" }
 */
export function findKeyFault(text: string, maxDepth: number): KeyFault | undefined {
  // One entry per open container: the keys seen of an object, or undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let outer: string | undefined;
  let i = 0;
  while (i < text.length) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      const end = stringEnd(text, i);
      const keys = open.at(-1);
      if (keys !== undefined && isKey(text, end)) {
        const key = unescapeKey(text.slice(i, end));
        if (keys.has(key)) return { outer: open.length > 1 ? outer : undefined, duplicate: key };
        keys.add(key);
        if (open.length === 1) outer = key;
      }
      i = end;
      continue;
    }
    if (c === OPEN_OBJECT || c === OPEN_ARRAY) {
      open.push(c === OPEN_OBJECT ? new Set() : undefined);
      if (open.length > maxDepth) return { outer, tooDeep: open.length };
    } else if (c === CLOSE_OBJECT || c === CLOSE_ARRAY) open.pop();
    i++;
  }
  return undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COLON = 0x3a;

/** Index after the closing quote of the string that opens at `start`; the end of the text if it never closes. */
function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) return i + 1;
    if (c === BACKSLASH) i++;
  }
  return text.length;
}

/** True when the next character that is no white space is a colon. */
function isKey(text: string, index: number): boolean {
  let i = index;
  while (i < text.length && " \t\n\r".includes(text[i]!)) i++;
  return text.charCodeAt(i) === COLON;
}

/** The value of a JSON string literal; the literal itself when it is malformed, which `JSON.parse` will report. */
function unescapeKey(literal: string): string {
  const inside = literal.slice(1, -1);
  if (!inside.includes("\\")) return inside;
  try {
    return JSON.parse(literal) as string;
  } catch {
    return inside;
  }
}
