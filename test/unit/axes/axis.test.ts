import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { axisNames, formatAxis, gatherIndex, parseAxis, resolveAxis } from "../../../src/axes/axis.ts";
import type { Axis, ResolvedAxis } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";

const test = suite("axis");
const RUNS = { seed: 20240611, numRuns: 200 };

const SIZES = new Map([
  ["A", 2],
  ["B", 3],
  ["C.d_-1", 4],
  ["__proto__", 1],
  ["Z", 0],
]);
const INDEX = new Map([...SIZES.keys()].map((name, i) => [name, i]));
/** Factors of `rebasin-spec/1`. */
type Factor = string | number;
type Plain = readonly (readonly Factor[])[];
const factor: fc.Arbitrary<Factor> = fc.oneof(fc.constantFrom(...SIZES.keys()), fc.integer({ min: 0, max: 4 }));
const axes: fc.Arbitrary<Plain> = fc.array(fc.array(factor, { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 3,
});
const seeds = fc.integer({ min: 0, max: 1e9 });

function lengthOf(axis: Plain): number {
  const size = (each: Factor): number => (typeof each === "number" ? each : SIZES.get(each)!);
  return axis.reduce((sum, segment) => sum + segment.reduce<number>((product, each) => product * size(each), 1), 0);
}

function resolved(axis: Plain): ResolvedAxis {
  return resolveAxis(axis, lengthOf(axis), SIZES, INDEX, "test axis 0");
}

function permutations(seed: number): Int32Array[] {
  const rng = createRng(seed);
  return [...SIZES.values()].map((n) => randomPermutation(n, rng));
}

const iota = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
/** Take q, then p: slot i is unit q[p[i]]. */
const then = (q: Int32Array, p: Int32Array): Int32Array => p.map((j) => q[j]!);
const inverse = (p: Int32Array): Int32Array => {
  const result = new Int32Array(p.length);
  p.forEach((j, i) => {
    result[j] = i;
  });
  return result;
};
const same = (a: ArrayLike<number>, b: ArrayLike<number>): boolean =>
  a.length === b.length && iota(a.length).every((i) => a[i] === b[i]);

/** What the text means, element by element: digits of the index, permuted one by one. */
function slowGather(axis: Plain, perms: Int32Array[]): number[] {
  const out: number[] = [];
  let offset = 0;
  for (const segment of axis) {
    const dims = segment.map((each) => (typeof each === "number" ? each : SIZES.get(each)!));
    const total = dims.reduce((a, b) => a * b, 1);
    for (let i = 0; i < total; i++) {
      let source = 0;
      for (let k = 0, rest = total, left = i; k < dims.length; k++) {
        rest /= dims[k]!;
        const digit = Math.floor(left / rest);
        left %= rest;
        const each = segment[k]!;
        source = source * dims[k]! + (typeof each === "number" ? digit : perms[INDEX.get(each)!]![digit]!);
      }
      out.push(offset + source);
    }
    offset += total;
  }
  return out;
}

test("parse and format are a round trip", () => {
  const any = fc.oneof(factor, fc.constant<Factor>("_"));
  const every = fc.array(fc.array(any, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(every, (axis) => assert.equal(parseAxis(formatAxis(axis)), axis)),
    RUNS,
  );
});

test("texts of the design's table", () => {
  const cases: [string, Axis][] = [
    ["P1", [["P1"]]],
    ["784", [[784]]],
    ["_", [["_"]]],
    ["P5*49", [["P5", 49]]],
    ["49*P5", [[49, "P5"]]],
    ["P0|P1|P2", [["P0"], ["P1"], ["P2"]]],
    ["3*H*64", [[3, "H", 64]]],
    [
      "G*4*64|G*64|G*64",
      [
        ["G", 4, 64],
        ["G", 64],
        ["G", 64],
      ],
    ],
    ["G*O", [["G", "O"]]],
    ["-a.b_c*__proto__", [["-a.b_c", "__proto__"]]],
  ];
  for (const [text, axis] of cases) {
    assert.equal(parseAxis(text), axis);
    assert.is(formatAxis(axis), text);
  }
  assert.equal(parseAxis("  P5 * 49 |\tP1 "), [["P5", 49], ["P1"]]);
  assert.equal(axisNames(parseAxis("P1*_|P0*P1|3")), ["P1", "P0"]);
});

test("texts that are no axis are refused with the text", () => {
  for (const text of [
    "",
    "P1*",
    "|P1",
    "P1**2",
    "1P",
    "P 1",
    "P1+P2",
    "-1",
    ".5",
    "1.5",
    "007",
    "é",
    "9007199254740993",
  ]) {
    assert.throws(
      () => parseAxis(text),
      (error: unknown) => error instanceof SpecError && error.message.startsWith(`axis ${JSON.stringify(text)} has `),
      text,
    );
  }
  assert.throws(
    () => parseAxis("P1*"),
    /^axis "P1\*" has an empty factor, expected permutation names, sizes or _ joined by \* and \|$/,
  );
});

test("gather is what the text means, digit by digit", () => {
  fc.assert(
    fc.property(axes, seeds, (axis, seed) => {
      const perms = permutations(seed);
      return same(gatherIndex(resolved(axis), perms), slowGather(axis, perms));
    }),
    RUNS,
  );
});

test("identity gives iota; every gather is a bijection", () => {
  const identity = [...SIZES.values()].map((n) => Int32Array.from(iota(n)));
  fc.assert(
    fc.property(axes, seeds, (axis, seed) => {
      const n = lengthOf(axis);
      assert.ok(same(gatherIndex(resolved(axis), identity), iota(n)));
      assert.is(new Set(gatherIndex(resolved(axis), permutations(seed))).size, n);
    }),
    RUNS,
  );
});

test("gather keeps composition and inverse", () => {
  fc.assert(
    fc.property(axes, seeds, seeds, (axis, one, two) => {
      const [p, q] = [permutations(one), permutations(two)];
      const gather = (perms: Int32Array[]): Int32Array => gatherIndex(resolved(axis), perms);
      assert.ok(same(gather(p.map((each, k) => then(q[k]!, each))), then(gather(q), gather(p))));
      assert.ok(same(gather(p.map(inverse)), inverse(gather(p))));
    }),
    RUNS,
  );
});

test("k*S is S|S|…|S", () => {
  fc.assert(
    fc.property(
      fc.array(factor, { minLength: 1, maxLength: 2 }),
      fc.integer({ min: 1, max: 4 }),
      seeds,
      (segment, k, seed) => {
        const perms = permutations(seed);
        const product = gatherIndex(resolved([[k, ...segment]]), perms);
        const concatenation = gatherIndex(resolved(Array.from({ length: k }, () => segment)), perms);
        return same(product, concatenation);
      },
    ),
    RUNS,
  );
});

test("the order of factors matters", () => {
  const swap = [Int32Array.of(1, 0), ...permutations(1).slice(1)];
  assert.equal([...gatherIndex(resolved([["A", 3]]), swap)], [3, 4, 5, 0, 1, 2]);
  assert.equal([...gatherIndex(resolved([[3, "A"]]), swap)], [1, 0, 3, 2, 5, 4]);
});

test("resolve gives offsets, lengths and strides, and reads _ from the tensor", () => {
  const axis = resolveAxis(parseAxis("A*_|5|B"), 18, SIZES, INDEX, "x axis 0");
  assert.equal(axis, {
    length: 18,
    segments: [
      {
        offset: 0,
        length: 10,
        factors: [
          { size: 2, stride: 5, permutation: 0 },
          { size: 5, stride: 1, permutation: -1 },
        ],
      },
      { offset: 10, length: 5, factors: [{ size: 5, stride: 1, permutation: -1 }] },
      { offset: 15, length: 3, factors: [{ size: 3, stride: 1, permutation: 1 }] },
    ],
  });
});

test("axes that do not fit are refused with both numbers", () => {
  const fails = (text: string, length: number, message: string): void => {
    assert.throws(
      () => resolveAxis(parseAxis(text), length, SIZES, INDEX, "fc.weight axis 1"),
      (error: unknown) => {
        assert.instance(error, SpecError);
        assert.is((error as Error).message, `fc.weight axis 1 ${message}`);
        return true;
      },
    );
  };
  fails("A*49", 100, '"A*49" is 100 long, expected 98 (A = 2)');
  fails("784", 100, '"784" is 100 long, expected 784');
  fails("B*_", 100, '"B*_" is 100 long, expected a multiple of 3 (B = 3)');
  fails("B|A*_", 100, '"B|A*_" is 100 long, expected 3 plus a multiple of 2 (B = 3, A = 2)');
  fails("B|_", 2, '"B|_" is 2 long, expected 3 plus a multiple of 1 (B = 3)');
  fails("_*_", 4, '"_*_" leaves the size of _ open in 4, expected one _ in an axis');
  fails("_|_", 4, '"_|_" leaves the size of _ open in 4, expected one _ in an axis');
  fails("Q*2", 4, '"Q*2" has permutations of unknown size (Q), expected all to be known');
});

test("a permutation of another length is a RangeError", () => {
  assert.throws(
    () =>
      gatherIndex(
        resolved([["B"]]),
        permutations(1).map(() => Int32Array.of(0)),
      ),
    /permutation 1 has length 1, expected 3/,
  );
});

test.run();
