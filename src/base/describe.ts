/**
 * Values from untrusted files as text for error messages: quoted, clipped, and without characters that fool a
 * terminal.
 */

import { visible } from "./visible.ts";

const LONGEST = 80;

/**
 * Any JSON value on one line, at most about 80 characters.
 *
 * @example
 * describe("a\nb"); // '"a\\nb"'
 */
export function describe(value: unknown): string {
  const text = JSON.stringify(value, showNumber) ?? String(value);
  return visible(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}

/** JSON would show infinity as null and -0 as 0: exactly the numbers that complaints are about. */
function showNumber(_key: string, value: unknown): unknown {
  if (typeof value !== "number" || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return Object.is(value, -0) ? "-0" : String(value);
}
