/** `match` and `merge` by data, as a user meets them: dist/cli.js in a process of its own. */

import { existsSync } from "node:fs";
import * as assert from "uvu/assert";
import { A, B, commandLine } from "../reference/command-line.ts";
import { heavySuite } from "../reference/heavy-suite.ts";

const test = heavySuite("matching by data on the command line");
const cli = commandLine(test, ["train"]);
const { run } = cli;

async function runJson(...words: string[]) {
  const { code, json } = await cli.runJson(...words);
  assert.is(code, 0, JSON.stringify(json));
  return json;
}

test("match --method activations: from data alone, the same bytes twice", async () => {
  const words = ["match", A, B, "--method", "activations", "--data", "data", "--limit", "300"];
  const json = await runJson(...words, "-o", "p.safetensors");
  assert.is(json.method, "activations");
  assert.equal([json.cost, json.images, json.unseen], ["correlation", 300, []]);
  assert.ok(json.objective > 10 * json.identityObjective, `${json.objective}`);
  await runJson(...words, "-o", "q.safetensors");
  assert.ok(cli.bytes("p.safetensors").equals(cli.bytes("q.safetensors")));
  const polished = await runJson(...words, "-o", "r.safetensors", "--polish");
  assert.ok(polished.objective > json.objective);
  const inner = await run(...words, "-o", "s.safetensors", "--cost", "inner-product", "--only", "P1");
  assert.is(inner.code, 0, inner.stderr);
  assert.match(inner.stdout, /^data {7}inner-product over 300 images$/m);
  assert.match(inner.stdout, /^P0 +256 +0$/m);
});

test("merge --method hybrid --starts: the start with the lowest loss is kept, and told", async () => {
  const words = ["--method", "hybrid", "--share", "0.5", "--starts", "3", "--data", "data", "--limit", "200"];
  const json = await runJson("merge", A, B, "-o", "m.safetensors", ...words);
  assert.is(json.method, "hybrid");
  assert.is(json.linear.share, 0.5);
  const { chosen, images, tried } = json.starts;
  assert.equal([images, tried.length], [200, 3]);
  for (const { loss } of tried) assert.ok(tried[chosen].loss <= loss);
  assert.ok(existsSync(cli.path("m.safetensors")));
  const { stdout, code } = await run("match", A, B, "-o", "p.safetensors", "--starts", "2", "--data", "data");
  assert.is(code, 0);
  assert.is(stdout.match(/^start \d/gm)?.length, 2);
  assert.is(stdout.match(/kept, on 500 images/g)?.length, 1);
});

test("what does not go together is wrong usage; what does not fit fails in one line", async () => {
  const cases: [words: string, code: number, message: RegExp][] = [
    ["--method activations", 2, /^rebasin: --method activations has no --data, expected --data DIR$/m],
    ["--starts 2", 2, /^rebasin: --starts 2 has no --data, expected --data DIR$/m],
    ["--starts 0 --data data", 2, /^rebasin: --starts 0, expected an integer from 1 to 1000$/m],
    ["--starts 2 --data data --method activations", 2, /^rebasin: --starts is for --method frank-wolfe or hybrid/m],
    ["--share 1", 2, /^rebasin: --share is for --method hybrid, expected no --share with --method frank-wolfe$/m],
    ["--cost inner-product", 2, /^rebasin: --cost is for --method activations or hybrid/m],
    [
      "--cost cosine --method activations --data data",
      2,
      /^rebasin: --cost cosine, expected one of correlation, inner/m,
    ],
    ["--polish", 2, /^rebasin: --polish is for --method activations, expected no --polish with --method frank-wolfe$/m],
    ["--method hybrid --restarts 2 --data data", 2, /^rebasin: --restarts is for --method coordinate/m],
    ["--method hybrid --share=-1 --data data", 2, /^rebasin: --share -1, expected a number from 0 to 1000000$/m],
    ["--only nope", 1, /^rebasin: .*permutation nope is not in the spec, expected one of P0, P1$/m],
    ["--method activations --data nowhere", 1, /^rebasin: nowhere: no such folder/m],
    ["--method activations --data data --split test", 1, /^rebasin: data has no test images/m],
    ["--method hybrid --data data --input-size 14", 1, /^rebasin: data \(train\) has images of 14×14/m],
  ];
  for (const [words, want, message] of cases) {
    const { code, stderr } = await run("match", A, B, "-o", "p.safetensors", ...words.split(" "));
    assert.is(code, want, `${words}: ${stderr}`);
    assert.match(stderr, message);
    assert.not.match(stderr, /^ +at /m);
  }
  assert.not.ok(existsSync(cli.path("p.safetensors")));
});

test("match --method straight-through: never worse on held-out images, and gone on with from its checkpoint", async () => {
  const words = ["match", A, B, "--method", "straight-through", "--data", "data", "--batch", "100"];
  const steps = ["--steps", "6", "--learning-rate", "20", "--checkpoint", "c.safetensors"];
  const json = await runJson(...words, "-o", "p.safetensors", ...steps);
  assert.is(json.method, "straight-through");
  assert.equal([json.steps, json.validation], [6, 167]);
  assert.ok(json.loss <= json.startLoss);
  const resumed = await run(...words, "-o", "q.safetensors", ...steps, "--json");
  assert.is(resumed.stderr, "continues: c.safetensors has what was matched\n");
  const again = JSON.parse(resumed.stdout);
  assert.equal([again.loss, again.keptStep, again.objective], [json.loss, json.keptStep, json.objective]);
  assert.ok(cli.bytes("p.safetensors").equals(cli.bytes("q.safetensors")));
  const other = await run(
    ...words,
    "-o",
    "r.safetensors",
    "--steps",
    "6",
    "--seed",
    "1",
    "--checkpoint",
    "c.safetensors",
  );
  assert.match(other.stderr, /^rebasin: .*c\.safetensors has seed 0, expected 1 as in this training$/m);
  const stray = await run("match", A, B, "-o", "s.safetensors", "--steps", "6");
  assert.is(stray.code, 2);
  assert.match(stray.stderr, /--steps is for --method straight-through, expected no --steps with --method frank-wolfe/);
});

test.run();
