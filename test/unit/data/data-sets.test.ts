/** Data sets: scaling, parts, pooling, batches. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import { averagePoolTo } from "../../../src/data/average-pool.ts";
import { createDataset, type ImageData } from "../../../src/data/create-dataset.ts";
import { batches, firstImages, subset } from "../../../src/data/select.ts";

const test = suite("data sets");

const refuses = (message: RegExp, work: () => unknown): void => {
  assert.throws(work, (error: Error) => error instanceof RangeError && message.test(error.message), String(message));
};

/** `count` images of 1×2 pixels whose values are 10·i and 10·i + 1. */
function numbered(count: number, options: Partial<ImageData> = {}) {
  return createDataset({
    ...{ name: "numbers", height: 1, width: 2, channels: 1, scale: 1 },
    pixels: Uint8Array.from({ length: 2 * count }, (_, i) => 10 * Math.floor(i / 2) + (i % 2)),
    labels: Uint8Array.from({ length: count }, (_, i) => i),
    ...options,
  });
}

test("bytes are scaled by 255 unless told otherwise, floats are left; mean and std by channel, rounded once", () => {
  const base = { name: "n", height: 1, width: 1, channels: 2, labels: Uint8Array.of(0, 1) };
  const bytes = Uint8Array.of(0, 51, 255, 7);
  const read = (more: object, pixels: Uint8Array | Float32Array = bytes) => [
    ...createDataset({ ...base, pixels, ...more }).read(0, 2),
  ];
  assert.equal(read({}), [0, 51 / 255, 1, 7 / 255].map(Math.fround));
  assert.equal(read({ scale: 51 }), [0, 1, 5, 7 / 51].map(Math.fround));
  const normal = { mean: [0.5, 0.25], std: [0.5, 2] };
  const expected = [-1, (0.2 - 0.25) / 2, 1, (7 / 255 - 0.25) / 2].map(Math.fround);
  assert.equal(read(normal), expected);
  assert.equal(read({}, Float32Array.of(0, 0.5, 3, -1)), [0, 0.5, 3, -1]);
  assert.equal(read({ scale: 2, ...normal }, Float32Array.of(0, 0.5, 3, -1)), [-1, 0, 2, -0.375]);
  // A part that starts at another image has the same channels.
  assert.equal([...createDataset({ ...base, pixels: bytes, ...normal }).read(1, 2)], expected.slice(2));
});

test("images, labels, classes and options that do not go together are refused", () => {
  refuses(/^numbers height 0, expected a positive integer$/, () => numbered(1, { height: 0 }));
  refuses(/^numbers holds 2 values, expected 1×1×3×1 = 3 for 1 labels$/, () => numbered(1, { width: 3 }));
  refuses(/^numbers has label 2, expected less than 2 classes$/, () => numbered(3, { classes: 2 }));
  refuses(/^numbers scale 0, expected a positive number$/, () => numbered(1, { scale: 0 }));
  refuses(/^numbers mean has 2 numbers, expected 1, one for each channel$/, () => numbered(1, { mean: [1, 2] }));
  refuses(/^numbers std 0, expected positive numbers$/, () => numbered(1, { std: [0] }));
  assert.throws(() => numbered(1, { scales: 1 } as object), /createDataset option "scales"/);
  for (const [start, end] of [
    [-1, 1],
    [0, 4],
    [2, 1],
    [0.5, 1],
  ] as const)
    refuses(/^numbers images .* expected a range within 0 to 3$/, () => numbered(3).read(start, end));
  assert.is(numbered(3).read(3, 3).length, 0);
});

test("subset: any order, any number of times, of subsets too; reading never copies labels apart from images", () => {
  const data = numbered(7);
  const part = subset(data, [5, 0, 1, 2, 2]);
  assert.equal([part.count, ...part.labels], [5, 5, 0, 1, 2, 2]);
  assert.equal([...part.read(0, 5)], [50, 51, 0, 1, 10, 11, 20, 21, 20, 21]);
  const inner = subset(part, [4, 0]);
  assert.equal([...inner.labels, ...inner.read(0, 2)], [2, 5, 20, 21, 50, 51]);
  refuses(/^numbers index 7, expected an integer from 0 to 6$/, () => subset(data, [7]));
  refuses(/^numbers index 0.5, expected /, () => subset(data, [0.5]));
  refuses(/^numbers images 0 to 6, /, () => part.read(0, 6));
});

test("the first images; all of them where there are fewer", () => {
  const data = numbered(4);
  const first = firstImages(data, 2);
  assert.equal([first.count, ...first.labels, ...first.read(1, 2)], [2, 0, 1, 10, 11]);
  refuses(/ expected a range within 0 to 2$/, () => first.read(0, 3));
  assert.is(firstImages(data, 4), data);
  assert.is(firstImages(data, 9), data);
  refuses(/^numbers first 0 images, expected 1 or more$/, () => firstImages(data, 0));
});

test("batches: all images once, in order or in the order given", () => {
  const data = numbered(10);
  const order = randomPermutation(10, createRng(3));
  for (const options of [{}, { order }]) {
    for (const size of [1, 3, 10, 99]) {
      const [labels, values, starts]: number[][] = [[], [], []];
      for (const batch of batches(data, size, options)) {
        starts!.push(batch.start);
        labels!.push(...batch.labels);
        values!.push(...batch.images);
        assert.is(batch.images.length, 2 * batch.labels.length);
      }
      const expected = "order" in options ? [...order] : [...data.labels];
      assert.equal(labels, expected);
      assert.equal(
        values,
        expected.flatMap((i) => [10 * i, 10 * i + 1]),
      );
      assert.equal(
        starts,
        expected.map((_, i) => i).filter((i) => i % size === 0),
      );
    }
  }
  refuses(/^numbers batch 0, expected a positive integer$/, () => batches(data, 0));
  refuses(/^numbers index 10, /, () => batches(data, 1, { order: [10] }));
});

test("pooling means rectangles of every channel, as plain loops do", () => {
  const rng = createRng(11);
  const [count, height, width, channels, side] = [3, 4, 6, 2, 2];
  const pixels = Float32Array.from({ length: count * height * width * channels }, () => rng.uniform());
  const data = createDataset({ name: "n", height, width, channels, pixels, labels: new Uint8Array(count) });
  const pooled = averagePoolTo(data, side);
  assert.equal([pooled.height, pooled.width, pooled.channels, pooled.count], [2, 2, 2, 3]);
  const read = pooled.read(1, 3);
  let at = 0;
  for (let image = 1; image < 3; image++)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++)
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let dy = 0; dy < 2; dy++)
            for (let dx = 0; dx < 3; dx++)
              sum += pixels[((image * height + 2 * y + dy) * width + 3 * x + dx) * channels + c]!;
          assert.is(read[at++], Math.fround(sum / 6));
        }
});

test("pooling to the same size changes nothing; to a size that does not divide, it names those that do", () => {
  const data = createDataset({
    ...{ name: "n", height: 28, width: 28, channels: 1 },
    pixels: new Uint8Array(784),
    labels: new Uint8Array(1),
  });
  assert.is(averagePoolTo(data, 28), data);
  assert.is(averagePoolTo(data, 14).read(0, 1).length, 196);
  refuses(/^n has images of 28×28, expected sides that 10 divides \(these can be pooled to 28, 14, 7, 4, 2, 1\)$/, () =>
    averagePoolTo(data, 10),
  );
  refuses(/^n has images of 28×28, expected sides that 32 divides/, () => averagePoolTo(data, 32));
  refuses(/^n pooled to side 0, expected a positive integer$/, () => averagePoolTo(data, 0));
});

test.run();
