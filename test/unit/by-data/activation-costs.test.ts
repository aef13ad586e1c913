import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng, type Rng } from "../../../src/base/rng.ts";
import { type ActivationCost, createActivationStatistics } from "../../../src/by-data/activation-statistics.ts";
import { referenceCosts } from "../../reference/activation-costs.ts";
import { bitEqual } from "../../reference/bits.ts";
import { BUILDS, buildName } from "../../reference/on-kernels.ts";
import { gaussian } from "../../reference/random.ts";

const test = suite("activation costs");
const KINDS: readonly ActivationCost[] = ["correlation", "inner-product"];
const [SIMD, SCALAR] = BUILDS as [(typeof BUILDS)[0], (typeof BUILDS)[0]];

/** What ReLUs say: some units dead, some on an offset. B's units see what A's see, through noise. */
function activations(rows: number, n: number, rng: Rng, offset = 0): { a: Float32Array; b: Float32Array } {
  const a = Float32Array.from({ length: rows * n }, (_, at) =>
    at % n === 2 ? 0 : Math.max(0, gaussian(rng) + (at % n) / n) + offset,
  );
  const b = a.map((value, at) => (at % n === 1 ? 0 : value + 0.5 * Math.max(0, gaussian(rng))));
  return { a, b };
}

function costsOf(
  kernels: (typeof BUILDS)[0],
  { a, b }: { a: Float32Array; b: Float32Array },
  n: number,
  kind: ActivationCost,
  batch = a.length / n,
): Float32Array {
  const mark = kernels.arena.mark();
  const statistics = createActivationStatistics(kernels, n);
  for (let from = 0; from < a.length; from += batch * n) {
    const to = Math.min(a.length, from + batch * n);
    statistics.add(a.subarray(from, to), b.subarray(from, to), (to - from) / n);
  }
  const costs = statistics.finish(kind);
  kernels.arena.release(mark);
  return costs;
}

/** Throws unless every entry is within `tolerance` of what is wanted. */
function close(got: Float32Array, want: ArrayLike<number>, tolerance: number, label: string): void {
  assert.is(got.length, want.length);
  for (let i = 0; i < got.length; i++) {
    if (!(Math.abs(got[i]! - want[i]!) <= tolerance))
      throw new Error(`${label}: entry ${i} is ${got[i]}, expected ${want[i]}`);
  }
}

for (const kernels of BUILDS) {
  test(`costs are those of the definition (${buildName(kernels)})`, () => {
    const rng = createRng(1);
    for (const [rows, n] of [
      [1, 3],
      [7, 5],
      [1023, 4],
      [1024, 9],
      [2500, 13],
    ] as const) {
      const given = activations(rows, n, rng);
      for (const kind of KINDS) {
        const want = referenceCosts(given.a, given.b, n, kind);
        close(costsOf(kernels, given, n, kind), want, 2e-6 * Math.max(1, ...want), `${kind}, ${rows} rows of ${n}`);
      }
    }
  });
}

test("both builds have the same bits", () => {
  const given = activations(2100, 37, createRng(2));
  for (const kind of KINDS) bitEqual(costsOf(SIMD, given, 37, kind, 100), costsOf(SCALAR, given, 37, kind, 100), kind);
});

test("how rows are cut into batches does not change a bit", () => {
  const given = activations(2300, 6, createRng(3));
  for (const kind of KINDS) {
    const want = costsOf(SIMD, given, 6, kind);
    for (const batch of [1, 64, 1000, 1024, 1500]) bitEqual(costsOf(SIMD, given, 6, kind, batch), want, `${batch}`);
  }
});

test("large offsets cost no digits, and correlations survive them where f32 sums of squares would not", () => {
  const n = 4;
  const given = activations(3000, n, createRng(4), 2000);
  close(costsOf(SIMD, given, n, "correlation"), referenceCosts(given.a, given.b, n, "correlation"), 2e-6, "offset");
});

test("a drift of the mean from batch to batch is part of the variance", () => {
  const n = 3;
  const { a, b } = activations(4096, n, createRng(5));
  const drift = (values: Float32Array): Float32Array => values.map((value, at) => value + Math.floor(at / (n * 512)));
  const given = { a: drift(a), b: drift(b) };
  close(costsOf(SIMD, given, n, "correlation"), referenceCosts(given.a, given.b, n, "correlation"), 2e-6, "drift");
});

