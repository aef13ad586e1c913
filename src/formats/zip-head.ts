/** What the first bytes of a zip archive show. */

/** True for a local file header, or the end record of an archive without files. */
export function isZip(head: Uint8Array): boolean {
  return head[0] === 0x50 && head[1] === 0x4b && ((head[2] === 3 && head[3] === 4) || (head[2] === 5 && head[3] === 6));
}

/** The name of an archive's first file, one character a byte. */
export function firstEntry(head: Uint8Array): string {
  const length = (head[26] ?? 0) + 256 * (head[27] ?? 0);
  return String.fromCharCode(...head.subarray(30, 30 + Math.min(length, 512)));
}
