/** Blends, bases and adapters on the command line: dist/cli.js in a process of its own. */

import { mkdirSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { adapterTask } from "../../src/many/adapters/adapter.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import { blendModels } from "../../src/merge/blend-models.ts";
import { readDataFolder } from "../../src/node/data-folder.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import { inputGrams } from "../../src/repair/input-grams.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { sameBytes } from "../reference/expect-error.ts";
import { near } from "../reference/near.ts";
import { fromModel, mlpNetwork, type Tensors, toModel } from "../reference/networks.ts";
import { randomPermutations } from "../reference/plant.ts";
import { gaussian } from "../reference/random.ts";

const test = suite("command line: blends");
const cli = commandLine(test, ["train"]);

const { spec } = mlpNetwork(createRng(0), [20, 33, 17, 10]);
const network = (seed: number): Model => toModel(mlpNetwork(createRng(seed), [20, 33, 17, 10]).tensors, `${seed}`);

async function tuned(model: Model, seed: number): Promise<Model> {
  const rng = createRng(seed);
  const tensors: Tensors = new Map();
  for (const [name, { shape, data }] of await fromModel(model))
    tensors.set(name, { shape, data: data.map((value) => value + 0.05 * gaussian(rng)) });
  return toModel(tensors, `tuned ${seed}`);
}

async function write(name: string, model: Model): Promise<string> {
  writeFileSync(cli.path(name), await encodeSafetensors(model));
  return name;
}

/** base, two fine-tunes of it, and a third as a fine-tune of the base in another numbering. */
async function family() {
  const base = network(1);
  const models = [await tuned(base, 2), await tuned(base, 3), await tuned(base, 4)];
  const permutations = randomPermutations(spec, base, createRng(5));
  await write("base.safetensors", base);
  for (const [i, model] of models.entries()) await write(`${i}.safetensors`, model);
  await write("other-base.safetensors", await applyPermutations(base, spec, permutations));
  await write("other.safetensors", await applyPermutations(models[2]!, spec, permutations));
  return { base, models };
}

const read = (name: string): Promise<Model> => openModel(cli.bytes(name));

async function sameTensors(file: string, wanted: Model): Promise<void> {
  const got = await read(file);
  for (const name of wanted.tensors.keys()) sameBytes(await got.read(name), await wanted.read(name), name);
}

test("fine-tunes of one base, blended and not aligned; of another base, moved with it", async () => {
  const { base, models } = await family();
  const words = ["--base", "base.safetensors", "--blend", "ties", "--density", "0.5,0.6,0.7", "--task-scale", "0.9"];
  const settings = { density: [0.5, 0.6, 0.7], taskScale: 0.9 };
  const wanted = blendModels(models, { blend: "ties", base, settings });
  const plain = ["0.safetensors", "1.safetensors", "2.safetensors"];
  const one = await cli.runJson("many", ...plain, "-o", "one.safetensors", ...words);
  assert.is(one.code, 0, JSON.stringify(one.json));
  assert.is(one.json.blend, "ties");
  assert.is(one.json.alignments, undefined);
  await sameTensors("one.safetensors", wanted);
  const bases = ["--bases", "base,base,other-base.safetensors"];
  const two = await cli.runJson(
    "many",
    ...plain.slice(0, 2),
    "other.safetensors",
    "-o",
    "two.safetensors",
    ...words,
    ...bases,
  );
  assert.is(two.code, 0, JSON.stringify(two.json));
  assert.equal(two.json.alignments.slice(0, 2), [null, null]);
  const [got, want] = [await fromModel(await read("two.safetensors")), await fromModel(wanted)];
  for (const [name, { data }] of want) near(got.get(name)!.data, data, name, 1e-6);
  // Its plan, run again, is the same file.
  writeFileSync(cli.path("plan.json"), JSON.stringify({ ...two.json.plan, output: { path: "again.safetensors" } }));
  const three = await cli.run("run", "plan.json");
  assert.is(three.code, 0, three.stderr);
  assert.match(three.stdout, /^0\.safetensors: numbered as the base$/m);
  assert.match(three.stdout, /^other\.safetensors, by its base other-base\.safetensors:$/m);
  await sameTensors("again.safetensors", await read("two.safetensors"));
});

test("merge: every blend of two, with and without a base; --align force matches fine-tunes, too", async () => {
  const { base, models } = await family();
  const [a, b] = models as [Model, Model];
  const out = ["-o", "m.safetensors", "--force"];
  const karcher = await cli.run("merge", "0.safetensors", "1.safetensors", ...out, "--blend", "karcher");
  assert.is(karcher.code, 0, karcher.stderr);
  // The two are fine-tunes of one base: matching leaves them as they are.
  await sameTensors("m.safetensors", blendModels([a, b], { blend: "karcher" }));
  const weighted = await cli.run(
    "merge",
    "0.safetensors",
    "1.safetensors",
    ...out,
    "--blend",
    "linear",
    "--weights",
    "3,1",
  );
  assert.is(weighted.code, 0, weighted.stderr);
  await sameTensors("m.safetensors", blendModels([a, b], { settings: { weights: [3, 1] } }));
  const words = [
    "--base",
    "base.safetensors",
    "--blend",
    "dare_linear",
    "--density",
    "0.5",
    "--seed",
    "7",
    "--weights",
    "0.5",
  ];
  for (const align of ["bases", "force"]) {
    const { code, stderr, stdout } = await cli.run(
      "merge",
      "0.safetensors",
      "1.safetensors",
      ...out,
      ...words,
      "--align",
      align,
    );
    assert.is(code, 0, stderr);
    assert.match(stdout, align === "bases" ? /^aligned {4}no: the models are numbered alike$/m : /^0\.safetensors:$/m);
    const settings = { density: 0.5, weights: 0.5 };
    await sameTensors("m.safetensors", blendModels([a, b], { blend: "dare_linear", base, settings, seed: 7 }));
  }
});

test("a LoRA adapter in PEFT's folder, alone and beside a fine-tune", async () => {
  const { base, models } = await family();
  const rng = createRng(8);
  const factor = (shape: number[]) => {
    const data = Float32Array.from({ length: shape[0]! * shape[1]! }, () => gaussian(rng));
    return { dtype: "F32" as const, shape, data: new Uint8Array(data.buffer) };
  };
  const adapter = memoryModel(
    new Map([
      ["base_model.model.layers.1.lora_A.weight", factor([2, 33])],
      ["base_model.model.layers.1.lora_B.weight", factor([17, 2])],
    ]),
  );
  mkdirSync(cli.path("lora"));
  await write("lora/adapter_model.safetensors", adapter);
  const words = ["-o", "m.safetensors", "--base", "base.safetensors", "--blend", "task_arithmetic", "--force"];
  const missing = await cli.run("many", "lora", ...words);
  assert.is(missing.code, 1);
  assert.match(missing.stderr, /has LoRA factors and no configuration, expected adapter_config\.json beside it/);
  const config = { peft_type: "LORA", r: 2, lora_alpha: 4 };
  writeFileSync(cli.path("lora/adapter_config.json"), JSON.stringify(config));
  const alone = await cli.run("many", "lora", ...words);
  assert.is(alone.code, 0, alone.stderr);
  const task = adapterTask(adapter, base, config);
  await sameTensors("m.safetensors", blendModels([task], { blend: "task_arithmetic", base }));
  const beside = await cli.run("many", "lora", "0.safetensors", ...words);
  assert.is(beside.code, 0, beside.stderr);
  await sameTensors("m.safetensors", blendModels([task, models[0]!], { blend: "task_arithmetic", base }));
  const bare = await cli.run("many", "lora", "0.safetensors", "-o", "n.safetensors");
  assert.is(bare.code, 1);
  assert.match(bare.stderr, /is a LoRA adapter, expected base: the model that it was trained on/);
});

test("merge --blend regmean: by the inputs of both, aligned; without images it is refused", async () => {
  const { code, json } = await cli.runJson(
    "merge",
    A,
    B,
    "-o",
    "m.safetensors",
    "--blend",
    "regmean",
    "--data",
    "data",
  );
  assert.is(code, 0, JSON.stringify(json));
  const [a, b] = [await openModelFile(A), await openModelFile(B)];
  const ofPair = await detectSpec(a);
  const { permutations } = await matchWeights(a, b, ofPair);
  const models = [a, await applyPermutations(b, ofPair, permutations)];
  const images = await readDataFolder(cli.path("data"), { split: "train", limit: 1000 });
  const grams: Map<string, Float64Array>[] = [];
  for (const model of models) grams.push(await inputGrams(model, images));
  const ofGrams = async (tensor: string, i: number) => grams[i]!.get(tensor);
  await sameTensors("m.safetensors", blendModels(models, { blend: "regmean", grams: ofGrams }));
  const bare = await cli.run("merge", A, B, "-o", "n.safetensors", "--blend", "regmean");
  assert.is(bare.code, 2);
  assert.match(bare.stderr, /--blend regmean has no --data, expected --data DIR/);
});

test("what does not go together is refused before a file is read", async () => {
  const refused = async (message: RegExp, ...words: string[]): Promise<void> => {
    const { code, stderr } = await cli.run(...words, "-o", "m.safetensors");
    assert.is(code, 2, stderr);
    assert.match(stderr.split("\n")[0]!, message);
  };
  const two = ["x.safetensors", "y.safetensors"];
  await refused(/--blend ties has no --base, expected --base MODEL/, "many", ...two, "--blend", "ties");
  await refused(/--density is (not )?for --blend/, "many", ...two, "--density", "0.5");
  await refused(/--lambda is (not )?for --blend/, "merge", ...two, "--blend", "linear", "--lambda", "0.3");
  await refused(/--base is (not )?for --blend/, "many", ...two, "--base", "z.safetensors");
  await refused(/--align is for --base/, "many", ...two, "--align", "force");
  await refused(/--weights has 3 entries, expected 2: one for each model/, "many", ...two, "--weights", "1,2,3");
  await refused(/--blend dare-ties, expected one of linear/, "many", ...two, "--blend", "dare-ties");
  await refused(/many got 1 model, expected two or more, or a --base/, "many", "x.safetensors");
});

test.run();
