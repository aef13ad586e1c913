import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { specBuilder } from "../../../src/axes/spec-builder.ts";
import { log10Symmetries } from "../../../src/axes/symmetries.ts";
import type { Spec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { list, type Tensors } from "../../reference/architectures.ts";

const test = suite("resolve");

/** A model with the given shapes, and a spec with the given axes. */
function spec(axes: Record<string, string[]>, more: Partial<Spec> = {}): Spec {
  const builder = specBuilder();
  for (const [name, texts] of Object.entries(axes)) builder.tensor(name, texts);
  return { ...builder.build(), ...more };
}

function model(shapes: Record<string, number[]>): Tensors {
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: "F32" as const, shape }]));
}

function fails(run: () => unknown, message: string): void {
  assert.throws(run, (error: unknown) => {
    assert.instance(error, SpecError);
    assert.is((error as Error).message, message);
    return true;
  });
}

const sizesOf = (resolved: ReturnType<typeof resolveSpec>): [string, number][] =>
  resolved.permutations.map(({ name, size }) => [name, size]);

test("an MLP: sizes, tensors in model order, what moves and what votes", () => {
  const axes = { "fc2.weight": ["_", "P1"], "fc1.weight": ["P1", "784"], "fc1.bias": ["P1"] };
  const resolved = resolveSpec(spec(axes), model({ "fc1.weight": [8, 784], "fc1.bias": [8], "fc2.weight": [10, 8] }));
  assert.equal(
    resolved.tensors.map(({ name, moves, votes }) => [name, moves, votes]),
    [
      ["fc1.weight", true, true],
      ["fc1.bias", true, true],
      ["fc2.weight", true, true],
    ],
  );
  assert.equal(resolved.permutations, [
    { name: "P1", size: 8, outer: -1, inner: 1, tensors: ["fc1.weight", "fc1.bias", "fc2.weight"] },
  ]);
  assert.equal(resolved.tensors[2]!.axes[1], {
    length: 8,
    segments: [{ offset: 0, length: 8, factors: [{ size: 8, stride: 1, permutation: 0 }] }],
  });
});

test("every case of the design's table resolves", () => {
  const cases: [axes: Record<string, string[]>, shapes: Record<string, number[]>, sizes: [string, number][]][] = [
    [{ conv: ["P5", "_", "_", "_"], fc: ["10", "P5*49"] }, { conv: [8, 3, 3, 3], fc: [10, 392] }, [["P5", 8]]],
    [{ conv: ["_", "_", "_", "P5"], fc: ["49*P5", "10"] }, { conv: [3, 3, 3, 8], fc: [392, 10] }, [["P5", 8]]],
    [
      { a: ["P0"], b: ["P1"], c: ["P2"], next: ["_", "P0|P1|P2"] },
      { a: [2], b: [3], c: [4], next: [7, 9] },
      [
        ["P0", 2],
        ["P1", 3],
        ["P2", 4],
      ],
    ],
    [{ q: ["H*64", "_"], o: ["_", "H*64"] }, { q: [512, 512], o: [512, 512] }, [["H", 8]]],
    [{ gpt2: ["_", "3*H*64"] }, { gpt2: [512, 1536] }, [["H", 8]]],
    [{ neox: ["H*3*64", "_"] }, { neox: [1536, 512] }, [["H", 8]]],
    [{ qkv: ["G*4*64|G*64|G*64", "_"] }, { qkv: [6 * 64 * 2, 5] }, [["G", 2]]],
    [{ up: ["2*F", "_"], down: ["_", "F"] }, { up: [22, 5], down: [5, 11] }, [["F", 11]]],
    [{ W_ih: ["4*C", "_"], W_hh: ["4*C", "C"] }, { W_ih: [20, 7], W_hh: [20, 5] }, [["C", 5]]],
    [
      { grouped: ["G*O", "I", "3"], after: ["_", "G*O"], by: ["G"], wide: ["I"] },
      { grouped: [12, 5, 3], after: [2, 12], by: [4], wide: [5] },
      [
        ["G", 4],
        ["O", 3],
        ["I", 5],
      ],
    ],
    [{ depthwise: ["P1", "1", "3", "3"] }, { depthwise: [6, 1, 3, 3] }, [["P1", 6]]],
  ];
  for (const [axes, shapes, sizes] of cases) assert.equal(sizesOf(resolveSpec(spec(axes), model(shapes))), sizes);
});

