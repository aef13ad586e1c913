import { suite } from "uvu";
import * as assert from "uvu/assert";
import { K_BLOCK, ROW_BLOCK, TILE_COLUMNS } from "../../../src/kernels/constants.ts";
import { decodeDigits, decodeHex } from "../../../src/kernels/decode-hex.ts";
import type { KernelExports } from "../../../src/kernels/exports.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import { compileBuild } from "../../../src/kernels/wasm.ts";

/** Number of arguments of every export. The type makes it complete: no name more, no name less than the interface. */
const ARITY: { [Name in keyof KernelExports]: Parameters<KernelExports[Name]>["length"] } = {
  heapBase: 0,
  isSimd: 0,
  cost: 14,
  costWork: 2,
  assign: 11,
  assignWork: 2,
  assignMethod: 0,
  gather: 6,
  combine32: 6,
  combine64: 6,
  dot32: 3,
  dot64: 3,
  sum32: 2,
  selectedSum: 4,
  dotIndexed: 9,
  foldColumns: 9,
  nonfinite32: 2,
  nonfinite64: 2,
  zeroNonfinite32: 2,
  largest32: 2,
  f16ToF32: 3,
  f32ToF16: 3,
  bf16ToF32: 3,
  f32ToBf16: 3,
  f64ToF32: 3,
  f32ToF64: 3,
  f8e4m3ToF32: 3,
  f32ToF8e4m3: 3,
  f8e5m2ToF32: 3,
  f32ToF8e5m2: 3,
};

const test = suite("kernels wasm");

for (const simd of [true, false]) {
  const name = simd ? "simd" : "scalar";

  test(`the ${name} build imports its memory and nothing else`, () => {
    const { module } = compileBuild({ simd });
    // Some engines add a type to each.
    const imports = WebAssembly.Module.imports(module).map(({ module, name, kind }) => ({ module, name, kind }));
    assert.equal(imports, [{ module: "env", name: "memory", kind: "memory" }]);
  });

  test(`the ${name} build has the blocks that constants.ts says`, () => {
    const { costWork } = createKernels({ simd }).wasm;
    // The work area holds a packed block of B, in whole tiles, a packed block of A, and one tile of 32 numbers.
    const block = (k: number): number => costWork(1, k) / 4 - 32;
    let k = 1;
    while (block(k + 1) > block(k)) k++;
    assert.is(k, K_BLOCK);
    let tile = 1;
    while (costWork(tile + 1, 1) === costWork(1, 1)) tile++;
    assert.is(tile, TILE_COLUMNS);
    assert.is(block(1), ROW_BLOCK + TILE_COLUMNS);
  });

  test(`the ${name} build exports what the interface says`, () => {
    const functions = WebAssembly.Module.exports(compileBuild({ simd }).module).filter(
      ({ kind }) => kind === "function",
    );
    assert.equal(functions.map((entry) => entry.name).sort(), Object.keys(ARITY).sort());
    const { wasm } = createKernels({ simd });
    for (const [key, count] of Object.entries(ARITY)) {
      assert.is((wasm[key as keyof KernelExports] as unknown as { length: number }).length, count, key);
    }
  });

  test(`the ${name} build is compiled once, and knows which it is`, () => {
    assert.is(compileBuild({ simd }).module, compileBuild({ simd }).module);
    assert.is(createKernels({ simd }).simd, simd);
    assert.is(createKernels({ simd }).wasm.isSimd(), simd ? 1 : 0);
  });

  test(`the ${name} build leaves the first bytes to nobody`, () => {
    const { wasm, memory } = createKernels({ simd });
    // Address 0 means "no offsets", so nothing may be allocated there.
    assert.ok(wasm.heapBase() > 0);
    assert.ok(wasm.heapBase() <= memory.buffer.byteLength);
  });
}

test("instances share nothing", () => {
  const one = createKernels();
  const two = createKernels();
  assert.is.not(one.memory, two.memory);
  const pointer = one.arena.allocate(4);
  one.u8(pointer, 1)[0] = 7;
  assert.is(two.arena.allocate(4), pointer);
  assert.is(two.u8(pointer, 1)[0], 0);
});

test("without a choice the engine's best is taken", () => {
  // (module (func (result v128) i32.const 0  i8x16.splat  i8x16.popcnt))
  const words = "0061736d 01000000 0105016000017b 03020100 0a0a010800 4100 fd0f fd62 0b".replaceAll(" ", "");
  const bytes = Uint8Array.from(words.match(/../g)!, (byte) => Number.parseInt(byte, 16));
  assert.is(createKernels().simd, WebAssembly.validate(bytes));
});

test("hexadecimal digits are decoded alike by the host and by hand", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.equal(new Uint8Array(decodeHex(hex)), bytes);
  assert.equal(decodeDigits(hex), bytes);
  assert.is(decodeDigits("").length, 0);
});

test.run();
