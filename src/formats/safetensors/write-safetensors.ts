/**
 * The safetensors writer. Equal models give equal files. The order is the map's, offsets are contiguous, and spaces pad
 * the header so that the data begins at a multiple of 8 bytes.
 */

import { describe } from "../../base/describe.ts";
import type { Model, TensorInfo } from "../../base/model.ts";
import type { Running } from "../../base/options.ts";
import { createYielder } from "../../base/progress.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import type { ByteSink } from "../../io/sink.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import { LENGTH_BYTES, MAX_HEADER_BYTES, METADATA_KEY } from "./open-safetensors.ts";
import { readPieces } from "./read-pieces.ts";

/** `onProgress` gets stage "write", once for every tensor written. */
export type WriteOptions = Running;

/**
 * The first bytes of a file: header length, JSON, padding. `__metadata__` comes first if there is any.
 *
 * Throws `RangeError` for a tensor named `__metadata__`, text with lone surrogates, shapes that are none, and more
 * than readers accept (100 MB).
 *
 * @example
 * headerBytes(new Map([["x", { dtype: "U8", shape: [2] }]]), new Map()).length; // 64
 */
export function headerBytes(
  tensors: ReadonlyMap<string, TensorInfo>,
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  // Written piece by piece: an object would move names such as "0" to the front and lose "__proto__".
  const pieces: string[] = [];
  if (metadata.size > 0) {
    const pairs = Array.from(metadata, ([key, text]) => `${quote(key)}:${quote(text)}`);
    pieces.push(`${quote(METADATA_KEY)}:{${pairs.join(",")}}`);
  }
  let offset = 0;
  for (const [name, info] of tensors) {
    if (name === METADATA_KEY)
      throw new RangeError(`tensor name ${METADATA_KEY}, expected another: the format uses it`);
    const end = offset + checkedBytes(name, info);
    if (!Number.isSafeInteger(end))
      throw new RangeError(`tensor ${describe(name)} ends at ${end}, expected below 2^53`);
    const shape = info.shape.join(",");
    pieces.push(`${quote(name)}:{"dtype":"${info.dtype}","shape":[${shape}],"data_offsets":[${offset},${end}]}`);
    offset = end;
  }
  return frame(`{${pieces.join(",")}}`);
}

/**
 * A model as the bytes of a safetensors file, all in memory. A new array.
 *
 * Rejects with what `headerBytes` throws, with the signal's reason when aborted, and with what reading rejects with.
 *
 * @example
 * const bytes = await encodeSafetensors(model);
 */
export async function encodeSafetensors(model: Model, options: WriteOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
  const header = headerBytes(model.tensors, model.metadata);
  let size = header.length;
  for (const [name, info] of model.tensors) size += checkedBytes(name, info);
  const file = new Uint8Array(size);
  file.set(header);
  let offset = header.length;
  for await (const bytes of tensorsOf(model, options)) {
    file.set(bytes, offset);
    offset += bytes.length;
  }
  return file;
}

/**
 * A model as the bytes of a safetensors file, tensor by tensor as they are asked for: one tensor at a time is in
 * memory. Chunks may be views of the model's own memory. The stream fails with the signal's reason when aborted, and
 * with what reading rejects with; cancelling it stops the reading.
 *
 * @throws {RangeError} for what `headerBytes` refuses.
 *
 * @example
 * const response = new Response(safetensorsStream(merged));
 */
export function safetensorsStream(model: Model, options: WriteOptions = {}): ReadableStream<Uint8Array> {
  const header = headerBytes(model.tensors, model.metadata);
  const tensors = tensorsOf(model, options);
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(header),
    async pull(controller) {
      const { done, value } = await tensors.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await tensors.return();
    },
  });
}

/**
 * Writes a model to a sink or a stream, tensor by tensor, so that one tensor at a time is in memory, and closes it. On
 * any failure, and when aborted, it calls the sink's `abort` and rejects with the first error.
 *
 * @example
 * await writeSafetensors(model, await fileSink("merged.safetensors"));
 */
export async function writeSafetensors(
  model: Model,
  sink: ByteSink | WritableStream<Uint8Array>,
  options: WriteOptions = {},
): Promise<void> {
  const header = headerBytes(model.tensors, model.metadata);
  const target = "getWriter" in sink ? (await import("../../io/stream-sink.ts")).streamSink(sink) : sink;
  await writeBehind(header, model, target, options);
}

/** The same behind a header that is there already, in the order of `model.tensors`. */
export async function writeBehind(
  header: Uint8Array,
  model: Model,
  sink: ByteSink,
  options: WriteOptions,
): Promise<void> {
  await writeThenClose(sink, options.signal, async () => {
    await sink.write(header);
    for await (const bytes of tensorsOf(model, options)) await sink.write(bytes);
  });
}

/** Reads every tensor that has bytes in order, checks its size, hands it on and reports. */
async function* tensorsOf(model: Model, { signal, onProgress }: WriteOptions): AsyncGenerator<Uint8Array, void> {
  const giveWay = createYielder(signal);
  const total = model.tensors.size;
  let done = 0;
  for (const [name, info] of model.tensors) {
    await giveWay();
    yield* readPieces(model, name, info, tensorBytes(info), signal);
    done++;
    onProgress?.({ stage: "write", done, total });
  }
}

function checkedBytes(name: string, info: TensorInfo): number {
  return tensorBytes(info, (message) => new RangeError(`tensor ${describe(name)} ${message}`));
}

/** A JSON string. Half surrogate pairs would be escaped, and then refused by every reader. */
function quote(text: string): string {
  if (/\p{Surrogate}/u.test(text)) {
    throw new RangeError(`text ${describe(text)} has a lone surrogate, expected Unicode text`);
  }
  return JSON.stringify(text);
}

/** Length, JSON, and spaces up to a multiple of 8. */
function frame(json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > MAX_HEADER_BYTES) {
    throw new RangeError(`header has ${length} bytes, expected at most ${MAX_HEADER_BYTES}`);
  }
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, LENGTH_BYTES);
  return bytes;
}
