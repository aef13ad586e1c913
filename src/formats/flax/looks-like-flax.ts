/** Recognises Flax's files: MessagePack, which has no signature. */

/**
 * True for a map whose first key is a word: Flax's trees are maps of maps. A file's ending helps where the head
 * shows less.
 */
export function looksLikeFlax(head: Uint8Array, name: string): boolean {
  const first = head[0]!;
  const heads = first > 0x80 && first < 0x90 ? 1 : first === 0xde ? 3 : first === 0xdf ? 5 : 0;
  if (heads === 0) return false;
  if (/\.msgpack$/i.test(name)) return true;
  const [start, length] = keyAt(head, heads);
  const key = head.subarray(start, start + length);
  // Text alone: bytes of something else seldom are.
  return length > 0 && key.length === length && key.every((byte) => byte > 0x20 && byte < 0x7f);
}

/** Where a short key's letters are, and how many. */
function keyAt(head: Uint8Array, at: number): [number, number] {
  const code = head[at]!;
  if (code >= 0xa0 && code < 0xc0) return [at + 1, code & 31];
  return code === 0xd9 ? [at + 2, head[at + 1]!] : [at, 0];
}
