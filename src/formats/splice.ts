/** A copy of a file in which some ranges are replaced by others, longer or shorter. */

import type { ByteSource } from "../io/byte-source.ts";
import type { ByteSink } from "../io/sink.ts";
import { copyRange } from "../io/write-patched.ts";

/**
 * A range of the source and what comes in its place: asked for when the copy gets there; undefined: the source's
 * own.
 */
export interface Edit {
  readonly offset: number;
  readonly length: number;
  read(): Promise<Uint8Array | undefined>;
}

/** Writes `source` with `edits` in it, which must not overlap. Neither closes nor aborts the sink. */
export async function writeSpliced(
  source: ByteSource,
  edits: readonly Edit[],
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  let at = 0;
  for (const { offset, length, read } of [...edits].sort((a, b) => a.offset - b.offset || a.length - b.length)) {
    await copyRange(source, at, offset, sink, signal);
    at = offset + length;
    const bytes = await read();
    if (bytes === undefined) await copyRange(source, offset, at, sink, signal);
    else await sink.write(bytes);
  }
  await copyRange(source, at, source.byteLength, sink, signal);
}
