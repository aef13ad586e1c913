/**
 * Writes tensors back into the ONNX file they came from: the same bytes but for the tensors'. Numbers that are kept as
 * varints may take more or fewer bytes than before; then the lengths of all messages around them change too, and
 * nothing else.
 */

import { describe } from "../../base/describe.ts";
import { joinBytes } from "../../base/join-bytes.ts";
import type { Model } from "../../base/model.ts";
import type { OnProgress } from "../../base/progress.ts";
import type { ByteSink } from "../../io/sink.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import { sameBytes, sameEntries } from "../same-contents.ts";
import { type Edit, writeSpliced } from "../splice.ts";
import type { OnnxTensor, TensorPlace } from "./onnx-tensor.ts";
import { numberRuns, packVarints } from "./onnx-values.ts";
import { type OnnxContainer, readPlaced } from "./open-onnx.ts";
import { BYTES, type ProtoMessage, protoFile, varintOf } from "./protobuf.ts";

export interface OnnxWriteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** Begins a file beside the one that is written. */
  readonly create?: ((path: string) => Promise<ByteSink>) | undefined;
}

/** What one run of the writer works with. */
interface Work {
  readonly container: OnnxContainer;
  readonly signal: AbortSignal | undefined;
  /** A tensor's new bytes, counted and reported. */
  readonly read: (name: string) => Promise<Uint8Array>;
  /** Of the file itself. */
  readonly edits: Edit[];
  /** By how much messages grow, but for their own lengths. */
  readonly growth: Map<ProtoMessage, number>;
}

/** Tensors by the bytes that hold them: several where they are shared. */
type Sharing = ReadonlyMap<string, readonly string[]>;

/**
 * Writes a copy of the file, and of those beside it, with the tensors of `model`. The caller has checked that names,
 * dtypes and shapes are the file's. Neither closes nor aborts `sink`; files beside it are complete.
 *
 * @throws {RangeError} when two tensors that share bytes are to differ, and for data in other files without `create`
 */
export async function writeIntoOnnx(
  container: OnnxContainer,
  model: Model,
  sink: ByteSink,
  { signal, onProgress, create }: OnnxWriteOptions,
): Promise<void> {
  const { source, external, tensors } = container;
  if (external.size > 0 && create === undefined)
    throw new RangeError(
      `${source.name} keeps tensors in ${describe([...external.keys()][0])}, expected an output that can be several files: a folder`,
    );
  let done = 0;
  const read = async (name: string): Promise<Uint8Array> => {
    const bytes = await model.read(name, signal);
    const { byteLength } = tensors.get(name)!;
    if (bytes.length !== byteLength)
      throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${byteLength}`);
    done++;
    onProgress?.({ stage: "write", done, total: tensors.size });
    return bytes;
  };
  const work: Work = { container, signal, read, edits: [], growth: new Map() };
  await writeExternal(work, create);
  for (const [name, { place, byteLength }] of tensors) {
    if (place.kind === "raw") work.edits.push({ offset: place.offset, length: byteLength, read: () => read(name) });
    else if (place.kind === "numbers") await editNumbers(work, name, place);
  }
  if (!sameEntries(model.metadata, container.metadata)) replaceMetadata(work, model.metadata);
  editLengths(work);
  await writeSpliced(source, work.edits, sink, signal);
}

async function writeExternal({ container, read, signal }: Work, create: OnnxWriteOptions["create"]): Promise<void> {
  for (const [path, source] of container.external) {
    const sharing = sharingOf(container.tensors, path);
    const edits = [...sharing.values()].map((names): Edit => {
      const { place, byteLength } = container.tensors.get(names[0]!)!;
      const { offset } = place as Extract<TensorPlace, { kind: "external" }>;
      return { offset, length: byteLength, read: () => readShared(names, read, container.source.name) };
    });
    const sink = await create!(path);
    await writeThenClose(sink, signal, () => writeSpliced(source, edits, sink, signal));
  }
}

function sharingOf(tensors: ReadonlyMap<string, OnnxTensor>, path: string): Sharing {
  const groups = new Map<string, string[]>();
  for (const [name, { place, byteLength }] of tensors) {
    if (place.kind !== "external" || place.path !== path) continue;
    const key = `${place.offset} ${byteLength}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [name]);
    else group.push(name);
  }
  return groups;
}

