import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis, parseAxis } from "../../../src/axes/axis-text.ts";
import { gatherIndex } from "../../../src/axes/gather-index.ts";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { formatSpec, parseSpec, prettySpec } from "../../../src/axes/spec-file.ts";
import { SpecError } from "../../../src/base/errors.ts";
import type { TensorInfo } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { bindPermutations } from "../../../src/perm/bind-permutations.ts";
import { fromModel, toModel } from "../../reference/networks.ts";
import { randomPermutations } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("nested permutations");

const G = 2;
const R = 3;
const D = 4;
/** Two key/value heads, three query heads each, four units a head: as attention with grouped queries has them. */
const ATTENTION = {
  format: "rebasin-spec/2",
  tensors: {
    q: { axes: ["H*4", "_"] },
    k: { axes: ["G*4", "_"] },
    v: { axes: ["V", "_"] },
    o: { axes: ["_", "G*H/G*V/G"] },
    fused: { axes: ["G*(H/G*4|4|V/G)", "_"] },
  },
  permutations: { H: { outer: "G", inner: R }, V: { outer: "G", inner: D } },
};
const SHAPES: Record<string, number[]> = {
  q: [G * R * D, 1],
  k: [G * D, 1],
  v: [G * D, 1],
  o: [1, G * R * D],
  fused: [G * (R + 2) * D, 1],
};
const tensorsOf = (shapes: Record<string, number[]>): Map<string, TensorInfo> =>
  new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: "F32", shape }]));
const fails = (run: () => unknown, message: string): void => {
  assert.throws(run, (error: unknown) => {
    assert.instance(error, SpecError);
    assert.is((error as Error).message, message);
    return true;
  });
};

test("texts of blocks and concatenations in products are read and written", () => {
  for (const text of ["G*H/G*V/G", "H*(64|64|V/H)", "G*(H/G*64|64|V/G)", "2*(A|3*(B|C))*D"])
    assert.is(formatAxis(parseAxis(text)), text);
  assert.equal(parseAxis("H * ( 64 | V/H )"), [["H", { parts: [[64], [{ block: "V", of: "H" }]] }]]);
  for (const text of ["(", ")(", "(A", "A)", "A/", "/A", "A/B/C", "A/2", "()", "A(B)", "2/A"])
    assert.throws(
      () => parseAxis(text),
      (error: unknown) => error instanceof SpecError,
      text,
    );
  assert.throws(() => parseAxis(`${"(".repeat(100000)}A${")".repeat(100000)}`), /nested deeper than 8/);
});

test("every digit of an axis moves as its permutation says", () => {
  const { permutations, tensors } = resolveSpec(parseSpec(ATTENTION), tensorsOf(SHAPES));
  const spec = parseSpec(ATTENTION);
  const model = toModel(
    new Map(
      Object.entries(SHAPES).map(([name, shape]) => [name, { shape, data: new Float32Array(shape[0]! * shape[1]!) }]),
    ),
  );
  const orders = bindPermutations({ permutations, tensors, spec }, randomPermutations(spec, model, createRng(3)));
  const [g, h, v] = ["G", "H", "V"].map((name) => orders[permutations.findIndex((each) => each.name === name)]!);
  const q: number[] = [];
  const o: number[] = [];
  const fused: number[] = [];
  for (let group = 0; group < G; group++) {
    const from = g![group]!;
    const inside = (i: number): number => v![group * D + i]! % D;
    for (let head = 0; head < R; head++) {
      const own = h![group * R + head]!;
      assert.is(Math.floor(own / R), from);
      for (let i = 0; i < D; i++) q.push(own * D + i);
      for (let i = 0; i < D; i++) o.push(own * D + inside(i));
      for (let i = 0; i < D; i++) fused.push(from * (R + 2) * D + (own % R) * D + i);
    }
    for (let i = 0; i < D; i++) fused.push((from * (R + 2) + R) * D + i);
    for (let i = 0; i < D; i++) fused.push((from * (R + 2) + R + 1) * D + inside(i));
  }
  const index = (name: string, axis: number): number[] => [
    ...gatherIndex(tensors.find((tensor) => tensor.name === name)!.axes[axis]!, orders),
  ];
  assert.equal(index("q", 0), q);
  assert.equal(index("o", 1), o);
  assert.equal(index("fused", 0), fused);
});

const EXPERTS = {
  format: "rebasin-spec/2",
  tensors: {
    router: { axes: ["E", "_"] },
    ...Object.fromEntries(
      [0, 1, 2].flatMap((at) => [
        [`experts.${at}.up`, { axes: ["F/E", "_"], slice: { of: "E", at, series: "up" } }],
        [`experts.${at}.down`, { axes: ["_", "F/E"], slice: { of: "E", at, series: "down" } }],
      ]),
    ),
    stacked: { axes: ["E", "_", "F/E"] },
  },
  permutations: { F: { outer: "E", inner: 4 } },
  roles: { experts: ["E"], ffn: ["F"] },
};

