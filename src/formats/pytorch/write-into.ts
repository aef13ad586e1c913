/**
 * Writes tensors back into the file they came from: the same bytes but for the tensors' elements, and checksums. What
 * the library does not know stays: optimizers, hooks, code, classes, elements of storages that no tensor shows.
 */

import { describe } from "../../base/describe.ts";
import { DTYPES } from "../../base/dtype.ts";
import type { Model } from "../../base/model.ts";
import type { OnProgress } from "../../base/progress.ts";
import type { ByteSink } from "../../io/sink.ts";
import { writePatched } from "../../io/write-patched.ts";
import { patchZip } from "../../io/zip-patch.ts";
import { sameBytes } from "../same-contents.ts";
import { gather, isRowMajor, scatter, swapBytes } from "../strided.ts";
import { type PytorchContainer, partBytes, type StoredTensor } from "./open-pytorch.ts";

export interface WriteIntoOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

type Named = readonly [name: string, tensor: StoredTensor];

/**
 * Writes a copy of the file with the tensors of `model` in it. The caller has checked that names, dtypes and shapes are
 * the file's. Resolves to whether anything changed. Neither closes nor aborts the sink.
 *
 * @throws {RangeError} when two tensors that share bytes are to be different there
 */
export async function writeIntoPytorch(
  { container, tensors }: PytorchContainer,
  model: Model,
  sink: ByteSink,
  { signal, onProgress }: WriteIntoOptions,
): Promise<boolean> {
  const { source, zip, isSwapped } = container;
  let done = 0;
  let changed = false;
  const contentOf = (sharing: readonly Named[]) => async (): Promise<Uint8Array | undefined> => {
    const content = await newStorage(model, sharing, isSwapped, signal);
    done += sharing.length;
    onProgress?.({ stage: "write", done, total: tensors.size });
    changed ||= content !== undefined;
    return content;
  };
  const storages = [...byStorage(tensors).values()];
  if (zip !== undefined) {
    const contents = storages.map((sharing) => [sharing[0]![1].place.entry!, contentOf(sharing)] as const);
    await patchZip(zip, new Map(contents), sink, signal);
  } else {
    const patches = storages.map((sharing) => {
      const { offset, byteLength } = sharing[0]![1].place;
      return { offset, length: byteLength, read: contentOf(sharing) };
    });
    await writePatched(source, patches, sink, signal);
  }
  return changed;
}

function byStorage(tensors: ReadonlyMap<string, StoredTensor>): Map<string, Named[]> {
  const groups = new Map<string, Named[]>();
  for (const named of tensors) {
    const group = groups.get(named[1].storage);
    if (group === undefined) groups.set(named[1].storage, [named]);
    else group.push(named);
  }
  return groups;
}

/** A storage with the new elements of the tensors that share it; undefined when it stays as it is. */
async function newStorage(
  model: Model,
  sharing: readonly Named[],
  isSwapped: boolean,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined> {
  const { place } = sharing[0]![1];
  const source = await place.open(signal);
  const old = await source.slice(0, place.byteLength, signal);
  let content: Uint8Array | undefined;
  const wanted: Uint8Array[] = [];
  for (const [name, tensor] of sharing) {
    const bytes = await model.read(name, signal);
    const size = DTYPES[tensor.dtype].bits / 8;
    const count = tensor.shape.reduce((product, length) => product * length, size);
    if (bytes.length !== count)
      throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${count}`);
    const stored = isSwapped ? swapBytes(bytes, partBytes(tensor.dtype)) : bytes;
    wanted.push(stored);
    if (sameBytes(elementsOf(old, tensor), stored)) continue;
    // Mostly, a storage is one tensor: its bytes are all there is.
    if (sharing.length === 1 && stored.length === old.length && isRowMajor(tensor)) return stored;
    content ??= new Uint8Array(old);
    putElements(stored, content, tensor);
  }
  if (content !== undefined) checkShared(content, sharing, wanted, model.name);
  return content;
}

function elementsOf(storage: Uint8Array, { offset, spanBytes, dtype, ...strides }: StoredTensor): Uint8Array {
  const span = storage.subarray(offset, offset + spanBytes);
  return isRowMajor(strides) ? span : gather(span, strides, DTYPES[dtype].bits / 8);
}

/** `storage` is a separate array: tensors in it are at multiples of their elements' size, or are copied by bytes. */
function putElements(
  elements: Uint8Array,
  storage: Uint8Array,
  { offset, spanBytes, dtype, ...strides }: StoredTensor,
): void {
  const span = storage.subarray(offset, offset + spanBytes);
  if (isRowMajor(strides)) span.set(elements);
  else {
    const own = new Uint8Array(span);
    scatter(elements, own, strides, DTYPES[dtype].bits / 8);
    span.set(own);
  }
}

/** Each tensor must read back as it was given: those that share bytes may have wanted different ones. */
function checkShared(
  storage: Uint8Array,
  sharing: readonly Named[],
  wanted: readonly Uint8Array[],
  name: string,
): void {
  sharing.forEach(([tensor, placed], i) => {
    if (sameBytes(elementsOf(storage, placed), wanted[i]!)) return;
    const other = sharing.find(([candidate]) => candidate !== tensor)?.[0];
    const what = other === undefined ? "itself (it is expanded)" : `tensor ${describe(other)}`;
    throw new RangeError(
      `${name} tensor ${describe(tensor)} shares bytes with ${what}, expected equal values there: write safetensors`,
    );
  });
}
