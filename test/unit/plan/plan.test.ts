import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { canonicalJson, planDigest, planText } from "../../../src/plan/canonical.ts";
import { checkPlan, parsePlan } from "../../../src/plan/check-plan.ts";
import { planInputs } from "../../../src/plan/plan-paths.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("plans");

const MODELS = [{ path: "a.safetensors" }, { path: "b.safetensors" }];
const MERGE = {
  format: "rebasin-plan/1",
  models: MODELS,
  blend: { method: "lerp" },
  output: { path: "m.safetensors" },
};

/** `fields` over the merge of two; undefined takes a key away. */
const planWith = (fields: object): object => JSON.parse(JSON.stringify({ ...MERGE, ...fields }));

function refuses(fields: object, message: string): void {
  let found: unknown;
  try {
    checkPlan(planWith(fields), { name: "p.json" });
  } catch (error) {
    found = error;
  }
  assert.instance(found, FormatError);
  assert.is((found as Error).message, message);
}

test("defaults are in place, and a checked plan checks to itself", () => {
  const plan = checkPlan(MERGE);
  assert.equal(plan, {
    ...{ format: "rebasin-plan/1", models: MODELS, spec: "auto", align: { method: "frank-wolfe", seed: 0 } },
    ...{ blend: { method: "lerp", lambda: 0.5 }, output: { path: "m.safetensors" } },
  });
  assert.equal(checkPlan(JSON.parse(JSON.stringify(plan))), plan);
});

test("a spec may be in the plan itself: it stays as it is, and is recorded as a file of one", () => {
  const spec = { format: "rebasin-spec/1", tensors: { w: { axes: ["P"] } }, rest: "fixed" };
  const plan = checkPlan(planWith({ spec }));
  assert.equal(plan.spec, spec);
  assert.is(planText(plan), planText(checkPlan(planWith({ spec: "my.json" }))));
  refuses({ spec: 3 }, "p.json spec is 3, expected a text, or an object");
});

test("several models are matched jointly unless the plan states another strategy", () => {
  const models = [...MODELS, { path: "c.safetensors" }];
  const { align } = checkPlan(planWith({ models, blend: { method: "linear" } }));
  assert.equal(align, { strategy: "cycle-consistent", seed: 0, maxRounds: 100, reference: 0 });
  const tree = checkPlan(planWith({ models, blend: { method: "linear" }, align: { strategy: "tree" } }));
  assert.is(tree.align.method, "frank-wolfe");
});

test("what is wrong is named by its key", () => {
  refuses({ format: "x" }, 'p.json format is "x", expected one of rebasin-plan/1');
  refuses({ models: [{ path: "a" }] }, "p.json blend.method lerp got 1 models, expected 2");
  refuses(
    { models: [{ path: "a" }, { pfad: "b" }] },
    "p.json models[1].pfad is not known, expected one of path, sha256, prefix, key, assume, base, parameters",
  );
  refuses({ models: [{ path: "a" }, {}] }, "p.json models[1] has no path, expected path: a text");
  refuses({ output: { path: 3 } }, "p.json output.path is 3, expected a text");
  refuses({ blend: { method: "lerp", lambda: 2 } }, "p.json blend.lambda is 2, expected a number from 0 to 1");
  refuses(
    { align: { method: "frank-wolfe", share: 1 } },
    'p.json align.share is for align.method hybrid, expected no share with "frank-wolfe"',
  );
  refuses({ align: { method: "hybrid" } }, "p.json has no data, expected data: images for align.method hybrid");
  refuses({ starts: 3 }, "p.json has no data, expected data: images for starts 3");
  refuses({ threads: 4 }, `p.json threads is not known, expected one of ${KEYS}`);
  refuses(
    { blend: undefined },
    'p.json output.path is "m.safetensors", where a merge is written, expected a blend beside it, such as "lerp", or output.permutations in its place, for the alignment alone',
  );
  refuses(
    { models: [...MODELS, ...MODELS], align: { only: ["P0"] }, blend: { method: "linear" } },
    "p.json align.only is for two models, expected no only with cycle-consistent",
  );
  refuses(
    { models: [{ path: "a", sha256: "ABC" }, { path: "b" }] },
    'p.json models[0].sha256 is "ABC", expected 64 digits in lower-case hexadecimal',
  );
});

