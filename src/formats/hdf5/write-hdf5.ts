/** Where tensors go in an HDF5 file: patches of its bytes. Nothing in its structure changes. */

import { describe } from "../../base/describe.ts";
import type { Model } from "../../base/model.ts";
import { createYielder, type OnProgress } from "../../base/progress.ts";
import type { Patch } from "../../io/write-patched.ts";
import { sameBytes } from "../same-contents.ts";
import { swapBytes } from "../strided.ts";
import { copyChunk } from "./copy-chunk.ts";
import { type NumberDataset, readElements } from "./dataset.ts";
import type { Hdf5Bytes } from "./hdf5-bytes.ts";

export interface Hdf5WriteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Patches, and whether any of those that were read so far has other bytes than the file. */
export interface Hdf5Patches {
  readonly patches: readonly Patch[];
  hasChanged(): boolean;
}

/** Throws `RangeError` where a dataset of `tensors` cannot be written into. */
export function checkPlacesToWrite(tensors: ReadonlyMap<string, NumberDataset>, file: string): void {
  for (const { path, onlyRead } of tensors.values())
    if (onlyRead !== undefined)
      throw new RangeError(
        `${file} dataset ${describe(path)} ${onlyRead}, so the file is only read: write a .safetensors file`,
      );
}

/** The patches that put the tensors of `model` into their datasets. The caller has checked names, dtypes and shapes. */
export function hdf5Patches(
  file: Hdf5Bytes,
  tensors: ReadonlyMap<string, NumberDataset>,
  model: Model,
  { signal, onProgress }: Hdf5WriteOptions,
): Hdf5Patches {
  const giveWay = createYielder(signal);
  const places = [...aliases(tensors).values()];
  let [done, changed] = [0, false];
  const patches = places.flatMap((names) => {
    const dataset = tensors.get(names[0]!)!;
    return patchesOf(file, dataset, signal, async () => {
      await giveWay();
      const bytes = await readAlike(model, names, dataset.byteLength, signal);
      changed ||= !sameBytes(bytes, await readElements(file, dataset, signal));
      done++;
      onProgress?.({ stage: "write", done, total: places.length });
      return dataset.isBig ? swapBytes(bytes, dataset.dtype === "C64" ? dataset.size / 2 : dataset.size) : bytes;
    });
  });
  return { patches, hasChanged: () => changed };
}

/** The one content of all tensors that a dataset is. */
async function readAlike(
  model: Model,
  [name, ...others]: readonly string[],
  byteLength: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const bytes = await model.read(name!, signal);
  if (bytes.length !== byteLength)
    throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${byteLength}`);
  for (const other of others)
    if (!sameBytes(bytes, await model.read(other, signal)))
      throw new RangeError(
        `${model.name} tensors ${describe(name)} and ${describe(other)} differ, expected equal ones: the file has one place for both`,
      );
  return bytes;
}

/** The patches of a dataset whose stored elements `stored` gives: one, or one a chunk. */
function patchesOf(
  { source, widths: { base } }: Hdf5Bytes,
  { layout, chunks, shape, size, byteLength }: NumberDataset,
  signal: AbortSignal | undefined,
  stored: () => Promise<Uint8Array>,
): Patch[] {
  if (byteLength === 0) return [];
  if (layout.kind !== "chunked") return [{ offset: base + layout.address!, length: byteLength, read: stored }];
  // Kept between the chunks of one tensor.
  let [whole, left]: [Uint8Array | undefined, number] = [undefined, chunks.length];
  return chunks.map(({ at, address, stored: length }) => ({
    offset: base + address,
    length,
    async read() {
      whole ??= await stored();
      const chunk = Uint8Array.from(await source.slice(base + address, base + address + length, signal));
      copyChunk({ shape, chunk: layout.chunk, at, size }, chunk, whole, "in");
      left--;
      if (left === 0) whole = undefined;
      return chunk;
    },
  }));
}

/** Names of one dataset, by its place. */
function aliases(tensors: ReadonlyMap<string, NumberDataset>): Map<string, string[]> {
  const places = new Map<string, string[]>();
  for (const [name, dataset] of tensors) {
    const place = placeOf(dataset);
    places.set(place, [...(places.get(place) ?? []), name]);
  }
  return places;
}

/** Datasets without elements have no place. */
function placeOf({ layout, chunks, byteLength, path }: NumberDataset): string {
  if (byteLength === 0) return path;
  return layout.kind === "chunked" ? `chunk ${chunks[0]?.address}` : `byte ${layout.address}`;
}