test("a permutation acts on the names of tensors, and on what is stacked along the first axis", async () => {
  const rng = createRng(5);
  const values = (shape: number[]) => ({
    shape,
    data: gaussianArray(
      shape.reduce((a, b) => a * b),
      rng,
    ),
  });
  const tensors = new Map([
    ["router", values([3, 2])],
    ["stacked", values([3, 2, 4])],
  ]);
  for (const at of [0, 1, 2]) tensors.set(`experts.${at}.up`, values([4, 2])).set(`experts.${at}.down`, values([2, 4]));
  const model = toModel(tensors);
  const spec = parseSpec(EXPERTS);
  const given = randomPermutations(spec, model, rng);
  const moved = await applyPermutations(model, spec, given);
  const found = await fromModel(moved);
  const [e, f] = [given.get("E")!, given.get("F")!];
  for (let slot = 0; slot < 3; slot++)
    for (let unit = 0; unit < 4; unit++) {
      const source = f[slot * 4 + unit]! % 4;
      for (let r = 0; r < 2; r++) {
        const up = tensors.get(`experts.${e[slot]}.up`)!.data[source * 2 + r];
        assert.is(found.get(`experts.${slot}.up`)!.data[unit * 2 + r], up);
        const down = tensors.get(`experts.${e[slot]}.down`)!.data[r * 4 + source];
        assert.is(found.get(`experts.${slot}.down`)!.data[r * 4 + unit], down);
        const stacked = tensors.get("stacked")!.data[(e[slot]! * 2 + r) * 4 + source];
        assert.is(found.get("stacked")!.data[(slot * 2 + r) * 4 + unit], stacked);
      }
    }
  const back = await fromModel(await applyPermutations(moved, spec, given, { inverse: true }));
  for (const [name, { data }] of tensors) assert.equal(back.get(name)!.data, data, name);
});

test("spec files of version 2 are a round trip; version 1 stays where it can say it", () => {
  for (const file of [ATTENTION, EXPERTS]) {
    const spec = parseSpec(file);
    assert.equal(parseSpec(formatSpec(spec)).tensors, spec.tensors);
    assert.equal(parseSpec(prettySpec(spec)), spec);
    assert.match(formatSpec(spec), /^\{"format":"rebasin-spec\/2"/);
  }
  assert.match(
    formatSpec(
      parseSpec({ ...ATTENTION, tensors: { v: { axes: ["V"] } }, permutations: { V: { outer: "H", inner: 2 } } }),
    ),
    /rebasin-spec\/1/,
  );
  for (const change of [{ tensors: ATTENTION.tensors }, { tensors: { a: { axes: ["V"] } } }]) {
    const permutations = { V: { outer: "H", inner: 2 }, H: { outer: "G", inner: 2 } };
    fails(
      () => parseSpec({ format: "rebasin-spec/1", ...change, permutations }, "x.json"),
      'x.json nests permutations in nested ones or has blocks, expected format "rebasin-spec/2"',
    );
  }
  fails(
    () => parseSpec({ ...EXPERTS, roles: { ffn: ["F", "F"] } }, "x.json"),
    'x.json role ffn has "F", expected names of permutations, each in one role',
  );
  const slice = { of: "E", at: -1, series: "s" };
  fails(
    () => parseSpec({ format: "rebasin-spec/2", tensors: { a: { axes: [], slice } } }, "x.json"),
    'x.json tensor a slice is {"of":"E","at":-1,"series":"s"}, expected { "of": a permutation, "at": its slot, "series": a name }',
  );
});

test("specs whose blocks nothing chooses, and slices that do not fit, are refused", () => {
  const resolve = (tensors: Record<string, object>, shapes: Record<string, number[]>): unknown =>
    resolveSpec(
      parseSpec({ format: "rebasin-spec/2", tensors, permutations: { V: { outer: "H", inner: 4 } } }),
      tensorsOf(shapes),
    );
  const v = { axes: ["V"] };
  fails(
    () => resolve({ v, a: { axes: ["V/H"] } }, { v: [8], a: [4] }),
    "a axis 0 has a block of a permutation, expected the outer one before it in the product, alone on axis 0, or in the name",
  );
  fails(
    () => resolve({ v, a: { axes: ["H*V/G"] } }, { v: [8], a: [8] }),
    "a axis 0 has V/G, expected V to be nested in G",
  );
  const slices = (...ats: number[]) =>
    Object.fromEntries(ats.map((at, i) => [`t${i}`, { axes: ["_"], slice: { of: "E", at, series: "s" } }]));
  fails(
    () => resolve({ v, ...slices(0, 2) }, { v: [8], t0: [1], t1: [1] }),
    "series s of E has no tensor for slot 1, expected one for every slot",
  );
  fails(() => resolve({ v, ...slices(0, 0) }, { v: [8], t0: [1], t1: [1] }), "t1 is slice 0 of E, which t0 is already");
  fails(
    () => resolve({ v, ...slices(0, 1e9) }, { v: [8], t0: [1], t1: [1] }),
    "t1 is slice 1000000000 of E, expected at most one for each tensor",
  );
  fails(
    () => resolve({ v, ...slices(0, 1) }, { v: [8], t0: [1], t1: [2] }),
    "t1 is F32 [2], expected F32 [1] on the same axes, as t0 whose place it can take",
  );
});

test("permutations that are missing move with what they are nested in", () => {
  const resolved = resolveSpec(parseSpec(ATTENTION), tensorsOf(SHAPES));
  const bound = bindPermutations(resolved, new Map([["G", Int32Array.of(1, 0)]]));
  const byName = (name: string): number[] => [...bound[resolved.permutations.findIndex((each) => each.name === name)]!];
  assert.equal(byName("H"), [3, 4, 5, 0, 1, 2]);
  assert.equal(byName("V"), [4, 5, 6, 7, 0, 1, 2, 3]);
});

test.run();
