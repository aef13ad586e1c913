import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { Dtype } from "../../../src/base/dtype.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { type MergeOptions, mergeModels } from "../../../src/merge/merge-models.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { convNetwork, toModel } from "../../reference/networks.ts";
import { randomPermutations } from "../../reference/plant.ts";

const test = suite("merging");

const FIXED = parseSpec({ format: "rebasin-spec/1", tensors: {}, rest: "fixed" });

function one(dtype: Dtype, data: ArrayBufferView, name = "model"): Model {
  const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  const sizes: Partial<Record<Dtype, number>> = { F64: 8, I64: 8, C64: 8, F32: 4, I32: 4, F16: 2, BF16: 2 };
  return memoryModel(new Map([["x", { dtype, shape: [bytes.length / (sizes[dtype] ?? 1)], data: bytes }]]), { name });
}

async function merged(a: Model, b: Model, options: MergeOptions = {}): Promise<Uint8Array> {
  return (await mergeModels(a, b, FIXED, new Map(), options)).read("x");
}

async function refusal(run: Promise<unknown>): Promise<Error> {
  return run.then(
    () => assert.unreachable("was not refused") as never,
    (error) => error,
  );
}

async function sameBytes(got: Model, want: Model): Promise<void> {
  for (const name of want.tensors.keys()) {
    const [x, y] = [await got.read(name), await want.read(name)];
    assert.is(x.length, y.length, name);
    assert.is(
      x.findIndex((byte, i) => byte !== y[i]),
      -1,
      name,
    );
  }
}

test("λ = 0 is A and λ = 1 is π(B), bit for bit, −0 included", async () => {
  const [one_, two] = [convNetwork(createRng(1), true), convNetwork(createRng(2), true)];
  one_.tensors.get("conv0.bias")!.data[0] = -0;
  two.tensors.get("conv0.bias")!.data[1] = -0;
  const [a, b] = [toModel(one_.tensors), toModel(two.tensors)];
  const permutations = randomPermutations(one_.spec, a, createRng(3));
  for (const blend of ["lerp", "slerp"] as const) {
    await sameBytes(await mergeModels(a, b, one_.spec, permutations, { lambda: 0, blend }), a);
    const aligned = await applyPermutations(b, one_.spec, permutations);
    await sameBytes(await mergeModels(a, b, one_.spec, permutations, { lambda: 1, blend }), aligned);
  }
});

test("merging is blending with the B that was moved before, in every dtype, wherever the bytes are asked for", async () => {
  const spec = parseSpec({ format: "rebasin-spec/1", tensors: { x: { axes: ["P", "5"] }, y: { axes: ["2", "P"] } } });
  const bytesPerElement = { F64: 8, C64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, F8_E4M3: 1, F8_E5M2: 1 } as const;
  for (const [dtype, size] of Object.entries(bytesPerElement)) {
    const random = (seed: number): Model => {
      const rng = createRng(seed);
      const tensor = (shape: number[]) => {
        const count = shape[0]! * shape[1]! * size;
        // Small bytes: no NaN in any dtype.
        return { dtype: dtype as Dtype, shape, data: Uint8Array.from({ length: count }, () => rng.uniform() * 64) };
      };
      return memoryModel(
        new Map([
          ["x", tensor([12, 5])],
          ["y", tensor([2, 12])],
        ]),
      );
    };
    const [a, b] = [random(1), random(2)];
    const permutations = randomPermutations(spec, a, createRng(3));
    const moved = await applyPermutations(b, spec, permutations);
    for (const lambda of [0, 0.3, 1]) {
      const merged = await mergeModels(a, b, spec, permutations, { lambda });
      await sameBytes(merged, await mergeModels(a, moved, spec, new Map(), { lambda }));
      for (const name of a.tensors.keys()) {
        const want = (await merged.read(name)).slice();
        const into = new Uint8Array(want.length);
        const got = await merged.read(name, undefined, into);
        assert.equal(got, want, `${dtype} ${name} λ ${lambda}`);
        // Even over A's own bytes, which are read before.
        const place = (await a.read(name)).slice();
        const inPlace: Model = { ...a, read: async (n) => (n === name ? place : a.read(n)) };
        const overA = await mergeModels(inPlace, b, spec, permutations, { lambda });
        assert.equal(await overA.read(name, undefined, place), want, `${dtype} ${name} λ ${lambda}, in place`);
      }
    }
  }
});

test("lerp is (1−λ)·a + λ·b in f32", async () => {
  const [x, y] = [Float32Array.of(1, -2, 3e20, 0.1), Float32Array.of(5, 7, -3e20, 0.3)];
  for (const lambda of [0.25, 0.5, 0.9]) {
    const got = new Float32Array((await merged(one("F32", x), one("F32", y), { lambda })).slice().buffer);
    const [wa, wb] = [Math.fround(1 - lambda), Math.fround(lambda)];
    const want = x.map((value, i) => Math.fround(wa * value) + Math.fround(wb * y[i]!));
    assert.equal([...got], [...want]);
  }
});

test("F64 is blended in f64", async () => {
  const got = await merged(one("F64", Float64Array.of(1, 1e300)), one("F64", Float64Array.of(1 + 2 ** -50, 1e300)), {
    lambda: 0.5,
  });
  assert.equal([...new Float64Array(got.slice().buffer)], [1 + 2 ** -51, 1e300]);
});