test("sizes that need several steps, in whatever order the axes come", () => {
  const axes: [string, string, number][] = [
    ["a", "P*Q", 6],
    ["b", "Q*R|5", 17],
    ["c", "R*2", 8],
    ["d", "P*_", 10],
  ];
  for (const order of [axes, axes.toReversed()]) {
    const texts = Object.fromEntries(order.map(([name, text]) => [name, [text]]));
    const resolved = resolveSpec(spec(texts), model(Object.fromEntries(order.map(([name, , size]) => [name, [size]]))));
    assert.equal(
      new Map(sizesOf(resolved)),
      new Map([
        ["P", 2],
        ["Q", 3],
        ["R", 4],
      ]),
    );
  }
});

test("one name with two sizes names both places", () => {
  const axes = { "fc2.weight": ["_", "P1"], "fc1.weight": ["P1", "_"] };
  fails(
    () => resolveSpec(spec(axes), model({ "fc2.weight": [10, 256], "fc1.weight": [512, 784] })),
    "permutation P1 is 512 on fc1.weight axis 0, expected 256 as on fc2.weight axis 1",
  );
  fails(
    () => resolveSpec(spec({ conv: ["P5"], fc: ["P5*49"] }), model({ conv: [8], fc: [98] })),
    "permutation P5 is 2 on fc axis 0, expected 8 as on conv axis 0",
  );
  fails(
    () => resolveSpec(spec({ conv: ["P5"], fc: ["P5*49"] }), model({ conv: [8], fc: [100] })),
    'fc axis 0 "P5*49" is 100 long, expected 392 (P5 is 8 as on conv axis 0)',
  );
  fails(
    () => resolveSpec(spec({ a: ["P0"], b: ["P1"], c: ["P0|P1"] }), model({ a: [2], b: [3], c: [6] })),
    'c axis 0 "P0|P1" is 6 long, expected 5 (P0 is 2 as on a axis 0, P1 is 3 as on b axis 0)',
  );
});

test("sizes that do not divide or cannot be told", () => {
  fails(
    () => resolveSpec(spec({ fc: ["P5*49"] }), model({ fc: [100] })),
    'fc axis 0 "P5*49" is 100 long, expected a multiple of 49',
  );
  fails(
    () => resolveSpec(spec({ fc: ["P5*2|5"] }), model({ fc: [4] })),
    'fc axis 0 "P5*2|5" is 4 long, expected 5 plus a multiple of 2',
  );
  fails(
    () => resolveSpec(spec({ fc: ["P5*_"] }), model({ fc: [100] })),
    'fc axis 0 "P5*_" has the unknown sizes P5, _ in 100, expected all but one to be known from other axes',
  );
  fails(
    () => resolveSpec(spec({ fc: ["P0|P1"] }), model({ fc: [100] })),
    'fc axis 0 "P0|P1" has the unknown sizes P0, P1 in 100, expected all but one to be known from other axes',
  );
  fails(() => resolveSpec(spec({ fc: ["784"] }), model({ fc: [100] })), 'fc axis 0 "784" is 100 long, expected 784');
  fails(
    () => resolveSpec(spec({ a: ["P"], fc: ["P*_"] }), model({ a: [3], fc: [100] })),
    'fc axis 0 "P*_" is 100 long, expected a multiple of 3 (P = 3)',
  );
});

test("missing, unlisted and misshapen tensors", () => {
  const names = Array.from({ length: 12 }, (_, i) => `t${i}`);
  const twelve = spec(Object.fromEntries(names.map((name) => [name, ["_"]])));
  const first = "t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, and 2 more";
  fails(
    () => resolveSpec(twelve, model({})),
    `model lacks 12 tensors that the spec lists: ${first}, expected the network of the spec (where a file holds several, open one by its prefix)`,
  );
  const shapes = model(Object.fromEntries(names.map((name) => [name, [1]])));
  fails(
    () => resolveSpec(spec({}), shapes),
    `model has 12 tensors that the spec does not list: ${first}, expected "rest": "fixed" or an entry for each`,
  );
  fails(
    () => resolveSpec(spec({ w: ["P"] }), model({ w: [2, 3] })),
    "w is F32 [2, 3], expected rank 1 as the spec has",
  );
});

