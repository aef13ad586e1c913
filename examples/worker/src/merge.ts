/** Merges two files and streams the result, one tensor at a time in memory. */

import {
  type ByteSink,
  type Model,
  matchMetadata,
  matchWeights,
  memoryModel,
  mergeModels,
  openModel,
  pairOf,
  type TensorInfo,
  writeSafetensors,
} from "rebasin";
import type { Formats } from "./create-worker.ts";
import type { Input } from "./input.ts";
import { checkHeaders, checkMemory, indexBytes, isInPlace, specFor } from "./memory.ts";

/** Of Cloudflare's runtime: a `WritableStream` that hashes, and a stream that gives its response a `Content-Length`. */
declare const FixedLengthStream: new (length: number) => TransformStream<Uint8Array, Uint8Array>;
declare global {
  interface Crypto {
    readonly DigestStream: new (algorithm: string) => WritableStream<Uint8Array> & { digest: Promise<ArrayBuffer> };
  }
}

/** A merge that is known to succeed; `body` can be read once. */
export interface Merged {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ReadableStream<Uint8Array>;
  /** Settles when the body has been sent, or nobody wants the rest of it. Never rejects. */
  readonly sent: Promise<void>;
}

/**
 * `room`: bytes it may take beside the files. Rejects with 422 beyond, and with the library's errors, before any byte is sent: every tensor
 * has been merged by then. The merged tensors take the place of A's where A is safetensors: `a` is changed.
 */
export async function merge(
  { a, b, lambda, ...input }: Input,
  formats: Formats,
  room: number,
  signal: AbortSignal,
): Promise<Merged> {
  checkHeaders([a, b], room);
  const options = { signal, formats, maxIndexBytes: indexBytes(room) };
  const modelA = await openModel(a, { name: "a", ...options });
  const modelB = await openModel(b, { name: "b", ...options });
  const spec = await specFor(input.spec, modelA);
  checkMemory(modelA, spec, room);
  // Not by `rebasin`, which also makes files fit that differ a little: 5 kB more to read when an isolate starts.
  const pair = pairOf(modelA, modelB, spec);
  const { alignment, report } = await matchWeights(modelA, modelB, pair, { signal });
  const merged = await mergeModels(modelA, modelB, pair, alignment, { lambda, metadata: matchMetadata(report) });
  const model = await mergeInPlace(merged, modelA, signal);
  const { length, digest } = await measure(model, signal);
  const { readable, writable } = new FixedLengthStream(length);
  const sent = writeSafetensors(model, sinkOf(writable, signal), { signal }).catch(() => undefined);
  return {
    headers: {
      "content-type": "application/octet-stream",
      "content-disposition": 'attachment; filename="merged.safetensors"',
      "content-length": String(length),
      "content-digest": `sha-256=:${digest}:`,
      "cache-control": "no-store",
      "rebasin-objective": `${report.identityObjective} before, ${report.objective} aligned`,
    },
    body: readable,
    sent,
  };
}

/**
 * The merged model with its tensors where A's were: nobody reads A any more, and an isolate has no room for three models.
 * Tensors of PyTorch's files may share bytes: theirs get new places.
 */
async function mergeInPlace(merged: Model, a: Model, signal: AbortSignal): Promise<Model> {
  const tensors = new Map<string, TensorInfo & { data: Uint8Array }>();
  for (const [name, info] of merged.tensors) {
    // A view of the request's body.
    const place = isInPlace(a) ? await a.read(name, signal) : undefined;
    const data = await merged.read(name, signal, place);
    tensors.set(name, { ...info, data });
  }
  return memoryModel(tensors, { name: merged.name, metadata: merged.metadata });
}

async function measure(model: Model, signal: AbortSignal): Promise<{ length: number; digest: string }> {
  const hash = new crypto.DigestStream("SHA-256");
  // It rejects together with the writing, whose error is the one to know.
  hash.digest.catch(() => undefined);
  let length = 0;
  const sink = sinkOf(hash, signal);
  const write = (bytes: Uint8Array): Promise<void> => {
    length += bytes.length;
    return sink.write(bytes);
  };
  await writeSafetensors(model, { ...sink, write }, { signal });
  return { length, digest: btoa(String.fromCharCode(...new Uint8Array(await hash.digest))) };
}

/** A stream as the library's sink: a write waits until the stream has room again, or the signal fires. */
function sinkOf(stream: WritableStream<Uint8Array>, signal: AbortSignal): ByteSink {
  const writer = stream.getWriter();
  const abort = (): Promise<void> => writer.abort(signal.reason ?? new Error("the merge failed"));
  // The library asks the signal between writes. One whose reader stalls would never end.
  const giveUp = (): void => void abort().catch(() => undefined);
  signal.addEventListener("abort", giveUp, { once: true });
  return {
    write: (bytes) => writer.write(bytes),
    async close() {
      await writer.close();
      signal.removeEventListener("abort", giveUp);
    },
    abort,
  };
}
