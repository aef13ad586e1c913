import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { type Assignment, type AssignmentOptions, solveAssignment } from "../../../src/kernels/assignment.ts";
import { bruteForce, certify, largest } from "../../reference/assignment.ts";
import { KIND_NAMES, makeCosts, makeFull } from "../../reference/assignment-costs.ts";
import { solveGuarded } from "../../reference/assignment-kernel.ts";
import { bitEqual } from "../../reference/bits.ts";
import { BUILDS, buildName } from "../../reference/on-kernels.ts";

const test = suite("assignment");

function same(label: string, actual: Assignment, expected: Assignment): void {
  bitEqual(actual.permutation, expected.permutation, `${label}: permutation`);
  bitEqual(actual.rowDuals, expected.rowDuals, `${label}: row duals`);
  bitEqual(actual.columnDuals, expected.columnDuals, `${label}: column duals`);
  assert.is(actual.objective, expected.objective, label);
}

/** Solves, certifies exactly, and compares with the scalar build and with f64 input. */
function check(name: string, n: number, columns: number, maximize: boolean, compare = true): Assignment {
  const cost = makeCosts(name, n, columns);
  const before = cost.slice();
  const options: AssignmentOptions = { columns, maximize };
  const result = solveAssignment(cost, n, options);
  bitEqual(cost, before, `${name}: input`);
  certify(name, cost, n, columns, maximize, result);
  if (compare) {
    same(`${name}, again`, solveAssignment(cost, n, options), result);
    same(`${name}, scalar`, solveAssignment(cost, n, { ...options, simd: false }), result);
    same(`${name}, f64`, solveAssignment(Float64Array.from(cost), n, options), result);
  }
  return result;
}

test("is as good as the best of all assignments", () => {
  const shapes = [...[1, 2, 3, 4, 5, 6].map((n) => [n, n]), [1, 2], [1, 5], [2, 3], [3, 7], [4, 6], [5, 7]];
  for (const name of KIND_NAMES) {
    for (const [n, columns] of shapes as [number, number][]) {
      for (const maximize of [false, true]) {
        for (const seed of [1, 2, 3]) {
          const cost = makeCosts(name, n, columns, seed);
          const { objective } = solveAssignment(cost, n, { columns, maximize });
          assert.is(objective, bruteForce(cost, n, columns, maximize), `${name} ${n}×${columns} ${maximize} ${seed}`);
        }
      }
    }
    const cost = makeCosts(name, 7, 7);
    assert.is(solveAssignment(cost, 7).objective, bruteForce(cost, 7, 7, false), `${name} 7×7`);
  }
});

for (const n of [1, 2, 3, 5, 8, 16, 33, 64, 100, 129]) {
  test(`duals certify every kind, ${n} rows`, () => {
    for (const name of KIND_NAMES) for (const maximize of [false, true]) check(name, n, n, maximize);
  });
}

// From 96 columns on, paths go over candidate lists, which are built anew where a threshold says too little.
for (const n of [95, 96, 97, 256, 399, 512]) {
  test(`duals certify every kind, ${n} rows`, () => {
    for (const [k, name] of KIND_NAMES.entries()) check(name, n, n, k % 2 === 0, n === 256 || n === 399);
  });
}

test("columns may outnumber rows", () => {
  const shapes = [
    [1, 2],
    [2, 3],
    [1, 64],
    [3, 100],
    [33, 34],
    [64, 129],
    [100, 101],
    [130, 383],
    [1, 96],
    [1, 384],
    [2, 999],
    [60, 400],
    [385, 386],
    [300, 703],
  ];
  for (const [n, columns] of shapes as [number, number][]) {
    for (const [k, name] of KIND_NAMES.entries()) {
      check(name, n, columns, k % 2 === 0, columns < 400);
      if (columns < 400) check(name, n, columns, k % 2 !== 0, false);
    }
  }
});

test("f64 costs of full precision are certified up to rounding", () => {
  for (const [n, columns] of [
    [5, 5],
    [64, 64],
    [100, 130],
    [257, 257],
    [400, 400],
    [390, 500],
  ] as [number, number][]) {
    for (const scale of [1, 1e200, 1e-200, 2 ** 999]) {
      const cost = makeFull(n, columns, n).map((c) => c * scale);
      for (const maximize of [false, true]) {
        const options = { columns, maximize };
        const result = solveAssignment(cost, n, options);
        certify(`full × ${scale}`, cost, n, columns, maximize, result, 1e-12 * n * largest(cost));
        same("scalar", solveAssignment(cost, n, { ...options, simd: false }), result);
      }
    }
  }
});

test("the greatest and the least of f32 at once", () => {
  const rng = createRng(5);
  const values = [3.4028234663852886e38, -3.4028234663852886e38, 1.401298464324817e-45, -0, 1];
  for (const n of [6, 50, 390]) {
    const cost = Float32Array.from({ length: n * n }, () => values[rng.below(values.length)]!);
    for (const maximize of [false, true]) {
      const result = solveAssignment(cost, n, { maximize });
      certify("extremes", cost, n, n, maximize, result, 1e-12 * n * largest(cost));
    }
  }
});

test("minimising is maximising the negated costs", () => {
  for (const n of [7, 64, 390]) {
    const cost = makeCosts("gaussian", n, n);
    const least = solveAssignment(cost, n);
    const greatest = solveAssignment(
      cost.map((c) => -c),
      n,
      { maximize: true },
    );
    bitEqual(least.permutation, greatest.permutation, `n = ${n}`);
    assert.is(least.objective, -greatest.objective);
  }
});

