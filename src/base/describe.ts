/** Values from untrusted files as text for error messages: quoted, clipped, and without characters that fool a terminal. */

const LONGEST = 80;

/** Control, zero-width and direction-changing characters, which JSON leaves as they are. */
const INVISIBLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Any JSON value on one line, at most about 80 characters.
 *
 * @example
 * describe("a\nb"); // '"a\\nb"'
 */
export function describe(value: unknown): string {
  const text = JSON.stringify(value, showNumber) ?? String(value);
  const clipped = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  return clipped.replaceAll(INVISIBLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** JSON would show infinity as null and -0 as 0: exactly the numbers that complaints are about. */
function showNumber(_key: string, value: unknown): unknown {
  if (typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return Object.is(value, -0) ? "-0" : String(value);
}
