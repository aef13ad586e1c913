import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import {
  encodeSafetensors,
  safetensorsStream,
  writeSafetensors,
} from "../../../src/formats/safetensors/write-safetensors.ts";
import { readFloats } from "../../../src/kernels/read-floats.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";

const test = suite("streams of safetensors");

const model: Model = toModel(mlpNetwork(createRng(1)).tensors);

/** A stream that collects what it is given. */
function collector(): { stream: WritableStream<Uint8Array>; ended: string[]; bytes: () => Uint8Array } {
  const chunks: number[] = [];
  const ended: string[] = [];
  const stream = new WritableStream<Uint8Array>({
    write: (chunk) => void chunks.push(...chunk),
    close: () => void ended.push("closed"),
    abort: () => void ended.push("aborted"),
  });
  return { stream, ended, bytes: () => Uint8Array.from(chunks) };
}

test("a stream gives the bytes of the file; so does a WritableStream get them, which is closed", async () => {
  const whole = await encodeSafetensors(model);
  sameBytes(new Uint8Array(await new Response(safetensorsStream(model)).arrayBuffer()), whole);
  const { stream, ended, bytes } = collector();
  await writeSafetensors(model, stream);
  sameBytes(bytes(), whole);
  assert.equal(ended, ["closed"]);
});

test("one tensor at a time is read, as it is asked for, and none after the stream is cancelled", async () => {
  const read: string[] = [];
  const watched: Model = {
    ...model,
    read(name, ...rest) {
      read.push(name);
      return model.read(name, ...rest);
    },
  };
  const reader = safetensorsStream(watched).getReader();
  await reader.read();
  assert.ok(read.length <= 1, read.join());
  await reader.read();
  assert.ok(read.length <= 2, read.join());
  await reader.cancel();
  const seen = read.length;
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(read.length, seen);
});

test("a failing read fails the stream and aborts the sink; an aborted signal gives its reason", async () => {
  const broken: Model = { ...model, read: () => Promise.reject(new RangeError("broken")) };
  const failing = safetensorsStream(broken).getReader();
  // The header comes first.
  await failing.read();
  await rejects(() => failing.read(), RangeError, /^broken$/);
  // Each engine has words of its own for a body that breaks off.
  await rejects(() => new Response(safetensorsStream(broken)).arrayBuffer(), Error, /./);
  const { stream, ended } = collector();
  await rejects(() => writeSafetensors(broken, stream), RangeError, /^broken$/);
  assert.equal(ended, ["aborted"]);
  const reason = new RangeError("enough");
  const reader = safetensorsStream(model, { signal: AbortSignal.abort(reason) }).getReader();
  await reader.read();
  await rejects(() => reader.read(), RangeError, /^enough$/);
});

test("a header that cannot be written is refused before anything is touched", async () => {
  const odd = memoryModel(new Map([["__metadata__", { dtype: "U8", shape: [0], data: new Uint8Array(0) }]]));
  assert.throws(() => safetensorsStream(odd), /tensor name __metadata__/);
  const { stream, ended } = collector();
  await rejects(() => writeSafetensors(odd, stream), RangeError, /tensor name __metadata__/);
  assert.equal(ended, []);
  assert.not(stream.locked);
});

test("readFloats: every float dtype as f32, a copy; what is none is refused", async () => {
  const values = Float64Array.of(1.5, -2, 0.1);
  const halves = Uint16Array.of(0x3fc0, 0xc000, 0x3f80);
  const made = memoryModel(
    new Map([
      ["wide", { dtype: "F64", shape: [3], data: new Uint8Array(values.buffer) }],
      ["half", { dtype: "BF16", shape: [3], data: new Uint8Array(halves.buffer) }],
      ["plain", { dtype: "F32", shape: [1, 3], data: new Uint8Array(Float32Array.from(values).buffer) }],
      ["whole", { dtype: "I32", shape: [1], data: new Uint8Array(4) }],
    ]),
  );
  assert.equal(await readFloats(made, "wide"), Float32Array.from(values));
  assert.equal(await readFloats(made, "half"), Float32Array.of(1.5, -2, 1));
  const plain = await readFloats(made, "plain");
  assert.equal(plain, Float32Array.from(values));
  plain.fill(0);
  assert.equal(await readFloats(made, "plain"), Float32Array.from(values));
  await rejects(() => readFloats(made, "whole"), TypeError, /I32/);
  await rejects(() => readFloats(made, "gone"), RangeError, /^model has no tensor "gone", expected one of its names$/);
});

test.run();
