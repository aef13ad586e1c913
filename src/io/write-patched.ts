/** A copy of a file in which some ranges have other bytes: how a container survives that its tensors change. */

import type { ByteSource } from "./byte-source.ts";
import type { ByteSink } from "./sink.ts";

/** A range of the source and what to put there. */
export interface Patch {
  readonly offset: number;
  readonly length: number;
  /** Exactly `length` bytes, asked for when the copy gets there; undefined: the source's own. */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined>;
}

/** Bytes copied at a time. */
const CHUNK_BYTES = 2 ** 22;

/**
 * Writes `source` to `sink` with `patches` in it, in the order of the file, one patch or chunk in memory at a time.
 * The sink stays open: closing or aborting it is the caller's.
 *
 * Rejects with `RangeError` for patches that overlap or lead out of the source, before anything is written, and for one
 * whose number of bytes differs from its declared length.
 *
 * @example
 * await writePatched(source, [{ offset: 64, length: 4, read: async () => Uint8Array.of(1, 2, 3, 4) }], sink);
 */
export async function writePatched(
  source: ByteSource,
  patches: readonly Patch[],
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  const sorted = sortPatches(source, patches);
  let at = 0;
  for (const patch of sorted) {
    await copyRange(source, at, patch.offset, sink, signal);
    at = patch.offset + patch.length;
    const bytes = await patch.read(signal);
    if (bytes === undefined) await copyRange(source, patch.offset, at, sink, signal);
    else if (bytes.length === patch.length) await sink.write(bytes);
    else
      throw new RangeError(
        `${source.name} patch at byte ${patch.offset} has ${bytes.length} bytes, expected ${patch.length}`,
      );
  }
  await copyRange(source, at, source.byteLength, sink, signal);
}

/** Writes a range of a source to a sink, some megabytes at a time. */
export async function copyRange(
  source: ByteSource,
  start: number,
  end: number,
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  for (let at = start; at < end; ) {
    const next = Math.min(end, at + CHUNK_BYTES);
    await sink.write(await source.slice(at, next, signal));
    at = next;
  }
}

function sortPatches({ name, byteLength }: ByteSource, patches: readonly Patch[]): Patch[] {
  const sorted = [...patches].sort((a, b) => a.offset - b.offset || a.length - b.length);
  let end = 0;
  for (const { offset, length } of sorted) {
    if (offset < end || !(length >= 0) || offset + length > byteLength)
      throw new RangeError(
        `${name} patch at byte ${offset} of ${length} bytes, expected one after byte ${end} inside ${byteLength}`,
      );
    end = offset + length;
  }
  return sorted;
}
