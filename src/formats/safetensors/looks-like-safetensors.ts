/** The one format that is recognised without asking the registry. */

/**
 * True for a header length below 2^40, then "{" (or nothing, in a truncated file). To be asked before other formats, as
 * a length may begin with any bytes: a header of 640 bytes begins as a pickle does.
 */
export function looksLikeSafetensors(head: Uint8Array): boolean {
  return head.length >= 8 && head[5] === 0 && head[6] === 0 && head[7] === 0 && (head.length === 8 || head[8] === 0x7b);
}
