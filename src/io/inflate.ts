/** Unpacks raw deflate data (RFC 1951), a piece at a time. Loaded with the first deflated entry of a zip archive. */

import { Inflate } from "fflate";
import { FormatError } from "../base/errors.ts";
import { createYielder } from "../base/progress.ts";
import type { ByteSource } from "./byte-source.ts";

/** A piece may unpack to a thousand times as much, which is then in memory: 16 MB. */
const PIECE_BYTES = 16384;

/**
 * Unpacks the deflated bytes `start` to `end` of `source`, and passes the pieces to `take` in order. It ends when
 * `take` returns true or all is unpacked. `where` begins messages. The pieces are new arrays.
 *
 * @throws {FormatError} for data that is broken or ends too early
 */
export async function inflateRange(
  source: ByteSource,
  range: { readonly start: number; readonly end: number },
  where: string,
  take: (piece: Uint8Array) => boolean,
  signal?: AbortSignal,
): Promise<void> {
  const giveWay = createYielder(signal);
  let isDone = false;
  const inflate = new Inflate((piece) => {
    if (!isDone && piece.length > 0) isDone = take(piece);
  });
  for (let at = range.start; at < range.end && !isDone; at += PIECE_BYTES) {
    await giveWay();
    const until = Math.min(at + PIECE_BYTES, range.end);
    const piece = await source.slice(at, until, signal);
    try {
      inflate.push(piece, until === range.end);
    } catch (cause) {
      throw new FormatError(`${where} does not unpack (${(cause as Error).message}), expected deflated data`, {
        cause,
      });
    }
  }
}