test("unlisted tensors under rest fixed: in place, voting when floats and no statistics", () => {
  const tensors = list((t) => t.dense("fc", 2, 3).batchNorm("bn", 2).add("mask", [2], "BOOL"));
  const resolved = resolveSpec(spec({ "fc.weight": ["P", "_"] }, { rest: "fixed" }), tensors);
  const voting = resolved.tensors.filter(({ votes }) => votes).map(({ name }) => name);
  assert.equal(voting, ["fc.weight", "fc.bias", "bn.weight", "bn.bias"]);
  assert.equal(
    resolved.tensors.filter(({ moves }) => moves).map(({ name }) => name),
    ["fc.weight"],
  );
});

test("packed dtypes may stay but not move; integers move and do not vote", () => {
  const packed: Tensors = new Map([["w", { dtype: "F4", shape: [4] }]]);
  fails(() => resolveSpec(spec({ w: ["P"] }), packed), "w is F4 [4], a packed dtype, expected no permutation on it");
  assert.is(resolveSpec(spec({ w: ["_"] }), packed).tensors[0]!.votes, false);
  const [quantised] = resolveSpec(spec({ w: ["P"] }), new Map([["w", { dtype: "I8" as const, shape: [4] }]])).tensors;
  assert.equal([quantised!.moves, quantised!.votes], [true, false]);
});

test("a permutation on two axes of one tensor, and sizes of 0 and 1", () => {
  const resolved = resolveSpec(
    spec({ hh: ["C", "C"], none: ["E", "_"], one: ["O"] }),
    model({ hh: [3, 3], none: [0, 4], one: [1] }),
  );
  assert.equal(sizesOf(resolved), [
    ["C", 3],
    ["E", 0],
    ["O", 1],
  ]);
  assert.equal(resolved.permutations[0]!.tensors, ["hh"]);
});

test("nested permutations: sizes from either side, indices, number of symmetries", () => {
  const permutations = new Map([["V", { outer: "H", inner: 4 }]]);
  const nested = (axes: Record<string, string[]>, shapes: Record<string, number[]>): ReturnType<typeof resolveSpec> =>
    resolveSpec(spec(axes, { permutations }), model(shapes));
  const both = nested({ q: ["H*8"], v: ["V"] }, { q: [24], v: [12] });
  assert.equal(both.permutations, [
    { name: "H", size: 3, outer: -1, inner: 1, tensors: ["q"] },
    { name: "V", size: 12, outer: 0, inner: 4, tensors: ["v"] },
  ]);
  assert.is(log10Symmetries(both), Math.round(Math.log10(6 * 24 ** 3) * 1e6) / 1e6);
  // The outer one appears on no axis of its own; the nested one gets its size from the outer.
  assert.equal(sizesOf(nested({ v: ["V"] }, { v: [12] })), [
    ["H", 3],
    ["V", 12],
  ]);
  assert.equal(sizesOf(nested({ v: ["V*_"], q: ["H"] }, { v: [24], q: [3] })), [
    ["V", 12],
    ["H", 3],
  ]);
  fails(() => nested({ v: ["V"] }, { v: [10] }), "permutation V is 10 on v axis 0, expected a multiple of its inner 4");
  fails(
    () => nested({ q: ["H"], v: ["V"] }, { q: [3], v: [16] }),
    "permutation V is 16 on v axis 0, expected 12: 4 times H, which is 3 as on q axis 0",
  );
  fails(
    () => nested({ q: ["H"] }, { q: [3] }),
    "permutation V has an inner structure and acts on no axis, expected it on one",
  );
  const deep = new Map([...permutations, ["H", { outer: "G", inner: 2 }]]);
  assert.equal(sizesOf(resolveSpec(spec({ v: ["V"] }, { permutations: deep }), model({ v: [24] }))), [
    ["G", 3],
    ["H", 6],
    ["V", 24],
  ]);
  const round = new Map([...permutations, ["H", { outer: "V", inner: 2 }]]);
  fails(
    () => resolveSpec(spec({ v: ["V"] }, { permutations: round }), model({ v: [8] })),
    "permutation V is nested in itself, expected another outer one",
  );
});

test("log10 of the number of symmetries", () => {
  const resolved = resolveSpec(spec({ a: ["P"], b: ["Q"] }), model({ a: [5], b: [200] }));
  // 5! = 120; log10(200!) = 374.896888…
  assert.is(log10Symmetries(resolved), Math.round((Math.log10(120) + 374.8968886) * 1e6) / 1e6);
  assert.is(log10Symmetries(resolveSpec(spec({ a: ["_"] }), model({ a: [5] }))), 0);
});

test.run();
