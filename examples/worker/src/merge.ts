/** Merges two files and streams the result, one tensor at a time in memory. */

import { type ByteSink, type Model, openModel, rebasin, writeSafetensors } from "rebasin";
import type { Input } from "./input.ts";
import { checkMemory, specFor } from "./memory.ts";

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

/** `memory`: bytes it may take. Rejects with 422 beyond, and with the library's errors, before any byte is sent: every tensor has been merged once by then, for the digest. */
export async function merge({ a, b, lambda, ...input }: Input, memory: number, signal: AbortSignal): Promise<Merged> {
  const modelA = await openModel(a, { name: "a", signal });
  const modelB = await openModel(b, { name: "b", signal });
  const spec = specFor(input.spec, modelA);
  checkMemory(modelA, spec, a.length + b.length, memory);
  const { model, report } = await rebasin(modelA, modelB, { spec, lambda, signal });
  const { length, digest } = await measure(model, signal);
  const { readable, writable } = new FixedLengthStream(length);
  const sent = writeSafetensors(model, sinkOf(writable), { signal }).catch(() => undefined);
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

async function measure(model: Model, signal: AbortSignal): Promise<{ length: number; digest: string }> {
  const hash = new crypto.DigestStream("SHA-256");
  // It rejects together with the writing, whose error is the one to know.
  hash.digest.catch(() => undefined);
  let length = 0;
  const sink = sinkOf(hash);
  const write = (bytes: Uint8Array): Promise<void> => {
    length += bytes.length;
    return sink.write(bytes);
  };
  await writeSafetensors(model, { ...sink, write }, { signal });
  return { length, digest: btoa(String.fromCharCode(...new Uint8Array(await hash.digest))) };
}

/** A stream as the library's sink: a write waits until the stream has room again. */
function sinkOf(stream: WritableStream<Uint8Array>): ByteSink {
  const writer = stream.getWriter();
  return {
    write: (bytes) => writer.write(bytes),
    close: () => writer.close(),
    abort: () => writer.abort(),
  };
}
