/** Writes arrays back into the .npz or .npy file they came from, and new .npz files. */

import { describe } from "../../base/describe.ts";
import type { Model } from "../../base/model.ts";
import { createYielder, type OnProgress } from "../../base/progress.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import type { ByteSink } from "../../io/sink.ts";
import { writePatched } from "../../io/write-patched.ts";
import { readZipEntry } from "../../io/zip.ts";
import { patchZip, type ZipContent } from "../../io/zip-patch.ts";
import { zipWriter } from "../../io/zip-write.ts";
import { sameBytes } from "../same-contents.ts";
import { toNpyOrder } from "./npy-array.ts";
import { npyDescr } from "./npy-dtypes.ts";
import { LONE_ARRAY, type NpzContainer, SUFFIX } from "./open-npz.ts";

export interface NpzWriteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Reads tensors of a model one after the other, checks how many bytes came, and reports. */
function reader(model: Model, { signal, onProgress }: NpzWriteOptions): (name: string) => Promise<Uint8Array> {
  const giveWay = createYielder(signal);
  let done = 0;
  return async (name) => {
    await giveWay();
    const bytes = await model.read(name, signal);
    const expected = tensorBytes(model.tensors.get(name)!);
    if (bytes.length !== expected)
      throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${expected}`);
    done++;
    onProgress?.({ stage: "write", done, total: model.tensors.size });
    return bytes;
  };
}

/**
 * Writes a copy of the file with the arrays of `model` in it, in the same order and byte order. The caller has checked
 * that names, dtypes and shapes are the file's. Neither closes nor aborts the sink.
 */
export async function writeIntoNpz(
  { source, zip, arrays }: NpzContainer,
  model: Model,
  sink: ByteSink,
  options: NpzWriteOptions,
): Promise<void> {
  const { signal } = options;
  const read = reader(model, options);
  if (zip === undefined) {
    const layout = arrays.get(LONE_ARRAY)!;
    const length = source.byteLength - layout.dataStart;
    const patch = { offset: layout.dataStart, length, read: async () => toNpyOrder(await read(LONE_ARRAY), layout) };
    return writePatched(source, [patch], sink, signal);
  }
  const contents = new Map<string, ZipContent>();
  for (const [name, layout] of arrays) {
    const entry = zip.entries.get(name + SUFFIX)!;
    contents.set(entry.name, async () => {
      const old = await readZipEntry(zip, entry, signal);
      const data = toNpyOrder(await read(name), layout);
      if (sameBytes(old.subarray(layout.dataStart), data)) return undefined;
      const content = new Uint8Array(old);
      content.set(data, layout.dataStart);
      return content;
    });
  }
  await patchZip(zip, contents, sink, signal);
}

/**
 * Throws `RangeError`, naming the tensor, for what NumPy has no type for, and for names that no archive has.
 */
export function checkNpzTensors(model: Pick<Model, "name" | "tensors">): void {
  for (const [name, { dtype }] of model.tensors) {
    const where = `${model.name} tensor ${describe(name)}`;
    if (npyDescr(dtype) === undefined)
      throw new RangeError(`${where} is ${dtype}, which NumPy does not have, expected another format (.safetensors)`);
    if (/[\0\\]|\p{Surrogate}/u.test(name))
      throw new RangeError(`${where} has a name that no zip archive has, expected text`);
  }
}

/**
 * Writes `model` as a new .npz file, as `numpy.savez` does: stored, row-major. Equal models give equal files. Neither
 * closes nor aborts the sink.
 *
 * @throws {RangeError} for what `checkNpzTensors` refuses
 */
export async function writeNpz(model: Model, sink: ByteSink, options: NpzWriteOptions): Promise<void> {
  checkNpzTensors(model);
  const read = reader(model, options);
  const zip = zipWriter(sink);
  for (const [name, { dtype, shape }] of model.tensors) {
    const header = npyHeader(npyDescr(dtype)!, shape);
    const data = await read(name);
    const content = new Uint8Array(header.length + data.length);
    content.set(header);
    content.set(data, header.length);
    await zip.add(name + SUFFIX, content);
  }
  await zip.finish();
}

/** A header of version 1, padded so that the data begins at a multiple of 64. */
function npyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const magic = String.fromCharCode(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8);
  return Uint8Array.from(`${magic}${text.padEnd(length - 1)}\n`, (c) => c.charCodeAt(0));
}
