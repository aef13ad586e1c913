import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { modelDigest } from "../../src/base/model-digest.ts";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { mergeMany } from "../../src/many/merge-many.ts";
import { fileDigest } from "../../src/node/content-digest.ts";
import { openModel, planFiles, readPermutations, rebasin } from "../../src/node.ts";
import { checkPlan } from "../../src/plan/check-plan.ts";
import { runPlan } from "../../src/plan/run-plan.ts";
import { rejects, sameBytes } from "../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";

const test = suite("plans by files");

let folder = "";
const at = (name: string): string => join(folder, name);

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebasin-plan-"));
  for (const [i, name] of ["a", "b", "c"].entries())
    await writeFile(at(`${name}.safetensors`), await encodeSafetensors(toModel(mlpNetwork(createRng(i)).tensors)));
});
test.after(() => rm(folder, { recursive: true, force: true }));

const model = (name: string): { path: string } => ({ path: `${name}.safetensors` });
const planOf = (fields: object): object => ({
  ...{ format: "rebasin-plan/1", models: [model("a"), model("b")], blend: { method: "slerp", lambda: 0.3 } },
  ...{ align: { method: "coordinate", seed: 4 }, output: { path: "out.safetensors" } },
  ...fields,
});
const run = async (fields: object, options: object = {}) =>
  runPlan(checkPlan(planOf(fields)), await planFiles({ folder, force: true, ...options }));
const bytesOf = (name: string): Promise<Uint8Array> => readFile(at(name));
const tensorsOf = async (name: string): Promise<Uint8Array> => {
  const opened = await openModel(at(name));
  try {
    return await encodeSafetensors({ ...opened, metadata: new Map() });
  } finally {
    await opened.close?.();
  }
};

test("gives the tensors that rebasin gives, and tells in the file how", async () => {
  const { output, alignment } = await run({ output: { path: "out.safetensors", permutations: "p.safetensors" } });
  assert.equal(output, { path: "out.safetensors", format: "safetensors", formatNote: undefined });
  const [a, b] = [at("a.safetensors"), at("b.safetensors")];
  const found = await rebasin(a, b, { method: "coordinate", seed: 4, blend: "slerp", lambda: 0.3 });
  sameBytes(await encodeSafetensors({ ...found.model, metadata: new Map() }), await tensorsOf("out.safetensors"));
  assert.is(alignment?.matching?.objective, found.report.objective);
  const [merged, saved] = [await openModel(at("out.safetensors")), await openModel(at("p.safetensors"))];
  const { permutations } = await readPermutations(saved);
  assert.equal([...permutations], [...found.permutations]);
  assert.is(
    merged.metadata.get("rebasin.plan"),
    '{"align":{"method":"coordinate","restarts":0,"seed":4},"blend":{"lambda":0.3,"method":"slerp"},"format":"rebasin-plan/1","models":[{},{}],"spec":"auto"}',
  );
  const parents: string[] = [];
  for (const path of [a, b]) {
    const parent = await openModel(path);
    parents.push(await modelDigest(parent));
    await parent.close?.();
  }
  assert.is(merged.metadata.get("rebasin.parents"), parents.join(" "));
  for (const [key, value] of found.model.metadata) assert.is(merged.metadata.get(key), value, key);
  for (const each of [merged, saved, found.model]) await each.close?.();
});

test("the plan in the result runs to the same bytes, whatever the number of threads and the folder", async () => {
  const { plan } = await run({});
  const first = await bytesOf("out.safetensors");
  const again = JSON.parse(JSON.stringify(plan));
  await runPlan(again, await planFiles({ folder, force: true }), { threads: 2 });
  sameBytes(await bytesOf("out.safetensors"), first);
  const absolute = { models: [{ path: at("a.safetensors") }, { path: at("b.safetensors") }] };
  await runPlan(checkPlan({ ...again, ...absolute, output: { path: at("other.safetensors") } }), await planFiles());
  sameBytes(await bytesOf("other.safetensors"), first);
});

test("permutations of a file, and none, take the place of a matching", async () => {
  await run({ output: { path: "out.safetensors", permutations: "p.safetensors" } });
  const { alignment } = await run({
    align: { permutations: "p.safetensors" },
    output: { path: "saved.safetensors" },
  });
  assert.is(alignment?.how, "permutations of p.safetensors");
  sameBytes(await tensorsOf("saved.safetensors"), await tensorsOf("out.safetensors"));
  const { alignment: none } = await run({ align: { method: "none" }, output: { path: "naive.safetensors" } });
  assert.is(none, undefined);
  assert.not.equal(await tensorsOf("naive.safetensors"), await tensorsOf("out.safetensors"));
});

test("several models give what mergeMany gives, and a file of permutations for each", async () => {
  const names = ["a", "b", "c"];
  const { many, permutations } = await run({
    models: names.map(model),
    ...{ align: { strategy: "merge-many", seed: 2, reference: 1 }, blend: { method: "linear" } },
    output: { path: "mean.safetensors", permutations: "perms" },
  });
  const models = await Promise.all(names.map((name) => openModel(at(`${name}.safetensors`))));
  const { spec } = mlpNetwork(createRng(0));
  const found = await mergeMany(models, spec, { strategy: "merge-many", seed: 2, reference: 1 });
  sameBytes(await encodeSafetensors({ ...found.model, metadata: new Map() }), await tensorsOf("mean.safetensors"));
  assert.is(many?.objective, found.report.objective);
  assert.equal(
    permutations,
    names.map((name, i) => join("perms", `${i}-${name}.permutations.safetensors`)),
  );
  for (const [i, file] of permutations.entries()) {
    const saved = await openModel(at(file));
    assert.equal([...(await readPermutations(saved)).permutations], [...found.permutations[i]!]);
    await saved.close?.();
  }
  await found.model.close?.();
});

test("a setting for each tensor: a gradient over blocks is what single merges give", async () => {
  await run({ blend: { method: "lerp", lambda: [0, 1] } });
  const [a, merged] = [await openModel(at("a.safetensors")), await openModel(at("out.safetensors"))];
  sameBytes(await merged.read("layers.0.weight"), await a.read("layers.0.weight"));
  await run({ blend: { method: "lerp", lambda: 0.5 }, output: { path: "half.safetensors" } });
  const half = await openModel(at("half.safetensors"));
  sameBytes(await merged.read("layers.1.weight"), await half.read("layers.1.weight"));
  for (const each of [a, merged, half]) await each.close?.();
});

test("a file that is not the one of the plan's digest is refused before anything is written", async () => {
  const sha256 = await fileDigest(at("a.safetensors"));
  const models = (digest: string) => [{ ...model("a"), sha256: digest }, model("b")];
  await run({ models: models(sha256), output: { path: "digest.safetensors" } });
  const other = sha256.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
  const refused = (digest: string) => run({ models: models(digest), output: { path: "no.safetensors" } });
  await rejects(
    () => refused(other),
    Error,
    /^a\.safetensors has SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}: another/,
  );
  await rejects(() => bytesOf("no.safetensors"), Error, /ENOENT|no such file/i);
});

test("outputs are refused before any model is opened", async () => {
  const missing = { models: [model("not-there"), model("b")] };
  const options = { force: false };
  const refuses = (output: object, message: RegExp) =>
    rejects(() => run({ ...missing, output }, options), RangeError, message);
  await run({});
  await refuses({ path: "out.safetensors" }, /already exists/);
  await refuses({ path: "b.safetensors" }, /is the same file as input/);
  await refuses({ path: "x.safetensors", permutations: "x.safetensors" }, /is named for two outputs/);
});

test.run();
