import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { columnMajor, gather, isRowMajor, rowMajor, scatter, spanOf, swapBytes } from "../../../src/formats/strided.ts";
import { sameBytes } from "../../reference/expect-error.ts";

const test = suite("strided arrays");

const arrays = fc.record({
  shape: fc.array(fc.nat(4), { maxLength: 4 }),
  stride: fc.array(fc.nat(5), { minLength: 4, maxLength: 4 }),
  size: fc.constantFrom(1, 2, 4, 8),
  seed: fc.nat(255),
  shift: fc.nat(3),
});

/** Every index of a shape, the last axis fastest. */
function* indices(shape: readonly number[]): Generator<number[]> {
  if (shape.length === 0) yield [];
  else for (let i = 0; i < shape[0]!; i++) for (const rest of indices(shape.slice(1))) yield [i, ...rest];
}

const placeOf = (index: readonly number[], stride: readonly number[]): number =>
  index.reduce((sum, i, axis) => sum + i * stride[axis]!, 0);

test("gather takes the element of every index; scatter puts it back", () => {
  const property = fc.property(arrays, ({ shape, stride: all, size, seed, shift }) => {
    const strides = { shape, stride: all.slice(0, shape.length) };
    const room = new Uint8Array(shift + spanOf(strides) * size).map((_, i) => i * 7 + seed);
    const from = room.subarray(shift);
    const expected = [...indices(shape)].flatMap((index) => {
      const at = placeOf(index, strides.stride) * size;
      return [...from.subarray(at, at + size)];
    });
    const elements = gather(from, strides, size);
    sameBytes(elements, Uint8Array.from(expected));
    const to = Uint8Array.from(from);
    scatter(elements, to, strides, size);
    sameBytes(to, from);
  });
  fc.assert(property, { seed: 1, numRuns: 300 });
});

test("scatter changes the elements' places and no others", () => {
  const to = new Uint8Array(8);
  scatter(Uint8Array.of(1, 2, 3, 4), to, { shape: [2, 2], stride: [4, 2] }, 1);
  assert.equal([...to], [1, 0, 2, 0, 3, 0, 4, 0]);
});

test("rowMajor, columnMajor, isRowMajor and swapBytes", () => {
  assert.equal(rowMajor([2, 3, 4]), [12, 4, 1]);
  assert.equal(columnMajor([2, 3, 4]), [1, 2, 6]);
  assert.is(isRowMajor({ shape: [2, 3], stride: [3, 1] }), true);
  assert.is(isRowMajor({ shape: [2, 3], stride: [1, 2] }), false);
  assert.is(isRowMajor({ shape: [1, 3], stride: [99, 1] }), true);
  assert.is(isRowMajor({ shape: [0, 3], stride: [9, 9] }), true);
  assert.is(spanOf({ shape: [], stride: [] }), 1);
  assert.is(spanOf({ shape: [3, 0], stride: [1, 1] }), 0);
  assert.equal([...swapBytes(Uint8Array.of(1, 2, 3, 4), 2)], [2, 1, 4, 3]);
});

test.run();
