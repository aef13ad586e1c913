/**
 * Writes tensors back into a model of TensorFlow.js: the same files but for the tensors' bytes, and new scales
 * where they need them.
 */

import { describe } from "../../base/describe.ts";
import type { Model } from "../../base/model.ts";
import type { OnProgress } from "../../base/progress.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import type { ByteSink } from "../../io/sink.ts";
import { copyRange } from "../../io/write-patched.ts";
import { sameBytes } from "../same-contents.ts";
import { type Edit, writeSpliced } from "../splice.ts";
import { type JsonPlace, memberPlace, placesIn, rootPlace } from "./json-places.ts";
import { type Affine, requantise } from "./quantise.ts";
import { readWeight } from "./read-weight.ts";
import type { OpenGroup, PlacedWeight, TfjsContainer } from "./tfjs-container.ts";

export interface TfjsWriteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Begins a file beside the one that is written. */
  readonly create?: ((path: string) => Promise<ByteSink>) | undefined;
  /** "F32": tensors that are stored with a scale are stored as float32 from now on. */
  readonly dtype?: string | undefined;
}

/** What is to change in the manifest for a tensor: its scale, or that it has one. */
interface Change {
  readonly weight: PlacedWeight;
  readonly affine: Affine | undefined;
}

/** What one run of the writer works with. */
interface Work {
  readonly container: TfjsContainer;
  readonly model: Model;
  readonly options: TfjsWriteOptions;
  readonly changes: Change[];
  /** The largest loss, and as a share of the tensor's range. */
  loss: { value: number; share: number };
  done: number;
}

/**
 * Writes copies of the files that hold the tensors (by `create`), then of the JSON, with the tensors of `model`. The
 * caller has checked that names, dtypes and shapes are the file's. Resolves to notes for people. Neither closes nor
 * aborts `sink`.
 *
 * @throws {RangeError} without `create`, and for values that no scale has room for
 */
export async function writeIntoTfjs(
  container: TfjsContainer,
  model: Model,
  sink: ByteSink,
  options: TfjsWriteOptions,
): Promise<string[]> {
  const { source, groups } = container;
  const [first] = groups.flatMap(({ paths }) => paths);
  if (first !== undefined && options.create === undefined)
    throw new RangeError(
      `${source.name} keeps weights in ${describe(first)}, expected an output that can be several files: a folder`,
    );
  const work: Work = { container, model, options, changes: [], loss: { value: 0, share: 0 }, done: 0 };
  for (const [at, group] of groups.entries()) await writeGroup(work, group, at);
  await writeSpliced(source, await jsonEdits(work), sink, options.signal);
  return notesOf(work);
}

/** Through the group's files, each as long as it was but for the last. */
async function writeGroup(work: Work, group: OpenGroup, at: number): Promise<void> {
  const { container, options } = work;
  const tensors = [...container.tensors.values()].filter((weight) => weight.group === at);
  const files = fileSplitter(group, options);
  try {
    let from = 0;
    for (const weight of tensors) {
      await copyRange(group.all, from, weight.offset, files, options.signal);
      await files.write(await newBytes(work, weight));
      from = weight.offset + weight.byteLength;
    }
    await copyRange(group.all, from, group.all.byteLength, files, options.signal);
    await files.close();
  } catch (error) {
    await files.abort();
    throw error;
  }
}

/** One sink over the files of a group. */
function fileSplitter({ paths, sources }: OpenGroup, { create }: TfjsWriteOptions): ByteSink {
  let [at, left] = [-1, 0];
  let current: ByteSink | undefined;
  const next = async (): Promise<void> => {
    await current?.close();
    at++;
    current = await create!(paths[at]!);
    left = sources[at]!.byteLength;
  };
  return {
    async write(bytes) {
      for (let from = 0; from < bytes.length; ) {
        while (current === undefined || (left === 0 && at < paths.length - 1)) await next();
        const count = at === paths.length - 1 ? bytes.length - from : Math.min(left, bytes.length - from);
        await current.write(bytes.subarray(from, from + count));
        [from, left] = [from + count, left - count];
      }
    },
    async close() {
      while (at < paths.length - 1) await next();
      await current?.close();
    },
    async abort() {
      await current?.abort().catch(() => {});
    },
  };
}