const KEYS = "format, models, base, spec, network, data, align, starts, repair, blend, allowNonfinite, output";

test("a plan is checked whatever is in it: an error is a FormatError of one line", () => {
  const keys = [...KEYS.split(", "), "path", "method", "seed", "__proto__", "lambda", "kind"];
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: "small" },
      ...[fc.constantFrom("lerp", "hybrid", "", "a\nb", "auto", "rebasin-plan/1"), fc.double(), fc.boolean()],
      ...[fc.constant(null), fc.array(tie("any"), { maxLength: 3 })],
      fc.dictionary(fc.constantFrom(...keys), tie("any"), { maxKeys: 4 }),
    ),
  })).any;
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 6 }), (fields) => {
      try {
        checkPlan({ ...MERGE, ...fields });
      } catch (error) {
        assert.instance(error, FormatError);
        assert.not.match((error as Error).message, /\n/);
      }
    }),
    { numRuns: 300, seed: 7 },
  );
});

test("plans as text: no JSON, keys twice, and what is too deep are refused", () => {
  const fails = (text: string, message: RegExp) =>
    assert.throws(
      () => parsePlan(text, "p.json"),
      (error: Error) => message.test(error.message),
    );
  fails("{", /^p\.json is not JSON \(.*\), expected a plan$/);
  fails('{"format":1,"format":2}', /^p\.json has the key "format" twice in one object, expected once$/);
  fails("[".repeat(100), /^p\.json is nested 65 deep, expected at most 64$/);
  assert.is(parsePlan(`\uFEFF${JSON.stringify(MERGE)}`).spec, "auto");
});

test("canonical JSON parses to the same value, whatever the order of its keys", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      assert.equal(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      assert.is(canonicalJson(reversed(JSON.parse(text))), text);
    }),
    { numRuns: 200, seed: 3 },
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, own]) => [key, reversed(own)]),
  );
}

test("a plan's text has no path; its digest depends on every file, and on no path", async () => {
  const given = { data: { path: "images", inputSize: 14 }, spec: "my.json", align: { permutations: "p.safetensors" } };
  const plan = checkPlan(planWith(given));
  assert.is(
    planText(plan),
    '{"align":{"method":"permutations","seed":0},"blend":{"lambda":0.5,"method":"lerp"},"format":"rebasin-plan/1","models":[{},{}],"spec":"given"}',
  );
  const inputs = planInputs(plan);
  assert.equal(inputs, ["a.safetensors", "b.safetensors", "my.json", "p.safetensors", "images"]);
  const digests = new Map(inputs.map((path, i) => [path, `${i}`]));
  const digest = await planDigest(plan, digests);
  for (const path of inputs) assert.is.not(await planDigest(plan, new Map([...digests, [path, "x"]])), digest, path);
  const elsewhere = checkPlan(planWith({ ...given, models: [{ path: "x/a" }, { path: "b.safetensors" }] }));
  assert.is(await planDigest(elsewhere, new Map([...digests, ["x/a", "0"]])), digest);
  await rejects(() => planDigest(elsewhere, digests), RangeError, /^x\/a has no digest, expected one for each/);
});

test("bases of models' own are files of the plan, too", async () => {
  const models = [{ path: "a" }, { path: "b", base: { path: "c", prefix: "ema." } }];
  const plan = checkPlan({ ...MERGE, models, base: { path: "d" }, blend: { method: "ties" } });
  assert.equal(planInputs(plan), ["a", "b", "c", "d"]);
  assert.not.match(planText(plan), /path|sha256/);
  assert.match(planText(plan), /"models":\[\{\},\{"base":\{"prefix":"ema\."\}\}\]/);
});

test.run();
