/** Every way the solver can go: which one a matrix takes, and that it is exact there. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { type Costs, certify, largest } from "../../reference/assignment.ts";
import { KIND_NAMES, makeCosts } from "../../reference/assignment-costs.ts";
import { solveGuarded } from "../../reference/assignment-kernel.ts";
import { bitEqual } from "../../reference/bits.ts";
import { BUILDS, buildName } from "../../reference/on-kernels.ts";

const test = suite("assignment methods");
const [simd] = BUILDS;

// What assignMethod returns.
const COLUMNS = 0;
const PATHS = 1;
const LISTS = 2;
const AUCTION = 3;
const SORTING = 4;
const EARLIER = 5;
const ASIDE = 8;

/** Certifies the result, that all builds and both cost types agree on it, and that it was found by `method`. */
function check(label: string, cost: Costs, n: number, method: number, maximize = true, tolerance = 0): void {
  const expected = solveGuarded(simd!, cost, n, n, n, maximize);
  certify(label, cost, n, n, maximize, expected, tolerance);
  assert.is(expected.method, method, `${label} ${n}: method`);
  for (const kernels of BUILDS) {
    for (const costs of [cost, Float64Array.from(cost)]) {
      const actual = solveGuarded(kernels, costs, n, n, n, maximize);
      const name = `${label} ${n}, ${buildName(kernels)}, ${costs.BYTES_PER_ELEMENT} bytes`;
      assert.is(actual.method, method, `${name}: method`);
      bitEqual(actual.permutation, expected.permutation, `${name}: permutation`);
      bitEqual(actual.columnDuals, expected.columnDuals, `${name}: column duals`);
      bitEqual(actual.rowDuals, expected.rowDuals, `${name}: row duals`);
    }
  }
}

for (const [name, n, method] of [
  ["planted", 64, COLUMNS],
  ["uniform", 95, PATHS],
  ["uniform", 100, LISTS],
  ["gaussian", 90, PATHS],
  ["gaussian", 130, LISTS],
  ["integers", 64, PATHS],
  ["rank 1", 40, PATHS],
  ["rank 1", 51, SORTING],
  ["rank 3", 131, AUCTION],
  ["product", 200, SORTING],
  ["distances", 202, SORTING],
  ["gaussian", 191, LISTS],
  ["gaussian", 192, AUCTION],
  ["uniform", 200, LISTS],
  ["uniform", 401, LISTS],
  ["integers", 390, PATHS],
  ["gaussian", 402, AUCTION],
  ["rank 3", 390, AUCTION],
  ["dead", 50, PATHS + ASIDE],
  ["dead", 200, LISTS + ASIDE],
  ["dead", 382, AUCTION + ASIDE],
] as [string, number, number][]) {
  test(`${name}, ${n} rows, by method ${method}`, () => {
    check(name, makeCosts(name, n, n), n, method);
  });
}

/** `value` in some rows and columns, `live` elsewhere. */
function withDead(
  n: number,
  rows: number,
  columns: number,
  value: number,
  live: (i: number, j: number) => number,
): Float32Array {
  const cost = new Float32Array(n * n);
  // 7 is coprime to every n used here: the dead ones lie scattered, row 0 and column 0 among them.
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) cost[i * n + j] = (i * 7) % n < rows || (j * 7) % n < columns ? value : live(i, j);
  }
  return cost;
}

test("dead rows and columns are put aside in any number", () => {
  for (const n of [60, 200]) {
    const noise = makeCosts("gaussian", n, n);
    for (const [rows, columns] of [
      [n / 4, n / 4],
      [n / 4, n / 10],
      [n / 10, n / 4],
      [1, n - 3],
      [n - 3, 1],
      [n - 3, n - 3],
    ] as [number, number][]) {
      const label = `${rows} dead rows, ${columns} dead columns`;
      for (const maximize of [false, true]) {
        const cost = withDead(n, rows, columns, 0, (i, j) => noise[i * n + j]!);
        const result = solveGuarded(simd!, cost, n, n, n, maximize);
        certify(label, cost, n, n, maximize, result);
        assert.is(result.method & ASIDE, ASIDE, label);
        bitEqual(
          solveGuarded(BUILDS[1]!, Float64Array.from(cost), n, n, n, maximize).columnDuals,
          result.columnDuals,
          label,
        );
      }
    }
  }
});

test("a single live row and column among dead ones, worth having or not", () => {
  for (const value of [-2, 0, 3]) {
    const cost = withDead(60, 59, 59, 0, () => value);
    for (const maximize of [false, true])
      certify(`${value}`, cost, 60, 60, maximize, solveGuarded(simd!, cost, 60, 60, 60, maximize));
  }
});

test("a live row may prefer a dead column, and where most do, none is put aside", () => {
  for (const n of [60, 200, 390]) {
    const noise = makeCosts("gaussian", n, n);
    // Almost nothing live is worth having, a part of it, or all of it; and what is dead has a value of its own.
    for (const shift of [-5, -1, 0, 5]) {
      for (const value of [0, -2.5]) {
        const cost = withDead(n, n / 5, n / 6, value, (i, j) => noise[i * n + j]! + shift + value);
        for (const maximize of [false, true]) {
          const result = solveGuarded(simd!, cost, n, n, n, maximize);
          certify(`shift ${shift}`, cost, n, n, maximize, result);
          const isWorthless = maximize ? shift === -5 : shift === 5;
          assert.is(result.method & ASIDE, isWorthless ? 0 : ASIDE, `shift ${shift}, ${n}`);
        }
      }
    }
  }
});

