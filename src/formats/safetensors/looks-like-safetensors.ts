/** The one format that is recognised without asking the registry. */

/**
 * True for a header length below 2^40, then "{", maybe behind white space (or nothing, in a truncated file). To be
 * asked before other formats, as a length may begin with any bytes: a header of 640 bytes begins as a pickle does.
 */
export function looksLikeSafetensors(head: Uint8Array): boolean {
  if (head.length < 8 || head[5] !== 0 || head[6] !== 0 || head[7] !== 0) return false;
  let at = 8;
  while (isJsonSpace(head[at])) at++;
  return at === head.length || head[at] === 0x7b;
}

/** White space of JSON: space, tab, line feed, carriage return. */
export function isJsonSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
