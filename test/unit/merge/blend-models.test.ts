/** Blending aligned models: the registry, settings, what is refused, and that the core's blends are the same bytes here. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { type BlendModelsOptions, blendModels, planBlend } from "../../../src/merge/blend-models.ts";
import { BLENDS, type BlendName } from "../../../src/merge/blends/blends.ts";
import { settleBlend } from "../../../src/merge/blends/settle.ts";
import { mergeModels } from "../../../src/merge/merge-models.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";

const test = suite("blending models");

const { spec } = mlpNetwork(createRng(0));
const model = (seed: number): Model => toModel(mlpNetwork(createRng(seed)).tensors, `model ${seed}`);

const refused = (
  models: Model[],
  options: object,
  message: RegExp,
  Type: typeof RangeError | typeof TypeError = RangeError,
) => rejects(async () => blendModels(models, options as BlendModelsOptions), Type, message);

test("lerp and slerp are what mergeModels gives", async () => {
  const [a, b] = [model(1), model(2)];
  for (const blend of ["lerp", "slerp"] as const)
    for (const lambda of [0, 0.3, 1])
      for (const name of a.tensors.keys()) {
        const want = await (await mergeModels(a, b, spec, new Map(), { lambda, blend })).read(name);
        sameBytes(await blendModels([a, b], { blend, settings: { lambda } }).read(name), want);
      }
});

test("linear is the weighted mean, in f64, rounded once", async () => {
  const models = [model(1), model(2), model(3)];
  const name = "layers.0.weight";
  const values = await Promise.all(models.map(async (own) => new Float32Array((await own.read(name)).slice().buffer)));
  const got = await blendModels(models, { settings: { weights: [1, 2, 5] } }).read(name);
  const want = values[0]!.map((v, e) => (v + 2 * values[1]![e]! + 5 * values[2]![e]!) / 8);
  assert.equal([...new Float32Array(got.slice().buffer)], [...want]);
});

test("settings by tensor: each has its own, and another blend", async () => {
  const models = [model(1), model(2)];
  const settings = (tensor: string) =>
    tensor.endsWith("bias")
      ? { blend: "slerp" as const, lambda: 1 }
      : { weights: tensor === "layers.0.weight" ? [1, 0] : 1 };
  const merged = blendModels(models, { settings });
  sameBytes(await merged.read("layers.0.weight"), await models[0]!.read("layers.0.weight"));
  sameBytes(await merged.read("layers.1.bias"), await models[1]!.read("layers.1.bias"));
  const plan = planBlend(models, { settings });
  assert.equal(plan.get("layers.1.weight"), { blend: "linear", settings: { weights: [1, 1], normalize: true } });
  assert.equal(plan.get("layers.0.bias"), { blend: "slerp", settings: { lambda: 1 } });
});

test("wrong options are refused before a weight is read, in words that name them", async () => {
  const read = async (): Promise<never> => assert.unreachable("was read") as never;
  const models = [1, 2].map((seed) => ({ ...model(seed), read }));
  await refused([], {}, /^blend "linear" got 0 models, expected 1 or more$/);
  await refused(models, { blend: "dare-ties" }, /^blend "dare-ties", expected one of linear, /);
  await refused([...models, model(3)], { blend: "slerp" }, /^blend "slerp" got 3 models, expected 2$/);
  await refused(models, { base: model(3) }, /^blend "linear" with a base, expected no base/);
  await refused(models, { settings: { weight: 1 } }, /^setting "weight", expected one of weights, normalize$/);
  await refused(
    models,
    { settings: { lambda: 1 } },
    /^setting "lambda" with blend "linear", expected it with lerp, slerp/,
  );
  await refused(models, { settings: { weights: [1] } }, /^weights has 1 numbers, expected 2: one for each model$/);
  await refused(models, { settings: { weights: [1, Number.NaN] } }, /^weights\[1\] NaN, expected a number/);
  await refused(models, { settings: { weights: "1" } }, /^weights is "1", expected a number$/, TypeError);
  await refused(models, { settings: () => ({ weights: [1] }) }, /^layers\.0\.weight: weights has 1 numbers/);
  await refused(models, { settings: 1 }, /^settings is 1, expected an object or a function$/, TypeError);
  await refused(models, { seed: -1 }, /^seed -1/);
  await refused(models, { density: 1 }, /^blendModels option "density"/, TypeError);
});

test("every blend settles its own defaults, for any number of models", () => {
  for (const blend of Object.keys(BLENDS) as BlendName[]) {
    const { settings, models } = BLENDS[blend];
    const count = Math.max(models[0], 2);
    const settled = settleBlend(blend, count);
    assert.equal(Object.keys(settled), Object.keys(settings), blend);
    for (const value of Object.values(settled)) if (Array.isArray(value)) assert.is(value.length, count, blend);
  }
});

test("metadata say the blend and its settings, and nothing where none was asked for", () => {
  const models = [model(1), model(2)];
  const said = (options: BlendModelsOptions): string[] =>
    [...blendModels(models, options).metadata]
      .filter(([key]) => key.startsWith("rebasin.blend"))
      .map((entry) => entry.join("="));
  assert.equal(said({}), ["rebasin.blend=linear", 'rebasin.blend-settings={"weights":[1,1],"normalize":true}']);
  assert.equal(said({ blend: "slerp", seed: 4 }), [
    "rebasin.blend=slerp",
    'rebasin.blend-settings={"lambda":0.5}',
    "rebasin.blend-seed=4",
  ]);
  const one = said({ settings: () => ({ weights: 1 }) });
  assert.match(one[1]!, /^rebasin\.blend-settings-sha256=[0-9a-f]{64}$/);
  assert.not.equal(one, said({ settings: () => ({ weights: [1, 2] }) }));
});

test("whole numbers come from the first model; closing closes every model", async () => {
  const closed: number[] = [];
  const make = (count: number): Model => ({
    ...memoryModel(new Map([["n", { dtype: "I32", shape: [1], data: Uint8Array.of(count, 0, 0, 0) }]])),
    close: async () => void closed.push(count),
  });
  const merged = blendModels([make(7), make(8)]);
  assert.is((await merged.read("n"))[0], 7);
  await merged.close!();
  assert.equal(closed, [7, 8]);
  await rejects(() => merged.read("none"), RangeError, /none/);
});

test.run();
