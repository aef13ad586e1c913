/** Duplicate keys in JSON text, which `JSON.parse` drops silently. */

/** The token grammar of JSON as far as keys are concerned: strings, brackets, and the rest. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/**
 * The first key that occurs twice in one object of `text`, or undefined. `text` must be valid JSON. Keys are compared
 * after unescaping, as `JSON.parse` does. No recursion, so nesting costs memory and not stack.
 */
export function duplicateKey(text: string): string | undefined {
  // One entry per open bracket: the keys so far, or null in an array.
  const open: (Set<string> | null)[] = [];
  let expectKey = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    const keys = open.at(-1);
    if (token === "{" || token === ",") expectKey = keys instanceof Set;
    else if (expectKey && token.startsWith('"')) {
      const key = JSON.parse(token) as string;
      if (keys?.has(key)) return key;
      keys?.add(key);
      expectKey = false;
    }
  }
  return undefined;
}
