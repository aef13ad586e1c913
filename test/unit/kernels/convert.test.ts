import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import type { Kernels } from "../../../src/kernels/kernels.ts";
import { bitEqual } from "../../reference/bits.ts";
import { Bench, BUILDS, buildName } from "../../reference/on-kernels.ts";
import {
  BF16,
  decode,
  encode,
  F8E4M3,
  F8E5M2,
  F16,
  magnitudes,
  type SmallFormat,
} from "../../reference/small-floats.ts";

type Convert = (dst: number, src: number, n: number) => void;

interface Pair {
  readonly format: SmallFormat;
  widen(kernels: Kernels): Convert;
  narrow(kernels: Kernels): Convert;
}

const PAIRS: readonly Pair[] = [
  { format: F16, widen: ({ wasm }) => wasm.f16ToF32, narrow: ({ wasm }) => wasm.f32ToF16 },
  { format: BF16, widen: ({ wasm }) => wasm.bf16ToF32, narrow: ({ wasm }) => wasm.f32ToBf16 },
  { format: F8E4M3, widen: ({ wasm }) => wasm.f8e4m3ToF32, narrow: ({ wasm }) => wasm.f32ToF8e4m3 },
  { format: F8E5M2, widen: ({ wasm }) => wasm.f8e5m2ToF32, narrow: ({ wasm }) => wasm.f32ToF8e5m2 },
];

type Input = Float32Array | Float64Array | Uint32Array | Uint16Array | Uint8Array;

/** Bytes of `convert` over `input`, `size` bytes an element of output. */
function run(kernels: Kernels, convert: Convert, input: Input, size: number, misalign = 4): ArrayBuffer {
  const bench = new Bench(kernels);
  const src = bench.put(input, misalign);
  const dst = bench.area(input.length * size, misalign);
  convert(dst, src, input.length);
  const result = bench.take(dst, input.length * size);
  bench.done();
  return result;
}

function allCodes(format: SmallFormat): Uint16Array | Uint8Array {
  const codes = Array.from({ length: 2 ** format.bits }, (_, code) => code);
  return format.bits === 16 ? Uint16Array.from(codes) : Uint8Array.from(codes);
}

function asCodes(format: SmallFormat, buffer: ArrayBuffer): Uint16Array | Uint8Array {
  return format.bits === 16 ? new Uint16Array(buffer) : new Uint8Array(buffer);
}

/** The next f32 up (by = 1) or down (by = −1) of a positive one. */
function nudge(x: number, by: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, x);
  view.setUint32(0, view.getUint32(0) + by);
  return view.getFloat32(0);
}

/** Every value, every tie, the floats beside each tie, special values, and random bits; both signs. */
function hardInputs(format: SmallFormat): Float32Array {
  const table = magnitudes(format);
  const inputs: number[] = [
    0,
    2 ** -149,
    2 ** -126,
    2 ** 127,
    3.4028234663852886e38,
    Number.POSITIVE_INFINITY,
    Number.NaN,
  ];
  for (let code = 0; code < format.special; code++) {
    const tie = (table[code]! + table[code + 1]!) / 2;
    inputs.push(table[code]!, tie, nudge(tie, 1));
    if (tie > 0) inputs.push(nudge(tie, -1));
  }
  const random = new Float32Array(20000);
  const rng = createRng(3);
  const bits = new Uint32Array(random.buffer);
  for (let i = 0; i < bits.length; i++) bits[i] = rng.uint32();
  const all = new Float32Array(inputs.length * 2 + random.length);
  all.set(inputs);
  all.set(
    inputs.map((x) => -x),
    inputs.length,
  );
  all.set(random, inputs.length * 2);
  return all;
}

