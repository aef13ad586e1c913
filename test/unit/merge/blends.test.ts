/** Every blend against its reference, and by laws. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { sha256Hex } from "../../../src/base/sha256.ts";
import { blendModels } from "../../../src/merge/blend-models.ts";
import { BLENDS, type BlendName } from "../../../src/merge/blends/blends.ts";
import { largest } from "../../../src/merge/blends/largest.ts";
import { polarFactor } from "../../../src/merge/blends/polar.ts";
import { blended, blendOf, caseRng, differenceOf, drawCase, modelOf, valuesOf } from "../../reference/blend-cases.ts";
import { singular, type Values } from "../../reference/blends.ts";
import { rejects } from "../../reference/expect-error.ts";
import { near } from "../../reference/near.ts";
import { gaussian } from "../../reference/random.ts";

const NAMES = Object.keys(BLENDS) as BlendName[];
const ARITHMETIC = NAMES.filter((name) => "taskScale" in BLENDS[name].settings && "normalize" in BLENDS[name].settings);
const THINNING = ARITHMETIC.filter((name) => name !== "task_arithmetic");

/** Of twelve cases each. A change needs a reason, and a line in CHANGELOG.md. */
const DIGESTS: readonly string[] = [
  "linear dd1fa74b",
  "lerp 88f5bb29",
  "slerp a9424cf1",
  "nuslerp 8433211e",
  "karcher c67f4100",
  "task_arithmetic 3394689e",
  "ties 2039607d",
  "dare_linear 7011ba3c",
  "dare_ties 82b5def5",
  "breadcrumbs 0b272d38",
  "breadcrumbs_ties 19a2a1c0",
  "della_linear 64c6ce52",
  "della 77f1f041",
  "sce 6aef0479",
  "model_stock 4d5c715b",
  "iso_c f00ccdb9",
  "regmean 9f59ddd7",
];

const test = suite("blends");

for (const blend of NAMES)
  test(`${blend} is what its reference gives`, async () => {
    for (let number = 0; number < 40; number++) {
      const drawn = drawCase(blend, caseRng(number));
      const difference = await differenceOf(drawn);
      const bound = drawn.dtype === "F64" && BLENDS[blend].load !== undefined ? 1e-9 : 1e-6;
      assert.ok(difference <= bound, `case ${number}, ${JSON.stringify(drawn)}: ${difference}`);
    }
  });

/** Models of gaussian numbers around a base. */
function drawn(count: number, seed: number, shape = [6, 5]): { models: number[][]; base: number[]; shape: number[] } {
  const rng = createRng(seed);
  const draw = (): number[] => Array.from({ length: shape.reduce((all, size) => all * size, 1) }, () => gaussian(rng));
  return { base: draw(), models: Array.from({ length: count }, draw), shape };
}

const optionsFor = (blend: BlendName, base: Values) => ({
  ...(BLENDS[blend].base === "required" ? { base } : {}),
  ...(BLENDS[blend].data === true ? { grams: async () => Float64Array.from(singularGram(5)) } : {}),
});

/** Of inputs of which the last is never seen. */
const singularGram = (n: number): number[] =>
  Array.from({ length: n * n }, (_, e) => (e % (n + 1) === 0 && e < n * n - 1 ? 2 : 0));

test("one model gives itself, equal models give that model", async () => {
  for (const blend of NAMES) {
    const [least, most] = BLENDS[blend].models;
    for (const count of [least, Math.min(most, 3)]) {
      const { models, base, shape } = drawn(1, 5);
      const scale =
        ARITHMETIC.includes(blend) && BLENDS[blend].settings.normalize === false ? { taskScale: 1 / count } : {};
      if (blend === "iso_c") continue; // It changes singular values, one model's too.
      const all = new Array<number[]>(count).fill(models[0]!);
      near(await blended(blend, all, { ...optionsFor(blend, base), shape, settings: scale }), models[0]!, blend, 1e-12);
    }
  }
});