test("flat rows alone, or flat columns alone, stay", () => {
  const n = 100;
  const noise = makeCosts("gaussian", n, n);
  for (const [rows, columns] of [
    [30, 0],
    [0, 30],
  ] as [number, number][]) {
    const cost = withDead(n, rows, columns, 0, (i, j) => noise[i * n + j]!);
    for (const maximize of [false, true]) {
      const result = solveGuarded(simd!, cost, n, n, n, maximize);
      certify("flat", cost, n, n, maximize, result);
      assert.is(result.method & ASIDE, 0);
    }
  }
});

test("an auction that f32 cannot hold changes nothing", () => {
  const n = 200;
  const rank3 = makeCosts("rank 3", n, n);
  const rng = createRng(9);
  for (const [label, cost] of [
    ["all large", rank3.map((c) => c * 2 ** 100)],
    ["all small", rank3.map((c) => c * 2 ** -140)],
    ["one row of giants", rank3.map((c, k) => (k < n ? (rng.uniform() - 0.5) * 6e38 : c))],
    ["giants in f64", Float64Array.from(rank3, (c, k) => (k === n + 3 ? -1e300 : c))],
    ["f64 beyond f32", Float64Array.from(rank3, (c) => c * 2 ** 300)],
  ] as [string, Costs][]) {
    for (const maximize of [false, true]) {
      const tolerance = 1e-13 * n * largest(cost);
      const result = solveGuarded(simd!, cost, n, n, n, maximize);
      certify(label, cost, n, n, maximize, result, tolerance);
      bitEqual(solveGuarded(BUILDS[1]!, cost, n, n, n, maximize).columnDuals, result.columnDuals, label);
    }
  }
});

test("sorting is exact where rounding blurs the order, and is not taken where a sum of two products looks like one", () => {
  for (const n of [60, 300, 700]) {
    const rng = createRng(n);
    const [x, y, z, w] = Array.from({ length: 4 }, () => Array.from({ length: n }, () => rng.uniform() - 0.5));
    const fill = (at: (i: number, j: number) => number): Float32Array =>
      Float32Array.from({ length: n * n }, (_, k) => at(Math.floor(k / n), k % n));
    for (const [label, cost, method] of [
      ["products", fill((i, j) => x![i]! * y![j]!), SORTING],
      ["products and sums", fill((i, j) => x![i]! * y![j]! + z![i]! - w![j]!), null],
      ["nearly equal points", fill((i, j) => (1 + x![i]! / 2 ** 12) * (1 + y![j]! / 2 ** 12)), null],
      ["a second product, small", fill((i, j) => x![i]! * y![j]! + (z![i]! * w![j]!) / 2 ** 6), AUCTION],
      ["a second product, below rounding", fill((i, j) => x![i]! * y![j]! + (z![i]! * w![j]!) / 2 ** 20), SORTING],
    ] as [string, Float32Array, number | null][]) {
      for (const maximize of [false, true]) {
        const result = solveGuarded(simd!, cost, n, n, n, maximize);
        certify(label, cost, n, n, maximize, result, 1e-15 * n * largest(cost));
        if (method !== null) assert.is(result.method, method, `${label}, ${n}`);
        bitEqual(solveGuarded(BUILDS[1]!, cost, n, n, n, maximize).columnDuals, result.columnDuals, label);
      }
    }
  }
});

test("from any earlier duals it is as exact, and uses those of a similar matrix", () => {
  for (const n of [60, 200, 401, 800]) {
    const rng = createRng(n);
    const noise = makeCosts("gaussian", n, n, 2);
    const names = n > 500 ? ["gaussian"] : ["gaussian", "rank 3", "dead", "integers", "equal rows", "planted"];
    for (const name of names) {
      const cost = makeCosts(name, n, n);
      // 0 stays 0, so that dead rows and columns stay dead.
      const changed = cost.map((c, k) => (c === 0 ? 0 : c + noise[k]! / 2 ** 8));
      for (const maximize of [false, true]) {
        const { columnDuals, method } = solveGuarded(simd!, cost, n, n, n, maximize);
        for (const [label, earlier, expected] of [
          ["its own", columnDuals, name === "gaussian" || name === "rank 3" ? EARLIER : null],
          ["random", columnDuals.map(() => rng.below(2 ** 12) / 2 ** 8), null],
          ["opposite", columnDuals.map((dual) => -dual), null],
          ["all equal", columnDuals.map(() => 3), null],
        ] as [string, Float64Array, number | null][]) {
          const result = solveGuarded(simd!, changed, n, n, n, maximize, earlier.slice());
          certify(`${name}, ${label}`, changed, n, n, maximize, result, 1e-13 * n);
          if (expected !== null) assert.is(result.method, expected, `${name}, ${label}, ${n}: from ${method}`);
          const scalar = solveGuarded(BUILDS[1]!, Float64Array.from(changed), n, n, n, maximize, earlier.slice());
          bitEqual(scalar.columnDuals, result.columnDuals, `${name}, ${label}`);
          bitEqual(scalar.permutation, result.permutation, `${name}, ${label}`);
        }
      }
    }
  }
});

// Scratch areas that overlap give wrong optima only at some sizes: so all kinds, at several. The rest of the sizes, and
// all kinds of them: `npm run stress -- assignment`.
for (const [n, names] of [
  [512, KIND_NAMES],
  [1024, ["integers", "dead"]],
  [2048, ["rank 3"]],
] as [number, readonly string[]][]) {
  test(`duals certify, ${n} rows`, () => {
    for (const name of names) {
      const cost = makeCosts(name, n, n);
      certify(name, cost, n, n, true, solveGuarded(simd!, cost, n, n, n, true));
    }
  });
}

test.run();
