import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { checkPlan } from "../../../src/plan/check-plan.ts";
import { parseRecipe } from "../../../src/plan/recipe/recipe.ts";
import { describeSettings } from "../../../src/plan/settings.ts";

const test = suite("recipes");

const LAYERS = 4;
/** Names and shapes as Llama's. */
const LLAMA = new Map(
  [
    "model.embed_tokens.weight",
    ...Array.from({ length: LAYERS }, (_, i) =>
      ["self_attn.q_proj", "mlp.up_proj", "input_layernorm"].map((part) => `model.layers.${i}.${part}.weight`),
    ).flat(),
    ...["model.norm.weight", "lm_head.weight"],
  ].map((name) => [name, { dtype: "F32" as const, shape: [2, 2] }]),
);

function settingsOf(text: string): Map<string, object> {
  const [step] = parseRecipe(text, "r.yaml");
  return new Map(describeSettings(step!.plan, LLAMA, step!.locate).map(({ tensor, settings }) => [tensor, settings]));
}

function refuses(text: string, message: string | RegExp): void {
  let found: unknown;
  try {
    for (const { plan, locate } of parseRecipe(text, "r.yaml")) if (plan.blend) describeSettings(plan, LLAMA, locate);
  } catch (error) {
    found = error;
  }
  assert.instance(found, FormatError, text);
  const said = (found as Error).message;
  if (typeof message === "string") assert.is(said, message);
  else assert.match(said, message);
  assert.not.match(said, /\n/);
}

test("one word stands for an object: the plan is that of its long form", () => {
  const [step] = parseRecipe("models: [a.safetensors, b.pt]\nalign: coordinate\nblend: slerp\noutput: m.safetensors\n");
  const long = {
    ...{ format: "rebasin-plan/1", models: [{ path: "a.safetensors" }, { path: "b.pt" }] },
    ...{ align: { method: "coordinate" }, blend: { method: "slerp" }, output: { path: "m.safetensors" } },
  };
  assert.equal(step!.plan, checkPlan(long));
  assert.equal(parseRecipe(JSON.stringify(long))[0]!.plan, checkPlan(long));
  const many = parseRecipe("models: [a, b, c]\nalign: tree\nblend: linear\noutput: m")[0]!.plan;
  assert.is(many.align.strategy, "tree");
  const none = parseRecipe("models: [a, b]\nalign: false\nblend: lerp\noutput: m")[0]!.plan;
  assert.is(none.align.method, "none");
  const tuned = (align: string) =>
    parseRecipe(`models: [a, b]\nbase: c\n${align}\nblend: ties\noutput: m`)[0]!.plan.align.method;
  assert.equal([tuned(""), tuned("align: force"), tuned("align: true")], ["none", "frank-wolfe", "frank-wolfe"]);
  const own = parseRecipe("models: [{path: a, base: c}, b]\nbase: d\nblend: ties\noutput: m")[0]!.plan;
  assert.equal(own.models[0]!.base, { path: "c" });
});

test("documents come in the order of need, and each tells what it needs", () => {
  const text = `
name: all
models: [left, right]
blend: lerp
output: all.safetensors
---
name: right
models: [left, d.safetensors]
blend: lerp
---
name: left
models: [a.safetensors, b.safetensors]
blend: lerp
`;
  const steps = parseRecipe(text);
  assert.equal(
    steps.map(({ name, needs }) => [name, needs]),
    [
      ["left", []],
      ["right", ["left"]],
      ["all", ["left", "right"]],
    ],
  );
});

