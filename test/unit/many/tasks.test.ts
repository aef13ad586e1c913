/** Task vectors, and moved between bases. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { alignTasks, meansWithoutVote } from "../../../src/many/align-tasks.ts";
import { blendModels } from "../../../src/merge/blend-models.ts";
import { taskVector } from "../../../src/merge/task-vector.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { rejects } from "../../reference/expect-error.ts";
import { near } from "../../reference/near.ts";
import { convNetwork, fromModel, mlpNetwork, type Tensors, toModel } from "../../reference/networks.ts";
import { randomPermutations } from "../../reference/plant.ts";
import { gaussian } from "../../reference/random.ts";

const test = suite("task vectors");

const { spec } = mlpNetwork(createRng(0));

/** The model with a little gaussian noise. */
async function tuned(model: Model, seed: number, size = 0.05): Promise<Model> {
  const rng = createRng(seed);
  const tensors: Tensors = new Map();
  for (const [name, { shape, data }] of await fromModel(model))
    tensors.set(name, { shape, data: data.map((value) => value + size * gaussian(rng)) });
  return toModel(tensors, `tuned ${seed}`);
}

async function nearModels(actual: Model, wanted: Model, what: string, tolerance = 1e-6): Promise<void> {
  const [got, want] = [await fromModel(actual), await fromModel(wanted)];
  for (const [name, { data }] of want) near(got.get(name)!.data, data, `${what}: ${name}`, tolerance);
}

test("a base and a task vector are the fine-tune", async () => {
  const base = toModel(mlpNetwork(createRng(1)).tensors, "base");
  const own = await tuned(base, 2);
  const task = taskVector(own, base);
  assert.is(task.delta.tensors.get("layers.0.weight")!.dtype, "F64");
  await nearModels(blendModels([task], { blend: "task_arithmetic", base }), own, "sum", 1e-7);
  const merged = blendModels([task, own], { blend: "ties", base, settings: { density: 1 } });
  await nearModels(merged, own, "beside a model", 1e-7);
});

test("a fine-tune of a renumbered base merges as it would have merged with the base itself", async () => {
  const base = toModel(mlpNetwork(createRng(3)).tensors, "base");
  const own = await tuned(base, 4);
  const permutations = randomPermutations(spec, base, createRng(5));
  const otherBase = await applyPermutations(base, spec, permutations);
  const other = await applyPermutations(own, spec, permutations);
  const second = await tuned(base, 6);
  const wanted = blendModels([own, second], { blend: "ties", base, settings: { density: 0.5 } });
  const inputs = [{ model: other, base: otherBase }, { model: second }];
  const { parts, alignments, reports } = await alignTasks(inputs, base, spec);
  await nearModels(blendModels(parts, { blend: "ties", base, settings: { density: 0.5 } }), wanted, "moved", 1e-7);
  assert.ok(alignments[0] !== undefined && reports[0] !== undefined);
  assert.ok(alignments[1] === undefined && parts[1] === second);
  const still = await alignTasks(inputs, base, spec, { align: "none" });
  assert.equal(still.alignments, [undefined, undefined]);
  await rejects(
    () => alignTasks(inputs, base, spec, { align: "all" as "none" }),
    RangeError,
    /^align "all", expected one of/,
  );
});

test("align: force matches fine-tunes of the base themselves", async () => {
  const base = toModel(mlpNetwork(createRng(7)).tensors, "base");
  const own = await tuned(base, 8);
  const moved = await applyPermutations(own, spec, randomPermutations(spec, base, createRng(9)));
  const { parts } = await alignTasks([{ model: moved }], base, spec, { align: "force" });
  await nearModels(parts[0] as Model, own, "forced", 0);
});

test("two models of one other base are matched once", async () => {
  const base = toModel(mlpNetwork(createRng(10)).tensors, "base");
  const otherBase = toModel(mlpNetwork(createRng(11)).tensors, "other base");
  const inputs = [12, 13].map(async (seed) => ({ model: await tuned(otherBase, seed), base: otherBase }));
  const { reports } = await alignTasks(await Promise.all(inputs), base, spec);
  assert.is(reports[0], reports[1]);
});

test("running statistics get the mean, beside any blend with a base", async () => {
  const network = convNetwork(createRng(14), true);
  const base = toModel(network.tensors, "base");
  const models = [await tuned(base, 15), await tuned(base, 16)];
  const settings = meansWithoutVote(network.spec, base, { taskScale: 3 });
  const merged = blendModels(models, { blend: "task_arithmetic", base, settings });
  const name = "bn0.running_var";
  const [a, b] = await Promise.all(models.map(async (model) => (await fromModel(model)).get(name)!.data));
  near(
    (await fromModel(merged)).get(name)!.data,
    a!.map((value, e) => (value + b![e]!) / 2),
    name,
    1e-7,
  );
});

test.run();