test("half precision rounds to nearest, ties to even, on the way back", async () => {
  // 1 and 1 + 2⁻¹⁰ are neighbours in F16: the midpoint is a tie and goes to the even one, 1.
  const f16 = await merged(one("F16", Uint16Array.of(0x3c00, 0x3c01)), one("F16", Uint16Array.of(0x3c01, 0x3c02)));
  assert.equal([...new Uint16Array(f16.slice().buffer)], [0x3c00, 0x3c02]);
  const bf16 = await merged(one("BF16", Uint16Array.of(0x3f80, 0x3f81)), one("BF16", Uint16Array.of(0x3f81, 0x3f82)));
  assert.equal([...new Uint16Array(bf16.slice().buffer)], [0x3f80, 0x3f82]);
  // E4M3: 1 = 0x38, 1.125 = 0x39, 1.25 = 0x3a.
  const f8 = await merged(one("F8_E4M3", Uint8Array.of(0x38, 0x39)), one("F8_E4M3", Uint8Array.of(0x39, 0x3a)));
  assert.equal([...f8], [0x38, 0x3a]);
});

test("integer and bool tensors come from A; at λ = 1 from B", async () => {
  const [a, b] = [one("I64", BigInt64Array.of(5n)), one("I64", BigInt64Array.of(9n))];
  assert.is((await merged(a, b))[0], 5);
  assert.is((await merged(a, b, { lambda: 1 }))[0], 9);
  assert.is((await merged(one("BOOL", Uint8Array.of(1)), one("BOOL", Uint8Array.of(0))))[0], 1);
});

test("complex numbers are blended by their parts", async () => {
  const got = await merged(one("C64", Float32Array.of(1, 2)), one("C64", Float32Array.of(3, -2)));
  assert.equal([...new Float32Array(got.slice().buffer)], [2, 0]);
});

test("slerp follows the arc, and the line where the arc is flat", async () => {
  const [x, y] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  const half = new Float32Array((await merged(one("F32", x), one("F32", y), { blend: "slerp" })).slice().buffer);
  for (const value of half) assert.ok(Math.abs(value - Math.SQRT1_2) < 1e-6, `${value}`);
  for (const other of [x, x.map((value) => -3 * value), Float32Array.of(0, 0)]) {
    const flat = await merged(one("F32", x), one("F32", other), { blend: "slerp", lambda: 0.25 });
    const line = await merged(one("F32", x), one("F32", other), { blend: "lerp", lambda: 0.25 });
    assert.equal([...flat], [...line]);
  }
});

test("NaN and infinity are refused, naming tensor and model, unless allowed", async () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const [fine, broken] = [one("F32", Float32Array.of(1, 2), "a"), one("F32", Float32Array.of(1, bad), "b")];
    for (const lambda of [0, 0.5, 1]) {
      const error = await refusal(merged(fine, broken, { lambda }));
      assert.instance(error, RangeError);
      assert.match(error.message, /^b: x has (NaN|Infinity) at element 1, expected finite numbers$/);
    }
    const got = new Float32Array((await merged(fine, broken, { allowNonfinite: true })).slice().buffer);
    assert.is(got[0], 1);
    assert.not.ok(Number.isFinite(got[1]));
  }
});

test("what cannot be merged is refused", async () => {
  const a = one("F32", Float32Array.of(1, 2), "a");
  assert.match(
    (await refusal(merged(a, one("F32", Float32Array.of(1), "b")))).message,
    /x has shape F32 \[1\] in B, expected F32 \[2\]/,
  );
  assert.match((await refusal(merged(a, one("I32", Int32Array.of(1, 2), "b")))).message, /x has dtype I32 \[2\] in B/);
  assert.match((await refusal(merged(a, a, { lambda: 1.5 }))).message, /lambda 1.5, expected a number from 0 to 1/);
  assert.match(
    (await refusal(merged(a, a, { blend: "mean" as "lerp" }))).message,
    /blend "mean", expected "lerp" or "slerp"/,
  );
  assert.match((await refusal(merged(a, a, { lamda: 1 } as MergeOptions))).message, /option "lamda"/);
  const packed = memoryModel(new Map([["x", { dtype: "F4", shape: [2], data: Uint8Array.of(7) }]]));
  assert.match((await refusal(merged(packed, packed))).message, /x is F4, expected a float, integer or bool dtype/);
});

test("metadata keep the format of A and say how the file was made, and nothing that changes between runs", async () => {
  const network = convNetwork(createRng(1), true);
  const [plain, b] = [toModel(network.tensors), toModel(convNetwork(createRng(2), true).tensors)];
  const a = {
    ...plain,
    metadata: new Map([
      ["format", "pt"],
      ["evaluation", "of A alone"],
    ]),
  };
  const permutations = randomPermutations(network.spec, a, createRng(3));
  const make = async (order: Map<string, Int32Array>) => [
    ...(await mergeModels(a, b, network.spec, order, { lambda: 0.25, metadata: new Map([["note", "mine"]]) })).metadata,
  ];
  const first = await make(permutations);
  assert.equal(
    first.map(([key]) => key),
    [
      "format",
      "note",
      "rebasin.version",
      "rebasin.blend",
      "rebasin.lambda",
      "rebasin.fingerprint",
      "rebasin.permutations",
    ],
  );
  assert.equal(first, await make(new Map([...permutations].reverse())));
  assert.is(new Map(first).get("rebasin.lambda"), "0.25");
});

test.run();
