import { suite } from "uvu";
import * as assert from "uvu/assert";
import { asFloat32, asFloat64, asInt32, asUint16 } from "../../../src/base/aligned.ts";
import type { Dtype } from "../../../src/base/dtype.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import { tensorBytes } from "../../../src/base/tensor-bytes.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("io-memory");

test("aligned bytes become a view, others a copy, both with the same values", () => {
  const values = new Float32Array([1.5, -0, 3e38]);
  const raw = new Uint8Array(values.buffer);
  const view = asFloat32(raw);
  assert.is(view.buffer, values.buffer);
  assert.is(asFloat32(raw.subarray(4)).byteOffset, 4, "byteOffset is kept");
  const shifted = new Uint8Array(raw.length + 1);
  shifted.set(raw, 1);
  const copy = asFloat32(shifted.subarray(1));
  assert.is.not(copy.buffer, shifted.buffer);
  assert.ok(values.every((value, i) => Object.is(value, view[i]) && Object.is(value, copy[i])));
  assert.equal([...asInt32(Uint8Array.of(255, 255, 255, 255, 1, 0, 0, 0))], [-1, 1]);
  assert.equal([...asUint16(Uint8Array.of(0, 60))], [0x3c00]);
  assert.equal([...asFloat64(new Uint8Array(new Float64Array([0.1]).buffer))], [0.1]);
  assert.is(asFloat32(new Uint8Array(0)).length, 0);
  assert.throws(() => asFloat32(new Uint8Array(7)), /^array has 7 bytes, expected a multiple of 4$/);
});

test("a memory sink gives what was written, once it is closed", async () => {
  const sink = memorySink();
  const reused = Uint8Array.of(1, 2);
  await sink.write(reused);
  reused.fill(9);
  await sink.write(reused.subarray(1));
  assert.throws(() => sink.bytes(), /memory sink is open, expected closed/);
  await sink.close();
  assert.equal([...sink.bytes()], [1, 2, 9]);
  await sink.abort();
  assert.equal([...sink.bytes()], [1, 2, 9], "abort after close changes nothing");
  await rejects(() => sink.write(reused), RangeError, /memory sink is closed, expected open/);
  const aborted = memorySink();
  await aborted.abort();
  await aborted.abort();
  await rejects(() => aborted.close(), RangeError, /memory sink is aborted, expected open/);
});

test("a memory model gives views and checks what it is given", async () => {
  const data = new Uint8Array(8);
  const model = memoryModel(new Map([["__proto__", { dtype: "F32", shape: [2], data }]] as const), { name: "mine" });
  assert.is(await model.read("__proto__"), data);
  assert.equal([...model.tensors], [["__proto__", { dtype: "F32", shape: [2] }]]);
  await rejects(() => model.read("constructor"), RangeError, /^mine has no tensor "constructor", expected/);
  await rejects(() => model.read("__proto__", AbortSignal.abort(new RangeError("stop"))), RangeError, /^stop$/);
  const build = (dtype: string, shape: number[], bytes: unknown) => () =>
    memoryModel(new Map([["w", { dtype: dtype as Dtype, shape, data: bytes as Uint8Array }]]));
  assert.throws(build("F32", [3], data), /^model tensor "w" has 8 bytes, expected 12 \(\[3\] of F32\)$/);
  assert.throws(build("float32", [2], data), /^model tensor "w" has dtype "float32", expected one of BOOL/);
  assert.throws(build("F32", [-2], data), /^model tensor "w" has shape \[-2\], expected whole numbers/);
  assert.throws(build("F32", [2], new Float32Array(2)), /^model tensor "w" data is object, expected a Uint8Array$/);
});

test("tensorBytes is exact up to its limit and refuses the rest", () => {
  assert.is(tensorBytes({ dtype: "F64", shape: [] }), 8);
  assert.is(tensorBytes({ dtype: "F4", shape: [2, 3] }), 3);
  assert.is(tensorBytes({ dtype: "F6_E3M2", shape: [4] }), 3);
  assert.is(tensorBytes({ dtype: "F32", shape: [0, 5] }), 0);
  assert.is(tensorBytes({ dtype: "U8", shape: [2 ** 25, 2 ** 24] }), 2 ** 49);
  assert.throws(() => tensorBytes({ dtype: "U8", shape: [2 ** 25, 2 ** 25] }), /expected less than 2\^53 bits/);
  assert.throws(() => tensorBytes({ dtype: "U8", shape: Array(64).fill(2 ** 52) }), /expected less than 2\^53 bits/);
  assert.throws(() => tensorBytes({ dtype: "U8", shape: [Number.NaN] }), /expected whole numbers/);
});

test.run();
