import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { blocksOf } from "../../../src/plan/blocks.ts";
import { checkPlan } from "../../../src/plan/check-plan.ts";
import { along, isUniform, settingsByPlan } from "../../../src/plan/settings.ts";

const test = suite("settings of plans");

const LLAMA = [
  "model.embed_tokens.weight",
  ...[0, 1, 2, 10].flatMap((i) => [
    `model.layers.${i}.mlp.up_proj.weight`,
    `model.layers.${i}.self_attn.q_proj.weight`,
  ]),
  ...["model.norm.weight", "lm_head.weight"],
];

function planOf(blend: object, parameters: readonly (object | undefined)[] = []) {
  return checkPlan({
    format: "rebasin-plan/1",
    models: ["a", "b"].map((path, i) => ({ path, ...(parameters[i] ? { parameters: parameters[i] } : {}) })),
    blend,
    output: { path: "out.safetensors" },
  });
}

test("blocks are in the order of their words and numbers, whatever that of the file", () => {
  const { count, place } = blocksOf([...LLAMA].reverse());
  assert.is(count, 4);
  assert.equal(
    [0, 1, 2, 10].map((i) => place(`model.layers.${i}.mlp.up_proj.weight`)),
    [0, 1 / 3, 2 / 3, 1],
  );
  for (const outside of ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"])
    assert.is(place(outside), 0);
  const resnet = blocksOf([
    "layer10.0.conv1.weight",
    "layer2.0.conv1.weight",
    "layer2.1.bn1.bias",
    "conv1.weight",
    "bn1.weight",
  ]);
  assert.equal([resnet.count, resnet.place("layer2.1.bn1.bias"), resnet.place("layer10.0.conv1.weight")], [3, 0.5, 1]);
  assert.is(resnet.place("conv1.weight"), 0);
  assert.equal(
    [...["0.weight", "2.weight", "10.weight"]].map(blocksOf(["10.weight", "0.weight", "2.weight"]).place),
    [0, 0.5, 1],
  );
  assert.is(blocksOf(["params/Dense_0/kernel", "params/Dense_1/kernel"]).place("params/Dense_1/kernel"), 1);
});

test("a gradient passes through its values, is between them, and holds what is no number", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 2, maxLength: 6 }),
      fc.nat(100),
      (values, per) => {
        values.forEach((value, i) => {
          assert.ok(Math.abs(along(values, i / (values.length - 1)) - value) < 1e-9);
        });
        const found = along(values, per / 100);
        assert.ok(found >= Math.min(...values) - 1e-9 && found <= Math.max(...values) + 1e-9);
      },
    ),
    { numRuns: 200, seed: 1 },
  );
  assert.is(along([0, 1], 0.25), 0.25);
  assert.is(along(["norm", "none"], 0.99), "norm");
  assert.is(along(["norm", "none"], 1), "none");
  assert.is(along(0.7, 0.5), 0.7);
});

test("rules: the first that fits counts; a model's own before the blend's", () => {
  const weight = [{ filter: "mlp", value: [0, 1] }, { filter: "norm", value: 5 }, { value: 2 }];
  const plan = planOf({ method: "linear", weight: 3 }, [{ weight }, undefined]);
  assert.not(isUniform(plan));
  const of = settingsByPlan(plan, LLAMA);
  assert.equal(of("model.layers.1.mlp.up_proj.weight").weights, [1 / 3, 3]);
  assert.equal(of("model.layers.10.self_attn.q_proj.weight").weights, [2, 3]);
  assert.equal(of("model.norm.weight").weights, [5, 3]);
  assert.equal(of("lm_head.weight").weights, [2, 3]);
  assert.equal(settingsByPlan(planOf({ method: "linear" }, [{ weight: 4 }]), LLAMA)("lm_head.weight").weights, [4, 1]);
});

test("a filter that fits nothing, a tensor that no rule fits, and settings that the blend does not have are named", () => {
  const fails = (plan: ReturnType<typeof planOf>, message: RegExp) =>
    assert.throws(
      () => LLAMA.map(settingsByPlan(plan, LLAMA)),
      (error: Error) => message.test(error.message),
    );
  const rules = (filter: string) => ({ method: "lerp", lambda: [{ filter, value: 0.5 }, { value: 0.1 }] });
  fails(
    planOf(rules("attn.k_proj")),
    /^blend\.lambda\[0\]\.filter is "attn\.k_proj", expected part of a tensor's name, such as model\.embed/,
  );
  fails(
    planOf({ method: "lerp", lambda: [{ filter: "mlp", value: 0.5 }] }),
    /^blend\.lambda has no rule for model\.embed_tokens\.weight, expected a last rule without filter/,
  );
  fails(
    planOf({ method: "lerp" }, [{ weight: 1 }]),
    /^models\[0\]\.parameters\.weight is not for blend lerp, expected no weight/,
  );
});

test.run();