test("density 1 is task_arithmetic where no signs vote, whatever the seed and the rescaling", async () => {
  const { models, base, shape } = drawn(3, 6);
  const wanted = await blended("task_arithmetic", models, { base, shape });
  for (const blend of THINNING.filter((name) => !/ties|^della$/.test(name)))
    for (const rescale of ["none", "norm", "density"] as const)
      near(await blended(blend, models, { base, shape, settings: { density: 1, rescale } }), wanted, blend, 1e-14);
  // And all that vote agree with ties.
  const voted = await blended("ties", models, { base, shape });
  for (const blend of ["dare_ties", "breadcrumbs_ties", "della"] as const)
    near(await blended(blend, models, { base, shape, settings: { normalize: true } }), voted, blend, 1e-14);
});

test("the order of models does not matter where nothing is drawn", async () => {
  const { models, base, shape } = drawn(3, 7);
  for (const blend of NAMES) {
    if (BLENDS[blend].models[1] === 2) continue;
    const options = { ...optionsFor(blend, base), shape };
    const there = await blended(blend, models, options);
    near(await blended(blend, [...models].reverse(), options), there, blend, 1e-5);
  }
});

test("λ and weights swap with the models of a pair", async () => {
  const { models, base, shape } = drawn(2, 8);
  const turned = [...models].reverse();
  for (const blend of ["lerp", "slerp"] as const)
    near(
      await blended(blend, turned, { shape, settings: { lambda: 0.7 } }),
      await blended(blend, models, { shape, settings: { lambda: 0.3 } }),
      blend,
      1e-12,
    );
  for (const given of [{}, { base }])
    near(
      await blended("nuslerp", turned, { shape, ...given, settings: { weights: [1, 3] } }),
      await blended("nuslerp", models, { shape, ...given, settings: { weights: [3, 1] } }),
      "nuslerp",
      1e-12,
    );
});

test("differences that are all c times as large blend to c times as much", async () => {
  const { models, base, shape } = drawn(3, 9);
  const c = 2 ** -20;
  const near0 = models.map((model) => model.map((value, e) => base[e]! + c * (value - base[e]!)));
  for (const blend of NAMES.filter((name) => BLENDS[name].base === "required")) {
    const large = await blended(blend, models, { base, shape });
    const small = await blended(blend, near0, { base, shape });
    near(
      small.map((value, e) => (value - base[e]!) / c),
      large.map((value, e) => value - base[e]!),
      blend,
      1e-6,
    );
  }
});

test("random blends: the seed, the tensor's name and the model's number decide, and nothing else", async () => {
  const model = (values: Values) => modelOf(values, [values.length]);
  const { base, models } = drawn(2, 10, [4000]);
  const of = (blend: BlendName, seed: number) =>
    valuesOf(blendModels(models.map(model), { blend, base: model(base), seed, settings: { density: 0.5 } }));
  for (const blend of ["dare_linear", "dare_ties", "della", "della_linear"] as const) {
    assert.equal(await of(blend, 3), await of(blend, 3), blend);
    assert.not.equal(await of(blend, 3), await of(blend, 4), blend);
  }
  // Each model has masks of its own: a share of ¼ keeps none.
  const untouched = (await of("dare_linear", 3)).filter((value, e) => value === base[e]).length;
  assert.ok(Math.abs(untouched / 4000 - 0.25) < 0.03, String(untouched));
});

test("rescaling by density keeps the mean over seeds", async () => {
  const base = new Array<number>(40).fill(0);
  const model = Array.from({ length: 40 }, (_, e) => (e - 20) / 10);
  for (const blend of ["dare_linear", "della_linear"] as const) {
    const sum = new Array<number>(40).fill(0);
    for (let seed = 0; seed < 3000; seed++) {
      const settings = { density: 0.6, rescale: "density" as const };
      const models = [modelOf(model, [4, 10])];
      const got = await valuesOf(blendModels(models, { blend, base: modelOf(base, [4, 10]), seed, settings }));
      got.forEach((value, e) => {
        sum[e]! += value / 3000;
      });
    }
    near(sum, model, blend, 0.05);
  }
});

