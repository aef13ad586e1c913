import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";

const test = suite("rng");

test("one seed gives one sequence, everywhere", () => {
  const rng = createRng(42);
  assert.equal(
    [rng.uint32(), rng.uint32(), rng.uint32(), rng.uint32()],
    [2837322924, 544945897, 479756282, 3500138142],
  );
});

test("randomPermutation is a bijection", () => {
  for (const n of [0, 1, 2, 17, 100]) {
    const seen = new Set(randomPermutation(n, createRng(n)));
    assert.is(seen.size, n);
  }
});

test("seeds that are no integers are refused", () => {
  for (const seed of [-1, 0.5, Number.NaN, 2 ** 53])
    assert.throws(() => createRng(seed), /seed .*, expected an integer/);
});

test.run();