async function readShared(names: readonly string[], read: Work["read"], file: string): Promise<Uint8Array> {
  const [first, ...others] = names;
  const bytes = await read(first!);
  for (const other of others) {
    if (!sameBytes(bytes, await read(other)))
      throw new RangeError(
        `${file} tensor ${describe(other)} shares bytes with ${describe(first)}, expected equal values there: write safetensors`,
      );
  }
  return bytes;
}

/** Numbers that do not change keep their encoding. */
async function editNumbers(
  { container, read, edits, growth, signal }: Work,
  name: string,
  place: Extract<TensorPlace, { kind: "numbers" }>,
): Promise<void> {
  const tensor = container.tensors.get(name)!;
  const bytes = await read(name);
  if (sameBytes(bytes, await readPlaced(container, tensor, signal))) return;
  const runs = await numberRuns(protoFile(container.source, signal), place);
  if (place.field.encoding !== "varint") {
    let from = 0;
    for (const { from: offset, until } of runs) {
      const part = bytes.subarray(from, from + until - offset);
      from += until - offset;
      edits.push({ offset, length: until - offset, read: async () => part });
    }
    return;
  }
  // One packed list in place of the first field; a single number (`value_int`) is never packed.
  const packed = packVarints(bytes, tensor);
  const isSingle = tensor.shape.length === 0 && runs.length === 1 && runs[0]!.wire !== BYTES;
  const whole = isSingle
    ? [varintOf(8 * place.field.number), packed]
    : [varintOf(8 * place.field.number + BYTES), varintOf(packed.length), packed];
  const own = joinBytes(whole);
  for (const [i, { at, until }] of runs.entries()) {
    const replacement = i === 0 ? own : new Uint8Array(0);
    edits.push({ offset: at, length: until - at, read: async () => replacement });
    growth.set(place.message, (growth.get(place.message) ?? 0) + replacement.length - (until - at));
  }
}

/** Entries of `metadata_props` (field 14 of ModelProto), all behind the rest: their order means nothing. */
function replaceMetadata({ container, edits }: Work, metadata: Model["metadata"]): void {
  for (const { at, until } of container.metadataFields)
    edits.push({ offset: at, length: until - at, read: async () => new Uint8Array(0) });
  const encoder = new TextEncoder();
  const field = (number: number, bytes: Uint8Array): Uint8Array =>
    joinBytes([varintOf(8 * number + BYTES), varintOf(bytes.length), bytes]);
  const entries = [...metadata].map(([key, value]) =>
    field(14, joinBytes([field(1, encoder.encode(key)), field(2, encoder.encode(value))])),
  );
  edits.push({ offset: container.source.byteLength, length: 0, read: async () => joinBytes(entries) });
}

/** The lengths of messages that grew, the inner ones first: a length may itself take another byte. */
function editLengths({ edits, growth }: Work): void {
  const byDepth = new Map<number, Set<ProtoMessage>>();
  const note = (message: ProtoMessage): void => {
    const level = byDepth.get(message.depth) ?? new Set();
    byDepth.set(message.depth, level.add(message));
  };
  for (const message of growth.keys())
    for (let each: ProtoMessage | undefined = message; each; each = each.parent) note(each);
  for (const depth of [...byDepth.keys()].sort((a, b) => b - a)) {
    for (const message of byDepth.get(depth)!) {
      const grown = growth.get(message) ?? 0;
      const { parent, lengthAt, from, until } = message;
      if (parent === undefined || grown === 0) continue;
      const length = varintOf(until - from + grown);
      edits.push({ offset: lengthAt, length: from - lengthAt, read: async () => length });
      growth.set(parent, (growth.get(parent) ?? 0) + grown + length.length - (from - lengthAt));
    }
  }
}
