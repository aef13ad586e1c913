/** `--dry-run` of `match`, `merge` and `run`: what the work needs, and none of it done. */

import { readdirSync, statSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { A, B, commandLine } from "../reference/command-line.ts";
import { heavySuite } from "../reference/heavy-suite.ts";

const test = heavySuite("needs of the work");
const cli = commandLine(test);
const { run, runJson } = cli;

/** Of the fixture, of which all tensors vote. */
const tensorBytes = async (): Promise<number> => {
  const { json } = await runJson("inspect", A);
  const shapes = json.tensors as { shape: number[] }[];
  // Half precision.
  return shapes.reduce((sum, { shape }) => sum + 2 * shape.reduce((x, y) => x * y, 1), 0);
};

test("match and merge print bytes, matrices, memory and a time, and write nothing", async () => {
  const bytes = await tensorBytes();
  const match = await runJson("match", A, B, "-o", "p.safetensors", "--dry-run", "--checkpoint", "kept");
  const merge = await runJson("merge", A, B, "-o", "m.safetensors", "--dry-run");
  const { matching } = match.json.needs;
  const permutations = [{ size: 256 }, { size: 256 }];
  const matrices = permutations.reduce((sum, { size }) => sum + 4 * size ** 2, 0);
  const units = permutations.reduce((sum, { size }) => sum + size, 0);
  assert.equal(match.json.needs.read, { matching: 2 * bytes, digests: 2 * bytes, merging: 0 });
  assert.is(match.json.needs.write, 4 * units);
  assert.equal(merge.json.needs.read, { matching: 2 * bytes, digests: 2 * bytes, merging: 2 * bytes });
  assert.is(merge.json.needs.write, bytes);
  assert.equal(matching.matrices, { count: 2 * permutations.length, bytes: 2 * matrices, isKept: true });
  for (const rate of Object.values(matching.rates)) assert.ok(Number(rate) > 0 && Number.isFinite(Number(rate)));
  const { step, least, most } = matching.seconds;
  assert.ok(step > 0 && least > 0 && least < most, JSON.stringify(matching.seconds));
  assert.equal(readdirSync(cli.folder), []);
  const { stdout } = await run("merge", A, B, "-o", "m.safetensors", "--method", "coordinate", "--dry-run");
  assert.match(
    stdout,
    /^read {7}1\.08 MB to match, 1\.08 MB to merge, 1\.08 MB for digests\nmatrices {3}\d cost matrices of /,
  );
  assert.match(
    stdout,
    /\nmemory .* without a limit, at least .* with --memory\nwrite {6}53\d kB\ntime {7}about .* to match/,
  );
});

test("the least memory it names is accepted, one byte less is refused, and the whole lets nothing wait", async () => {
  for (const method of ["frank-wolfe", "coordinate"]) {
    const words = ["match", A, B, "--method", method, "-o", "p.safetensors", "--force", "--threads", "1"];
    const needs = async (...more: string[]) =>
      (await runJson(...words, "--dry-run", ...more)).json.needs.matching.memory;
    const { least, unbounded } = await needs();
    assert.is((await run(...words, "--memory", String(least))).code, 0);
    assert.match((await run(...words, "--memory", String(least - 1))).stderr, new RegExp(`at least ${least} to match`));
    assert.is((await needs("--memory", String(least - 1))).taken, undefined);
    const tight = await needs("--memory", String(least));
    assert.ok(tight.taken <= least && tight.waiting.count > 0 && tight.readAgain > 0, JSON.stringify(tight));
    const whole = await needs("--memory", String(unbounded));
    assert.equal([whole.taken, whole.waiting.count, whole.readAgain], [unbounded, 0, 0]);
    const { json } = await runJson(...words);
    assert.ok(json.memoryBytes < unbounded);
  }
});

test("what a run would refuse is refused; what is not judged is named", async () => {
  writeFileSync(cli.path("m.safetensors"), "");
  const there = await run("merge", A, B, "-o", "m.safetensors", "--dry-run");
  assert.equal([there.code, /already exists/.test(there.stderr)], [1, true]);
  const { json } = await runJson("merge", A, B, "-o", "n.safetensors", "--base", A, "--blend", "ties", "--dry-run");
  assert.is(json.needs.matching, undefined);
  assert.is(statSync(cli.path("m.safetensors")).size, 0);
});

test("run --dry-run has the needs of each document that reads files", async () => {
  const documents = [
    { name: "first", models: [A, B], blend: { method: "lerp" } },
    { models: ["first", B], blend: { method: "lerp" }, output: "last.safetensors" },
  ];
  writeFileSync(cli.path("r.yaml"), documents.map((each) => JSON.stringify(each)).join("\n---\n"));
  const { json } = await runJson("run", "r.yaml", "--dry-run");
  assert.is(json.documents[0].needs.matching.matrices.isKept, true);
  assert.is(json.documents[1].needs, undefined);
  const { stdout } = await run("run", "r.yaml", "--dry-run");
  assert.match(stdout, /\nmatrices .*\nmemory [\s\S]*\nnote {7}needs what another document makes\n$/);
  assert.equal(readdirSync(cli.folder), ["r.yaml"]);
});

test.run();
