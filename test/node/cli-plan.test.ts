/** Plans on the command line: what `--json` prints under `plan` runs to the same bytes. */

import { mkdirSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { A, B, commandLine } from "../reference/command-line.ts";

const test = suite("plans on the command line");
const cli = commandLine(test);
const { run, runJson } = cli;

const same = (x: string, y: string): boolean => cli.bytes(x).equals(cli.bytes(y));
/** Without what differs from run to run, or with the number of threads. */
const timeless = (json: object): object => ({ ...json, seconds: 0, threads: 0, memoryBytes: 0 });
const save = (name: string, plan: object): void => writeFileSync(cli.path(name), JSON.stringify(plan));

test("merge --json names inputs, output, λ and the plan, which runs to the same bytes", async () => {
  const words = ["--method", "coordinate", "--restarts", "1", "--seed", "3", "--lambda", "0.3", "--blend", "slerp"];
  const { json } = await runJson("merge", A, B, "-o", "m.safetensors", "--permutations-out", "p.safetensors", ...words);
  assert.equal([json.inputs, json.lambda, json.blend], [[A, B], 0.3, "slerp"]);
  assert.equal(json.output, { path: "m.safetensors", format: "safetensors" });
  assert.equal(json.plan, {
    ...{ format: "rebasin-plan/1", models: [{ path: A }, { path: B }], spec: "auto" },
    ...{ align: { method: "coordinate", seed: 3, restarts: 1 }, blend: { method: "slerp", lambda: 0.3 } },
    output: { path: "m.safetensors", permutations: "p.safetensors" },
  });
  const [merged, permutations] = [cli.bytes("m.safetensors"), cli.bytes("p.safetensors")];
  save("plan.json", json.plan);
  const refused = await run("run", "plan.json");
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /m\.safetensors already exists, expected a new file \(or --force\)/);
  const again = await runJson("run", "plan.json", "--force", "--threads", "2");
  assert.is(again.code, 0);
  assert.ok(cli.bytes("m.safetensors").equals(merged) && cli.bytes("p.safetensors").equals(permutations));
  assert.equal(timeless(again.json), timeless(json));
  assert.is((await run("run", "plan.json", "-o", "other.safetensors", "--force")).code, 0);
  assert.ok(same("other.safetensors", "m.safetensors"));
});

test("a plan's paths are relative to its folder; the text is that of the command", async () => {
  mkdirSync(cli.path("plans"), { recursive: true });
  const merged = await run("merge", A, B, "-o", "plain.safetensors");
  const { json } = await runJson("merge", A, B, "-o", "x.safetensors");
  save("plans/plan.json", { ...json.plan, output: { path: "y.safetensors" } });
  const ran = await run("run", "plans/plan.json");
  assert.is(ran.code, 0, ran.stderr);
  assert.ok(same("plans/y.safetensors", "plain.safetensors"));
  const text = (stdout: string, path: string): string => stdout.replace(/\d+\.\d+ s$/m, "").replace(path, "OUT");
  assert.is(text(ran.stdout, "y.safetensors"), text(merged.stdout, "plain.safetensors"));
});

test("match and many: their plans run to the same files", async () => {
  const matched = await runJson("match", A, B, "-o", "perms.safetensors");
  save("match.json", matched.json.plan);
  const before = cli.bytes("perms.safetensors");
  assert.is((await run("run", "match.json", "--force")).code, 0);
  assert.ok(cli.bytes("perms.safetensors").equals(before));
  const many = await runJson("many", A, B, A, "-o", "mean.safetensors", "--strategy", "tree", "--reference", "2");
  assert.is(many.code, 0);
  assert.equal(many.json.plan.align, {
    strategy: "tree",
    method: "frank-wolfe",
    seed: 0,
    maxRounds: 100,
    reference: 2,
  });
  save("many.json", many.json.plan);
  const mean = cli.bytes("mean.safetensors");
  assert.is((await run("run", "many.json", "--force")).code, 0);
  assert.ok(cli.bytes("mean.safetensors").equals(mean));
});

test("what is wrong with a plan is one line with its file and key", async () => {
  const { json } = await runJson("merge", A, B, "-o", "z.safetensors", "--permutations-out", "zp.safetensors");
  const fails = async (plan: unknown, message: RegExp, code = 1): Promise<void> => {
    writeFileSync(cli.path("bad.json"), typeof plan === "string" ? plan : JSON.stringify(plan));
    const { stderr, code: found } = await run("run", "bad.json");
    assert.is(found, code, stderr);
    assert.match(stderr, message);
  };
  await fails(
    { ...json.plan, sede: 1 },
    /^rebasin: bad\.json:1 sede is not known, expected one of name, format, models/,
  );
  await fails({ ...json.plan, align: { method: "x" } }, /^rebasin: bad\.json:1 align\.method is "x", expected one of/);
  await fails("{", /^rebasin: bad\.json:1 .*expected YAML/);
  await fails({ ...json.plan, output: {} }, /^rebasin: bad\.json has no output, expected output\.path/, 2);
  assert.match(
    (await run("run", "none.json")).stderr,
    /^rebasin: none\.json: no such file.*expected a recipe or a plan/,
  );
});

test.run();