test("mergekit's file: gradients and filters give each tensor what mergekit's precedence gives", () => {
  const settings = settingsOf(`
merge_method: slerp
base_model: b
slices:
  - sources:
      - { model: a, layer_range: [0, ${LAYERS}] }
      - { model: b, layer_range: [0, ${LAYERS}] }
    parameters:
      t:
        - filter: self_attn
          value: [0, 0.6]
parameters:
  t:
    - filter: mlp
      value: [1, 0]
    - value: 0.5
dtype: bfloat16
output: m/
`);
  const t = (name: string): number => (settings.get(name) as { lambda: number }).lambda;
  for (const i of [0, 1, 2, 3]) {
    assert.ok(Math.abs(t(`model.layers.${i}.self_attn.q_proj.weight`) - (0.6 * i) / 3) < 1e-12);
    assert.ok(Math.abs(t(`model.layers.${i}.mlp.up_proj.weight`) - (1 - i / 3)) < 1e-12);
    assert.is(t(`model.layers.${i}.input_layernorm.weight`), 0.5);
  }
  for (const name of ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"]) assert.is(t(name), 0.5);
  const [step] = parseRecipe(
    `merge_method: slerp\nbase_model: b\nmodels: [{model: a}, {model: b}]\nparameters: {t: [0, 1]}\ndtype: float16\noutput: m`,
  );
  assert.equal(
    step!.plan.models.map(({ path }) => path),
    ["b", "a"],
  );
  assert.is(step!.plan.output!.dtype, "F16");
  assert.is(step!.plan.align.method, "none");
});

test("mergekit's file: a model's own parameters come before those of all, the base is no model", () => {
  const settings = settingsOf(`
merge_method: ties
base_model: base
models:
  - model: base
  - model: one
    parameters:
      density: [1, 0.5, 0.1]
      weight: 1
  - model: two
    parameters:
      density: 0.5
      weight:
        - { filter: mlp, value: 0.5 }
        - value: 0
parameters: { normalize: true, int8_mask: true, lambda: 0.9, density: 0.25 }
out_dtype: float32
output: m
`);
  assert.equal(settings.get("model.layers.3.mlp.up_proj.weight"), {
    ...{ weights: [1, 0.5], density: [0.1, 0.5], rescale: "none", taskScale: 0.9, normalize: true },
  });
  assert.equal(settings.get("lm_head.weight"), {
    ...{ weights: [1, 0], density: [1, 0.5], rescale: "none", taskScale: 0.9, normalize: true },
  });
});

test("what mergekit does and this does not is named with its line", () => {
  const head = "merge_method: ties\nbase_model: base\n";
  const models = "models:\n  - {model: a, parameters: {weight: 1}}\n";
  refuses(
    `merge_method: passthrough\n${models}`,
    /^r\.yaml:1 merge_method is "passthrough", expected one of linear, slerp/,
  );
  refuses(`${head}${models}chat_template: auto\n`, /^r\.yaml:5 chat_template is not supported, expected one of/);
  refuses(`${head}${models}tokenizer_source: union\n`, /^r\.yaml:5 tokenizer_source is "union", expected base/);
  refuses(`${head}models:\n  - model: a\n`, "r.yaml:4 models[0] has no weight (a), expected parameters: weight");
  refuses(
    `${head}models:\n  - {model: a+lora, parameters: {weight: 1}}\n`,
    /^r\.yaml:4 models\[0\]\.model is "a\+lora", a model and an adapter/,
  );
  refuses(
    `${head}${models}parameters: {swapping: 1}\n`,
    /^r\.yaml:5 parameters\.swapping is not supported with merge_method ties/,
  );
  refuses(`merge_method: ties\n${models}`, /^r\.yaml:1 merge_method is ties without base_model/);
  refuses(
    `${head}models:\n  - {model: a, parameters: {weight: 1, density: 1.5}}\noutput: m`,
    /^r\.yaml:4 models\[0\]\.parameters\.density is 1\.5, expected a number from 0 to 1/,
  );
});

test("bad recipes: one line with file, line and key", () => {
  const good = "models: [a, b]\nblend: lerp\noutput: m\n";
  refuses(`${good}aling: force\n`, /^r\.yaml:4 aling is not known, expected one of name, format, models/);
  refuses(`${good}align:\n  method: hungarian\n`, /^r\.yaml:5 align\.method is "hungarian", expected one of/);
  refuses(
    "models: [a, b]\nblend:\n  method: lerp\n  lambda: much\noutput: m",
    /^r\.yaml:4 blend\.lambda is "much", expected a number from 0 to 1/,
  );
  refuses(
    "models: [a, b]\nblend:\n  method: lerp\n  lambda:\n    - {filter: nowhere, value: 1}\n    - 0.5\noutput: m",
    /^r\.yaml:6 blend\.lambda\[1\] is 0\.5, expected an object with filter, value/,
  );
  refuses(
    "models: [a, b]\nblend:\n  method: lerp\n  lambda:\n    - filter: nowhere\n      value: 1\noutput: m",
    /^r\.yaml:5 blend\.lambda\[0\]\.filter is "nowhere", expected part of a tensor's name/,
  );
  refuses(
    "models: [a, b]\nbase: c\nblend: {method: dare_ties, density: 1.2}\noutput: m",
    /^r\.yaml:3 blend\.density is 1\.2, expected a number from 0 to 1/,
  );
  refuses(
    "models: [a, b]\nbase: c\nblend: {method: della, density: 0.1}\noutput: m",
    /^r\.yaml:3 blend of model\.embed_tokens\.weight: density 0\.1 ± epsilon 0\.15/,
  );
  refuses("models: [a, b", /^r\.yaml:1 .*expected YAML$/);
  refuses("models: [a]\nmodels: [b]", /^r\.yaml:2 .*expected YAML$/);
  refuses("- a\n- b\n", "r.yaml:1 is a list, expected a recipe: keys and values");
  refuses("", "r.yaml is empty, expected a recipe");
  refuses(
    "name: x\nmodels: [a, b]\nblend: lerp\n---\nmodels: [a, b]\nblend: lerp\noutput: m",
    "r.yaml:1 has no output, and no other document reads it, expected output",
  );
  refuses(
    "name: x\nmodels: [y, b]\nblend: lerp\n---\nname: y\nmodels: [x, b]\nblend: lerp\noutput: m",
    /^r\.yaml:\d models needs its own result: x → y → x, expected documents without a circle$/,
  );
  refuses(
    "name: x\nmodels: [a, b]\nblend: lerp\noutput: m\n---\nname: x\nmodels: [a, b]\nblend: lerp\noutput: n",
    'r.yaml:6 name is "x" again, expected another name for each document',
  );
  refuses(
    `a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c]`,
    /^r\.yaml:1 .*expected a recipe/,
  );
  refuses("[".repeat(100), /^r\.yaml is nested 64 deep/);
});

test("any text is a recipe or a FormatError of one line", () => {
  const words = [
    "models",
    "blend",
    "lerp",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "\n",
    "  ",
    "a",
    "---\n",
    "name",
    "&x",
    "*x",
    '"',
    "!!map",
    "align",
    "merge_method",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 30 }), (parts) => {
      try {
        parseRecipe(parts.join(""), "r.yaml");
      } catch (error) {
        assert.instance(error, FormatError, parts.join(""));
        assert.not.match((error as Error).message, /\n/);
      }
    }),
    { numRuns: 500, seed: 5 },
  );
});

test.run();