test("correlation does not see scale and offset of a unit", () => {
  const n = 8;
  const given = activations(1500, n, createRng(6));
  const want = costsOf(SIMD, given, n, "correlation");
  const moved = {
    a: given.a.map((value, at) => value * (1 + (at % n)) - 3 * (at % n)),
    b: given.b.map((v) => 0.25 * v + 1),
  };
  close(costsOf(SIMD, moved, n, "correlation"), want, 2e-6, "scaled and shifted");
});

test("renumbered units renumber rows and columns of the costs", () => {
  const n = 5;
  const given = activations(700, n, createRng(7));
  const order = [3, 1, 4, 0, 2];
  const b = given.b.map((_, at) => given.b[at - (at % n) + order[at % n]!]!);
  for (const kind of KINDS) {
    const before = costsOf(SIMD, given, n, kind);
    const after = costsOf(SIMD, { a: given.a, b }, n, kind);
    for (let at = 0; at < n * n; at++) assert.is(after[at], before[at - (at % n) + order[at % n]!], `entry ${at}`);
  }
});

test("dead and constant units correlate with nothing, themselves included", () => {
  const n = 3;
  const rows = 1100;
  const a = Float32Array.from({ length: rows * n }, (_, at) => [0, 0.1, Math.floor(at / n) % 7][at % n]!);
  const got = costsOf(SIMD, { a, b: a }, n, "correlation");
  assert.equal([...got.subarray(0, 8)], [0, 0, 0, 0, 0, 0, 0, 0]);
  assert.ok(Math.abs(got[8]! - 1) < 4e-6);
});

test("means and variances are those of the rows", () => {
  const n = 2;
  const mark = SIMD.arena.mark();
  const statistics = createActivationStatistics(SIMD, n);
  for (let r = 0; r < 2000; r++) statistics.add(Float32Array.of(r, 5), Float32Array.of(-r, r % 2), 1);
  const { a, b } = statistics.moments();
  assert.is(statistics.rows, 2000);
  const near = (got: number, want: number): void => assert.ok(Math.abs(got - want) <= 1e-7 * Math.abs(want), `${got}`);
  near(a.mean[0]!, 999.5);
  near(a.variance[0]!, (2000 ** 2 - 1) / 12);
  assert.is(a.mean[1], 5);
  assert.is(a.variance[1], 0);
  near(b.mean[0]!, -999.5);
  near(b.variance[1]!, 0.25);
  SIMD.arena.release(mark);
});

test("rows can be added after costs were asked for", () => {
  const n = 4;
  const given = activations(1800, n, createRng(9));
  const mark = SIMD.arena.mark();
  const statistics = createActivationStatistics(SIMD, n);
  statistics.add(given.a.subarray(0, 500 * n), given.b.subarray(0, 500 * n), 500);
  statistics.finish("correlation");
  statistics.add(given.a.subarray(500 * n), given.b.subarray(500 * n), 1300);
  close(statistics.finish("correlation"), referenceCosts(given.a, given.b, n, "correlation"), 2e-6, "in two parts");
  SIMD.arena.release(mark);
});

test("what does not fit is refused", () => {
  const mark = SIMD.arena.mark();
  const refused = (run: () => unknown, message: string): void =>
    assert.throws(run, (error: Error) => error instanceof RangeError && error.message === message);
  refused(() => createActivationStatistics(SIMD, 0), "units 0, expected a positive integer");
  const make = () => createActivationStatistics(SIMD, 2, ["one", "two"]);
  refused(() => make().finish("correlation"), "activations have 0 rows, expected at least 1");
  refused(
    () => make().add(new Float32Array(4), new Float32Array(3), 2),
    "activations of two have 3 values, expected 2 × 2",
  );
  refused(() => make().add(new Float32Array(4), new Float32Array(4), -1), "rows -1, expected a whole number");
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const statistics = make();
    statistics.add(new Float32Array(4), Float32Array.of(0, 0, 0, bad), 2);
    refused(
      () => statistics.finish("inner-product"),
      `activations of two has ${bad} at element 3, expected finite numbers`,
    );
  }
  SIMD.arena.release(mark);
});

test.run();