test("a planted assignment is found", () => {
  const n = 500;
  const hidden = Int32Array.from({ length: n }, (_, i) => (i * 7 + 3) % n);
  const cost = makeCosts("uniform", n, n);
  for (let i = 0; i < n; i++) cost[i * n + hidden[i]!] = 2;
  bitEqual(solveAssignment(cost, n, { maximize: true }).permutation, hidden, "planted");
});

// A number that stands for this version of the algorithm: it may change with it, never between runtimes.
test("the bits are the same in every runtime", () => {
  let hash = 0x811c9dc5;
  const add = (bytes: Uint8Array): void => {
    for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  };
  const cases: [string, number, number][] = [
    ["gaussian", 100, 100],
    ["integers", 400, 400],
    ["uniform", 500, 500],
    ["dead", 200, 200],
    ["rank 3", 130, 200],
  ];
  for (const [name, n, columns] of cases) {
    const result = solveAssignment(makeCosts(name, n, columns), n, { columns });
    for (const array of [result.permutation, result.rowDuals, result.columnDuals]) add(new Uint8Array(array.buffer));
  }
  assert.is(hash, 2576868116);
});

test("the kernel reads rows of any stride and writes nothing but its outputs and its work area", () => {
  for (const kernels of BUILDS) {
    for (const [n, m] of [
      [1, 1],
      [5, 5],
      [9, 13],
      [130, 130],
      [390, 390],
      [20, 400],
    ] as [number, number][]) {
      const inner = makeCosts("gaussian", n, m);
      const ld = m + 3;
      const outer = new Float32Array(n * ld).fill(Number.NaN);
      for (let i = 0; i < n; i++) outer.set(inner.subarray(i * m, (i + 1) * m), i * ld);
      const expected = solveAssignment(inner, n, { columns: m, maximize: true });
      same(`${buildName(kernels)} f32`, solveGuarded(kernels, outer, ld, n, m, true), expected);
      same(`${buildName(kernels)} f64`, solveGuarded(kernels, Float64Array.from(outer), ld, n, m, true), expected);
    }
  }
});

test("the work area of a problem beyond 4 GiB is refused, not wrapped around", () => {
  for (const { wasm } of BUILDS) assert.is(wasm.assignWork(1, 2 ** 28) >>> 0, 2 ** 32 - 1);
});

test("no rows, no assignment", () => {
  assert.equal(solveAssignment(new Float32Array(0), 0), {
    permutation: new Int32Array(0),
    objective: 0,
    rowDuals: new Float64Array(0),
    columnDuals: new Float64Array(0),
  });
  assert.equal(solveAssignment(new Float64Array(0), 0, { columns: 3 }).columnDuals, new Float64Array(3));
});

test("results of one call do not change with the next", () => {
  const first = solveAssignment(makeCosts("gaussian", 20, 20), 20);
  const copy = first.permutation.slice();
  solveAssignment(makeCosts("uniform", 20, 20), 20);
  bitEqual(first.permutation, copy, "first");
});

test("NaN and infinity are refused by row and column", () => {
  for (const [n, columns] of [
    [4, 6],
    [390, 400],
  ] as [number, number][]) {
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      for (const cost of [makeCosts("uniform", n, columns), Float64Array.from(makeCosts("uniform", n, columns))]) {
        cost[3 * columns + 5] = bad;
        const message = `cost[3, 5] ${bad}, expected a finite number`;
        assert.throws(
          () => solveAssignment(cost, n, { columns }),
          (error: Error) => error instanceof RangeError && error.message === message,
        );
      }
    }
  }
  assert.is(solveAssignment(Float32Array.of(1), 1).objective, 1);
});

test("what cannot be solved is refused", () => {
  const refuses = (work: () => unknown, type: typeof RangeError | typeof TypeError, message: string): void =>
    assert.throws(work, (error: Error) => error instanceof type && error.message === message);
  const four = Float32Array.of(1, 2, 3, 4);
  refuses(() => solveAssignment(four, 3), RangeError, "cost 4 elements, expected 3 × 3 = 9");
  refuses(() => solveAssignment(four, 2, { columns: 3 }), RangeError, "cost 4 elements, expected 2 × 3 = 6");
  refuses(
    () => solveAssignment(four, 4, { columns: 1 }),
    RangeError,
    "columns 1, expected a whole number from n = 4, below 2^31",
  );
  refuses(() => solveAssignment(four, 1.5), RangeError, "n 1.5, expected a whole number below 2^31");
  refuses(() => solveAssignment(four, -2), RangeError, "n -2, expected a whole number below 2^31");
  refuses(
    () => solveAssignment([1, 2, 3, 4] as never, 2),
    TypeError,
    "cost Array, expected a Float32Array or a Float64Array",
  );
  refuses(
    () => solveAssignment(new Int32Array(4) as never, 2),
    TypeError,
    "cost Int32Array, expected a Float32Array or a Float64Array",
  );
  refuses(
    () => solveAssignment(four, 2, { maximise: true } as never),
    TypeError,
    'solveAssignment option "maximise", expected one of columns, maximize, simd',
  );
  refuses(
    () => solveAssignment(Float64Array.of(0, 0, 0, -1e305), 2),
    RangeError,
    "cost[1, 1] -1e+305, expected a magnitude of at most 2^1000",
  );
});

test.run();