async function newBytes(work: Work, weight: PlacedWeight): Promise<Uint8Array> {
  const { container, model, options } = work;
  const { name, quantization, group, offset, byteLength } = weight;
  const { signal, onProgress, dtype } = options;
  const bytes = await model.read(name, signal);
  const info = model.tensors.get(name)!;
  const expected = tensorBytes(info);
  if (bytes.length !== expected)
    throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${expected}`);
  work.done++;
  onProgress?.({ stage: "write", done: work.done, total: container.tensors.size });
  if (quantization === undefined || (quantization.dtype === "float16" && info.dtype === "F16")) return bytes;
  if (dtype === "F32" || quantization.dtype === "float16") {
    work.changes.push({ weight, affine: undefined });
    return bytes;
  }
  if (sameBytes(bytes, await readWeight(container, weight, signal)))
    return container.groups[group]!.all.slice(offset, offset + byteLength, signal);
  return requantised(work, weight, quantization, bytes);
}

function requantised(work: Work, weight: PlacedWeight, affine: Affine, bytes: Uint8Array): Uint8Array {
  let result: ReturnType<typeof requantise>;
  try {
    result = requantise(bytes, affine, weight.dtype === "I32");
  } catch (cause) {
    throw new RangeError(`${work.model.name} tensor ${describe(weight.name)} ${(cause as Error).message}`, { cause });
  }
  if (result.affine !== affine) {
    work.changes.push({ weight, affine: result.affine });
    const levels = affine.dtype === "uint8" ? 255 : 65535;
    const share = result.loss / (result.affine.scale * levels);
    work.loss = { value: Math.max(work.loss.value, result.loss), share: Math.max(work.loss.share, share) };
  }
  return result.stored;
}

/** New numbers in place of `scale` and `min`, or the member `quantization` taken out; all else in the text stays. */
async function jsonEdits({ container, changes, options }: Work): Promise<Edit[]> {
  if (changes.length === 0) return [];
  const { source } = container;
  const bytes = await source.slice(0, source.byteLength, options.signal);
  const root = rootPlace(bytes);
  const manifest = bytes[root.from] === 0x5b ? root : memberPlace(bytes, root, "weightsManifest");
  const groups = placesIn(bytes, manifest).map(({ place }) => placesIn(bytes, memberPlace(bytes, place, "weights")));
  return changes.flatMap(({ weight, affine }) => {
    const entry = groups[weight.group]![weight.index]!.place;
    if (affine === undefined) return [memberRemoval(bytes, entry, "quantization")];
    const quantization = memberPlace(bytes, entry, "quantization");
    return [
      numberEdit(memberPlace(bytes, quantization, "scale"), affine.scale),
      numberEdit(memberPlace(bytes, quantization, "min"), affine.min),
    ];
  });
}

function numberEdit({ from, until }: JsonPlace, value: number): Edit {
  const text = new TextEncoder().encode(Object.is(value, -0) ? "0" : String(value));
  return { offset: from, length: until - from, read: async () => text };
}

/** A member and the comma that goes with it. */
function memberRemoval(bytes: Uint8Array, object: JsonPlace, name: string): Edit {
  const members = placesIn(bytes, object);
  const at = members.findIndex(({ key }) => key === name);
  const before = members[at - 1]?.place.until;
  // Behind the member before it; or from the first member to the second.
  const from = before ?? object.from + 1;
  const until = before === undefined ? firstQuote(bytes, members[at]!.place.until) : members[at]!.place.until;
  return { offset: from, length: until - from, read: async () => new Uint8Array(0) };
}

function firstQuote(bytes: Uint8Array, from: number): number {
  return bytes.indexOf(0x22, from);
}

function notesOf({ changes, loss, container }: Work): string[] {
  const scaled = changes.filter(({ affine }) => affine !== undefined);
  const plain = changes.length - scaled.length;
  const notes: string[] = [];
  if (plain > 0) notes.push(`${plain} tensors that ${container.source.name} stores quantised are stored as float32`);
  if (scaled.length > 0) {
    const kinds = [...new Set(scaled.map(({ affine }) => affine!.dtype))].join(" and ");
    notes.push(
      `${scaled.length} tensors are quantised anew as ${kinds}: values are off by at most ${loss.value.toPrecision(2)}, ${(100 * loss.share).toPrecision(2)} % of a tensor's range (--dtype F32 stores them whole)`,
    );
  }
  return notes;
}
