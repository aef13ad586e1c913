/** System calls may write less than asked; this is the loop around them. */

/** One attempt: writes some of `length` bytes from `offset` on, and returns how many. */
export type WriteSome = (
  bytes: Uint8Array,
  offset: number,
  length: number,
) => Promise<{ readonly bytesWritten: number }>;

/** One call handles at most this much: Linux stops at 2 GiB, and aborting waits for a call to return. */
export const CHUNK_BYTES: number = 2 ** 26;

/** Writes all of `bytes`. Rejects with what `write` rejects with, and with `RangeError` when it makes no progress. */
export async function writeFully(write: WriteSome, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length; ) {
    const length = Math.min(bytes.length - offset, CHUNK_BYTES);
    const { bytesWritten } = await write(bytes, offset, length);
    if (!(bytesWritten > 0)) throw new RangeError(`write took ${bytesWritten} bytes, expected 1 to ${length}`);
    offset += bytesWritten;
  }
}