for (const kernels of BUILDS) {
  const test = suite(`kernels convert ${buildName(kernels)}`);

  for (const { format, widen, narrow } of PAIRS) {
    test(`every ${format.name} code has its value`, () => {
      const codes = allCodes(format);
      const values = new Float32Array(run(kernels, widen(kernels), codes, 4));
      for (let code = 0; code < codes.length; code++) {
        const expected = decode(format, code);
        if (!Object.is(values[code], expected))
          assert.unreachable(`code ${code} is ${values[code]}, expected ${expected}`);
      }
    });

    test(`every ${format.name} code comes back, NaN as NaN`, () => {
      const codes = allCodes(format);
      const values = new Float32Array(run(kernels, widen(kernels), codes, 4));
      const back = asCodes(format, run(kernels, narrow(kernels), values, format.bits / 8));
      for (let code = 0; code < codes.length; code++) {
        const same = Number.isNaN(values[code]) ? Number.isNaN(decode(format, back[code]!)) : back[code] === code;
        if (!same) assert.unreachable(`code ${code} comes back as ${back[code]}`);
      }
    });

    test(`${format.name} rounds to nearest, ties to even`, () => {
      const inputs = hardInputs(format);
      const table = magnitudes(format);
      const codes = asCodes(format, run(kernels, narrow(kernels), inputs, format.bits / 8));
      for (let i = 0; i < inputs.length; i++) {
        const expected = encode(format, table, inputs[i]!);
        const good = expected < 0 ? Number.isNaN(decode(format, codes[i]!)) : codes[i] === expected;
        if (!good) assert.unreachable(`${inputs[i]} becomes code ${codes[i]}, expected ${expected}`);
      }
    });

    test(`NaNs of every kind stay NaNs in ${format.name}`, () => {
      const nans = Uint32Array.of(0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7f80ffff);
      for (const code of asCodes(format, run(kernels, narrow(kernels), nans, format.bits / 8))) {
        assert.ok(Number.isNaN(decode(format, code)), `code ${code}`);
      }
    });

    test(`${format.name} at every length and alignment, nothing else written`, () => {
      const codes = allCodes(format).slice(100, 121);
      const whole = new Float32Array(run(kernels, widen(kernels), codes, 4));
      for (let n = 0; n <= codes.length; n++) {
        const values = new Float32Array(run(kernels, widen(kernels), codes.slice(0, n), 4, n % 7));
        bitEqual(values, whole.slice(0, n), `${n} elements`);
        const back = run(kernels, narrow(kernels), values, format.bits / 8, n % 5);
        bitEqual(asCodes(format, back), codes.slice(0, n), `${n} elements back`);
      }
    });
  }

  test("f8e4m3 overflows to NaN above 464, the last tie", () => {
    const inputs = Float32Array.of(448, 464, nudge(464, 1), 480, 1e30, Number.POSITIVE_INFINITY, -464, -465);
    const codes = new Uint8Array(run(kernels, kernels.wasm.f32ToF8e4m3, inputs, 1));
    assert.equal([...codes], [0x7e, 0x7e, 0x7f, 0x7f, 0x7f, 0x7f, 0xfe, 0xff]);
  });

  test("f8e5m2 and f16 overflow to infinity", () => {
    const e5m2 = run(
      kernels,
      kernels.wasm.f32ToF8e5m2,
      Float32Array.of(57344, nudge(61440, -1), 61440, 1e30, -1e30),
      1,
    );
    assert.equal([...new Uint8Array(e5m2)], [0x7b, 0x7b, 0x7c, 0x7c, 0xfc]);
    const f16 = run(kernels, kernels.wasm.f32ToF16, Float32Array.of(65504, nudge(65520, -1), 65520, 1e30, -1e30), 2);
    assert.equal([...new Uint16Array(f16)], [0x7bff, 0x7bff, 0x7c00, 0x7c00, 0xfc00]);
  });

  test("f64 and f32: the machine's own rounding, and exactly back", () => {
    const rng = createRng(8);
    const values = Float64Array.from({ length: 2001 }, () => (rng.uniform() - 0.5) * 2 ** (rng.below(320) - 160));
    values.set([
      0,
      -0,
      2 ** -149,
      2 ** -150,
      3 * 2 ** -150,
      1 + 2 ** -24,
      1 + 3 * 2 ** -24,
      1e300,
      -Infinity,
      Number.NaN,
    ]);
    const narrowed = new Float32Array(run(kernels, kernels.wasm.f64ToF32, values, 4));
    bitEqual(narrowed, Float32Array.from(values), "f64 to f32");
    const widened = new Float64Array(run(kernels, kernels.wasm.f32ToF64, narrowed, 8));
    for (let i = 0; i < values.length; i++) assert.ok(Object.is(widened[i], Math.fround(values[i]!)), `element ${i}`);
    for (const n of [0, 1, 2, 3]) {
      assert.is(run(kernels, kernels.wasm.f64ToF32, values.slice(0, n), 4).byteLength, 4 * n);
      assert.is(run(kernels, kernels.wasm.f32ToF64, narrowed.slice(0, n), 8).byteLength, 8 * n);
    }
  });

  test.run();
}

const both = suite("kernels convert, simd against scalar");
for (const { format, widen, narrow } of PAIRS) {
  both(`${format.name}: the builds agree in every bit, NaNs too`, () => {
    const inputs = hardInputs(format);
    const [simd, scalar] = BUILDS.map((kernels) => run(kernels, narrow(kernels), inputs, format.bits / 8));
    bitEqual(asCodes(format, simd!), asCodes(format, scalar!), "narrowed");
    const [wideSimd, wideScalar] = BUILDS.map((kernels) => run(kernels, widen(kernels), allCodes(format), 4));
    bitEqual(new Uint32Array(wideSimd!), new Uint32Array(wideScalar!), "widened");
  });
}
both.run();
