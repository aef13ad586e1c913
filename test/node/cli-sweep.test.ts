/** `rebasin sweep`: one alignment, many settings. */

import { existsSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { A, B, commandLine } from "../reference/command-line.ts";
import { heavySuite } from "../reference/heavy-suite.ts";

const test = heavySuite("sweeps on the command line");
const cli = commandLine(test, ["t10k", "train"]);
const { run, runJson } = cli;

const save = (name: string, text: string): void => writeFileSync(cli.path(name), text);
const RECIPE = `models: [${JSON.stringify(A)}, ${JSON.stringify(B)}]\nblend: lerp\noutput: unused.safetensors\n`;
const DATA = ["--data", "data", "--limit", "200"];

test("each row is what the merge with those settings gets; the lowest loss is marked and written", async () => {
  save("r.yaml", RECIPE);
  const words = ["--set", "blend.lambda=.25,0.5", "--set", "blend.method=lerp,slerp"];
  const { code, json } = await runJson(
    "sweep",
    "r.yaml",
    ...words,
    ...DATA,
    "--html",
    "s.html",
    "-o",
    "best.safetensors",
  );
  assert.is(code, 0, JSON.stringify(json));
  const shown = json.rows.map(({ values }: { values: Record<string, unknown> }) => [
    values["blend.lambda"],
    values["blend.method"],
  ]);
  assert.equal(shown, [
    [0.25, "lerp"],
    [0.25, "slerp"],
    [0.5, "lerp"],
    [0.5, "slerp"],
  ]);
  for (const [i, { values, loss, accuracy }] of json.rows.entries()) {
    const lambda = String(values["blend.lambda"]);
    await run("merge", A, B, "-o", `${i}.safetensors`, "--lambda", lambda, "--blend", values["blend.method"]);
    const single = (await runJson("evaluate", `${i}.safetensors`, ...DATA)).json;
    assert.equal([loss, accuracy], [single.loss, single.accuracy], JSON.stringify(values));
  }
  const losses = json.rows.map(({ loss }: { loss: number }) => loss);
  assert.is(losses[json.best], Math.min(...losses));
  assert.is((await runJson("evaluate", "best.safetensors", ...DATA)).json.loss, losses[json.best]);
  assert.match(cli.bytes("s.html").toString("utf8"), /<h1>Sweep of r\.yaml<\/h1>[\s\S]*<svg[\s\S]*blend\.lambda/);
  assert.not(existsSync(cli.path("unused.safetensors")));
  assert.not(existsSync(cli.path("s.html.checkpoint")));
});

test("RegMean, which looks at images, in a sweep is what a merge with it is", async () => {
  save("g.yaml", RECIPE.replace("lerp", "linear"));
  const { code, json } = await runJson("sweep", "g.yaml", "--set", "blend.method=linear,regmean", ...DATA);
  assert.is(code, 0, JSON.stringify(json));
  const words = ["-o", "g.safetensors", "--blend", "regmean", "--data", "data"];
  assert.is((await run("merge", A, B, ...words)).code, 0);
  assert.is(json.rows[1].loss, (await runJson("evaluate", "g.safetensors", ...DATA)).json.loss);
  assert.is.not(json.rows[0].loss, json.rows[1].loss);
});

test("a sweep that was stopped resumes: same rows, and what was measured is not measured again", async () => {
  save("c.yaml", RECIPE);
  const lambdas = Array.from({ length: 40 }, (_, i) => i / 40).join();
  const words = ["sweep", "c.yaml", "--data", "data", "--set", `blend.lambda=${lambdas}`, "--json"];
  const stopped = await cli.stopAt("kept", "SIGKILL", ...words, "--checkpoint", "kept");
  assert.is(stopped.stdout, "");
  const rest = await run(...words, "--checkpoint", "kept");
  assert.is(rest.code, 0, rest.stderr);
  assert.match(rest.stderr, /^continues: [1-9]\d* of 40 merges are there\n$/);
  assert.equal(JSON.parse(rest.stdout), JSON.parse((await run(...words)).stdout));
  assert.not(existsSync(cli.path("kept")));
});

test("keys that are not swept and values that a plan cannot have are named", async () => {
  save("b.yaml", RECIPE);
  const fails = async (message: RegExp, ...words: string[]): Promise<void> => {
    const { code, stderr } = await run("sweep", "b.yaml", ...DATA, ...words);
    assert.is.not(code, 0);
    assert.match(stderr, message);
  };
  await fails(
    /--set align\.seed is not swept, expected a key of blend, of repair, or of models/,
    "--set",
    "align.seed=1,2",
  );
  await fails(/--set blend\.lambda is 2, expected a number from 0 to 1/, "--set", "blend.lambda=2");
  await fails(/--set blend\.lambda, expected KEY=VALUE,VALUE/, "--set", "blend.lambda");
  await fails(/has no --set, expected --set KEY=V,V/);
});

test.run();