test("the largest by magnitude: as a sort finds them, equal ones by position", () => {
  const rng = createRng(11);
  for (let k = 0; k < 300; k++) {
    const n = 1 + rng.below(40);
    const values = Float64Array.from({ length: n }, () => (rng.below(9) - 4) * 2 ** (rng.below(3) * 500 - 500));
    const count = rng.below(n + 2);
    const order = [...values.keys()]
      .sort((x, y) => Math.abs(values[y]!) - Math.abs(values[x]!) || x - y)
      .slice(0, count);
    assert.equal(
      [...largest(values, count)],
      [...values.keys()].map((e) => (order.includes(e) ? 1 : 0)),
    );
  }
});

test("the orthogonal factor is that of a singular value decomposition, of any shape, condition and rank", () => {
  const rng = createRng(12);
  const shapes = [
    [1, 1],
    [1, 5],
    [7, 1],
    [4, 4],
    [9, 5],
    [5, 9],
    [12, 12],
  ] as const;
  for (const [rows, columns] of shapes)
    for (const decay of [1, 0.5])
      for (const rank of [Math.min(rows, columns), 1]) {
        const a = new Float64Array(rows * columns);
        for (let k = 0; k < rank; k++) {
          const [u, v] = [rows, columns].map((n) => Array.from({ length: n }, () => gaussian(rng)));
          for (let e = 0; e < a.length; e++) a[e]! += decay ** k * u![Math.floor(e / columns)]! * v![e % columns]!;
        }
        near(polarFactor(a, rows, columns), singular([...a], rows, columns).polar, `${rows} × ${columns}`, 1e-7);
      }
  assert.equal([...polarFactor(new Float64Array(6), 2, 3)], [0, 0, 0, 0, 0, 0]);
});

test("the same bits in every runtime", async () => {
  const digests: string[] = [];
  for (const blend of NAMES) {
    const parts: number[] = [];
    for (let number = 0; number < 12; number++) parts.push(...(await blendOf(drawCase(blend, caseRng(number)))));
    digests.push(`${blend} ${sha256Hex(new Uint8Array(Float64Array.from(parts).buffer)).slice(0, 8)}`);
  }
  assert.equal(digests, DIGESTS);
});

test("what a blend needs, and settings that do not go together, are refused before a weight is read", async () => {
  const refused = (blend: BlendName, count: number, options: object, message: RegExp) => {
    const models = Array.from({ length: count }, () => ({
      ...modelOf([1], [1]),
      read: () => assert.unreachable() as never,
    }));
    return rejects(async () => blendModels(models, { blend, ...options }), RangeError, message);
  };
  const base = modelOf([1], [1]);
  await refused("ties", 2, {}, /^blend "ties" without a base, expected the model that/);
  await refused("karcher", 2, { base }, /^blend "karcher" with a base, expected no base/);
  await refused("model_stock", 1, { base }, /^blend "model_stock" got 1 models, expected 2 or more$/);
  await refused("regmean", 2, {}, /^blend "regmean" without Gram matrices/);
  await refused("ties", 2, { base, settings: { density: 1.5 } }, /^density 1\.5, expected a number from 0 to 1$/);
  await refused("ties", 2, { base, settings: { density: [1, -1] } }, /^density\[1\] -1, expected/);
  await refused("della", 2, { base, settings: { density: 0.9 } }, /^density 0\.9 ± epsilon 0\.15, expected both ends/);
  await refused("sce", 2, { base, settings: { density: [1, 0.5] } }, /^density 1, 0\.5, expected one for all models$/);
  await refused("nuslerp", 2, { settings: { weights: [1, -1] } }, /^weights 1, -1, expected none below 0/);
  await refused(
    "task_arithmetic",
    2,
    { base, settings: { density: 1 } },
    /^setting "density" with blend "task_arithmetic"/,
  );
  await refused(
    "ties",
    2,
    { base, settings: { rescale: "l1" } },
    /^rescale "l1", expected one of none, norm, density$/,
  );
});

test.run();
