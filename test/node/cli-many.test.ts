/** `rebasin many` as a user meets it: dist/cli.js in a process of its own, in the runtime that runs this suite. */

import { readdirSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { A, B, commandLine, type Outcome } from "../reference/command-line.ts";
import { heavySuite } from "../reference/heavy-suite.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";
import { plant } from "../reference/plant.ts";

const test = heavySuite("command line: many");
const cli = commandLine(test);
const run = (...words: string[]): Promise<Outcome> => cli.run("many", ...words);
const runJson = (...words: string[]) => cli.runJson("many", ...words);

const { bytes } = cli;

/** Writes a network and renumbered copies of it as 0.safetensors, 1.safetensors, … */
async function writeCopies(count: number, widths = [20, 33, 17, 10]): Promise<string[]> {
  const { spec, tensors } = mlpNetwork(createRng(1), widths);
  const first = toModel(tensors);
  const paths: string[] = [];
  for (let i = 0; i < count; i++) {
    const model = i === 0 ? first : (await plant(spec, first, createRng(i))).b;
    paths.push(`${i}.safetensors`);
    writeFileSync(cli.path(`${i}.safetensors`), await encodeSafetensors(model));
  }
  return paths;
}

test("copies of one model merge to its tensors by every strategy, reported and reproducible", async () => {
  const models = await writeCopies(3);
  const tensors = (path: string): Buffer => bytes(path).subarray(8 + Number(bytes(path).readBigUInt64LE(0)));
  for (const strategy of ["merge-many", "cycle-consistent", "tree"]) {
    const out = `${strategy}.safetensors`;
    const { code, json } = await runJson(...models, "-o", out, "--strategy", strategy);
    assert.is(code, 0, JSON.stringify(json));
    assert.is(json.strategy, strategy);
    assert.is(json.spec, "mlp");
    assert.equal(json.inputs, models);
    assert.equal(json.distances, [0, 0, 0]);
    assert.is(json.identityDistances.length, 3);
    assert.ok(json.rounds >= 1 && json.objective > json.identityObjective);
    assert.is(json.stages.length, strategy === "tree" ? 2 : 0);
    assert.ok(tensors(out).equals(tensors("0.safetensors")), strategy);
  }
  assert.is((await run(...models, "-o", "again.safetensors", "--threads", "2")).code, 0);
  assert.ok(bytes("again.safetensors").equals(bytes("cycle-consistent.safetensors")));
});

test("--permutations-out writes a file for each model, which apply takes; the reference stays as it is", async () => {
  const models = await writeCopies(3);
  const { code, stdout } = await run(...models, "-o", "m.safetensors", "--permutations-out", "p/q", "--reference", "1");
  assert.is(code, 0);
  const files = ["0-0", "1-1", "2-2"].map((name) => `${name}.permutations.safetensors`);
  assert.equal(readdirSync(cli.path("p/q")).sort(), files);
  for (const file of files) assert.match(stdout, file);
  assert.match(stdout, /^strategy {3}cycle-consistent, frank-wolfe, \d+ steps?, \d+ rounds?, /m);
  for (const i of [0, 1, 2]) {
    const { code } = await cli.run("apply", models[i]!, `p/q/${files[i]}`, "-o", `aligned${i}.safetensors`);
    assert.is(code, 0);
    assert.ok(bytes(`aligned${i}.safetensors`).equals(bytes("1.safetensors")), `model ${i}`);
  }
});

test("trained models in half precision: merged, and the same spec file gives the same merge", async () => {
  const { code, json } = await runJson(A, B, "-o", "m.safetensors", "--strategy", "tree");
  assert.is(code, 0);
  assert.ok(json.objective > 3 * json.identityObjective);
  for (const i of [0, 1]) assert.ok(json.distances[i] < json.identityDistances[i]);
});

test("outputs that cannot be written are refused before any work, wrong words with exit code 2", async () => {
  const models = await writeCopies(2);
  writeFileSync(cli.path("old.safetensors"), "old");
  const refused = async (code: number, message: RegExp, ...words: string[]): Promise<void> => {
    const outcome = await run(...words);
    assert.is(outcome.code, code, outcome.stderr);
    assert.match(outcome.stderr, message);
    assert.is(outcome.stdout, "");
  };
  await refused(1, /old.safetensors already exists/, ...models, "-o", "old.safetensors");
  await refused(1, /is the same file as input/, ...models, "-o", "1.safetensors", "--force");
  await refused(
    1,
    /old.safetensors cannot be made/,
    ...models,
    "-o",
    "m.safetensors",
    "--permutations-out",
    "old.safetensors",
  );
  await refused(2, /many got 1 model, expected two or more, or a --base/, models[0]!, "-o", "m.safetensors");
  await refused(2, /--strategy star, expected one of/, ...models, "-o", "m.safetensors", "--strategy", "star");
  await refused(
    2,
    /--method is for --strategy merge-many or tree or --base/,
    ...models,
    "-o",
    "m.safetensors",
    "--method",
    "coordinate",
  );
  await refused(
    2,
    /--reference 2, expected an integer from 0 to 1/,
    ...models,
    "-o",
    "m.safetensors",
    "--reference",
    "2",
  );
  await refused(2, /has no --output, expected --output OUT/, ...models);
  const { code, json } = await runJson(...models, A, "-o", "m.safetensors");
  assert.is(code, 1);
  assert.is(json.error.type, "SpecError");
  assert.equal(readdirSync(cli.folder).sort(), ["0.safetensors", "1.safetensors", "old.safetensors"]);
  assert.is(bytes("old.safetensors").toString(), "old");
  assert.is((await run(...models, "-o", "old.safetensors", "--force")).code, 0);
});

test("Ctrl-C: exit code 130, and neither an output nor a temporary file", async () => {
  const models = ["0.safetensors", "1.safetensors"];
  for (const [seed, path] of models.entries()) {
    const { tensors } = mlpNetwork(createRng(seed), [64, 1500, 1500, 1500, 64]);
    writeFileSync(cli.path(path), await encodeSafetensors(toModel(tensors)));
  }
  await cli.interrupt(2000, "many", ...models, ...models, "-o", "m.safetensors");
  assert.equal(readdirSync(cli.folder).sort(), models);
});

test.run();
