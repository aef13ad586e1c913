/**
 * Where values are in a JSON text, as bytes: what is written back must be the same text but for some numbers. For text
 * that `JSON.parse` has taken: nothing is checked here.
 */

/** A value's first byte and the one behind it. */
export interface JsonPlace {
  readonly from: number;
  readonly until: number;
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const ENDS: ReadonlySet<number> = new Set([COMMA, CLOSE_OBJECT, CLOSE_ARRAY]);

function skipSpace(bytes: Uint8Array, at: number): number {
  let next = at;
  while (bytes[next] === 0x20 || bytes[next] === 0x09 || bytes[next] === 0x0a || bytes[next] === 0x0d) next++;
  return next;
}

function stringEnd(bytes: Uint8Array, at: number): number {
  for (let next = at + 1; ; next++) {
    if (bytes[next] === QUOTE) return next + 1;
    if (bytes[next] === BACKSLASH) next++;
  }
}

function valueEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] === QUOTE) return stringEnd(bytes, at);
  if (bytes[at] !== OPEN_OBJECT && bytes[at] !== OPEN_ARRAY) {
    // A number or a word: up to what is no part of one.
    let next = at;
    while (next < bytes.length && skipSpace(bytes, next) === next && !ENDS.has(bytes[next]!)) next++;
    return next;
  }
  let depth = 0;
  for (let next = at; ; next++) {
    const byte = bytes[next];
    if (byte === QUOTE) next = stringEnd(bytes, next) - 1;
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth--;
      if (depth === 0) return next + 1;
    }
  }
}

/** The value of the text itself. */
export function rootPlace(bytes: Uint8Array): JsonPlace {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const from = skipSpace(bytes, hasMark ? 3 : 0);
  return { from, until: valueEnd(bytes, from) };
}

/** The values of an array's elements, or of an object's members. */
export function placesIn(
  bytes: Uint8Array,
  { from }: JsonPlace,
): { readonly key: string | undefined; readonly place: JsonPlace }[] {
  const isObject = bytes[from] === OPEN_OBJECT;
  const places: { key: string | undefined; place: JsonPlace }[] = [];
  let at = skipSpace(bytes, from + 1);
  while (bytes[at] !== CLOSE_OBJECT && bytes[at] !== CLOSE_ARRAY) {
    let key: string | undefined;
    if (isObject) {
      const end = stringEnd(bytes, at);
      key = JSON.parse(new TextDecoder().decode(bytes.slice(at, end))) as string;
      at = skipSpace(bytes, skipSpace(bytes, end) + 1); // the colon
    }
    const place = { from: at, until: valueEnd(bytes, at) };
    places.push({ key, place });
    at = skipSpace(bytes, place.until);
    if (bytes[at] === COMMA) at = skipSpace(bytes, at + 1);
  }
  return places;
}

/** The value of an object's member. */
export function memberPlace(bytes: Uint8Array, object: JsonPlace, name: string): JsonPlace {
  return placesIn(bytes, object).find(({ key }) => key === name)!.place;
}
