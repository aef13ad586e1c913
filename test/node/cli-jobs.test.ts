/** Plans on queues as a user meets them: workers and submitters in processes of their own. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { A, B, CLI, commandLine } from "../reference/command-line.ts";
import { hasRedis, startRedis } from "../reference/redis-server.ts";

const test = suite("command line: jobs");
const cli = commandLine(test, ["t10k"]);
const [runtime, ...runtimeWords] = JSON.parse(process.env.REBASIN_RUNTIME!) as [string, ...string[]];

/** A worker in the test's folder, and what ends it. */
function startWorker(queue: string, ...words: string[]): { child: ChildProcess; stop(): Promise<number | null> } {
  const line = [...runtimeWords, CLI, "worker", "--queue", queue, "--threads", "1", ...words];
  const child = spawn(runtime, line, { cwd: cli.folder, stdio: "ignore" });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  return {
    child,
    stop() {
      child.kill("SIGINT");
      return ended;
    },
  };
}

function writePlan(name: string, lambda: number): void {
  const plan = {
    format: "rebasin-plan/1",
    models: [{ path: "a.safetensors" }, { path: "b.safetensors" }],
    blend: { method: "lerp", lambda },
    output: { path: `${name}.safetensors`, permutations: `${name}-p.safetensors` },
  };
  writeFileSync(cli.path(`${name}.json`), JSON.stringify(plan));
  writeFileSync(cli.path("a.safetensors"), readFileSync(A));
  writeFileSync(cli.path("b.safetensors"), readFileSync(B));
}

/** Runs the plan here and on the queue; the files and the reports must be the same, but for times. */
async function checkSame(queue: string, ...words: string[]): Promise<void> {
  writePlan("m", 0.4);
  const local = await cli.run("run", "m.json");
  assert.is(local.code, 0, local.stderr);
  const files = ["m.safetensors", "m-p.safetensors"];
  const before = files.map((file) => cli.bytes(file));
  const queued = await cli.run("run", "m.json", "--queue", queue, ...words, "--force");
  assert.is(queued.code, 0, queued.stderr);
  assert.match(queued.stderr, /^queued {5}[0-9a-z-]+ {2}m\.safetensors\n$/);
  for (const [i, file] of files.entries()) assert.ok(cli.bytes(file).equals(before[i]!), file);
  const plain = ({ stdout }: { stdout: string }): string => stdout.replace(/[\d.]+ s$/m, "");
  assert.is(plain(queued), plain(local));
  const refused = await cli.run("run", "m.json", "--queue", queue, ...words);
  assert.match(refused.stderr, /already exists/);
}

test("a folder's worker does what a local run does", async () => {
  const worker = startWorker("q");
  await checkSame("q");
  const many = ["many", "a.safetensors", "b.safetensors", "a.safetensors", "-o"];
  assert.is((await cli.run(...many, "local.safetensors")).code, 0);
  const queued = await cli.run(...many, "queued.safetensors", "--queue", "q");
  assert.is(queued.code, 0, queued.stderr);
  assert.ok(cli.bytes("queued.safetensors").equals(cli.bytes("local.safetensors")));
  const table = queued.stdout.split("\n").filter((line) => /^model |^[ab]\.safetensors /.test(line));
  assert.is(table.length, 4);
  assert.is(new Set(table.map((line) => line.length)).size, 1, "columns stay aligned when paths become words");
  const { json } = await cli.runJson("jobs", "list", "--queue", "q");
  assert.equal(new Set(json.jobs.map(({ state }: { state: string }) => state)), new Set(["done"]));
  await worker.stop();
  for (const folder of ["jobs", "claims", "tries", "progress", "parts"])
    assert.equal(readdirSync(cli.path(`q/${folder}`)), []);
});

test("jobs of a folder that is no queue are refused, and nothing is made", async () => {
  const { code, stderr } = await cli.run("jobs", "list", "--queue", "mistyped");
  assert.is(code, 1);
  assert.match(stderr, /^rebasin: mistyped: no such folder, expected that of a queue[^\n]+\n$/);
  assert.not.ok(existsSync(cli.path("mistyped")));
});

test("documents of a recipe are jobs, each behind those it reads", async () => {
  writePlan("m", 0.3);
  const text = `name: half
models: [a.safetensors, b.safetensors]
blend: { method: lerp, lambda: 0.5 }
---
name: quarter
models: [b.safetensors, a.safetensors]
blend: { method: lerp, lambda: 0.25 }
output: quarter.safetensors
---
models: [half, quarter]
blend: slerp
output: both.safetensors
`;
  writeFileSync(cli.path("recipe.yaml"), text);
  assert.is((await cli.run("run", "recipe.yaml")).code, 0);
  const files = ["quarter.safetensors", "both.safetensors"];
  const before = files.map((file) => cli.bytes(file));
  const taken = await cli.run("run", "recipe.yaml", "--queue", "q");
  assert.match(taken.stderr, /quarter\.safetensors already exists/);
  const workers = [startWorker("q"), startWorker("q")];
  const { code, stdout, stderr } = await cli.run("run", "recipe.yaml", "--queue", "q", "--force", "--json");
  assert.is(code, 0, stderr);
  const json = JSON.parse(stdout);
  assert.equal(
    json.documents.map(({ name }: { name?: string }) => name),
    ["half", "quarter", undefined],
  );
  for (const [i, file] of files.entries()) assert.ok(cli.bytes(file).equals(before[i]!), file);
  const lines = stderr.trim().split("\n");
  assert.equal(
    lines,
    json.jobs.map(({ name, id }: { name: string; id: string }) => `queued     ${id}  ${name}`),
  );
  assert.equal(json.jobs.map(({ name }: { name: string }) => name).sort(), ["both.safetensors", "half", "quarter"]);
  const { jobs: listed } = (await cli.runJson("jobs", "list", "--queue", "q")).json;
  for (const { id, name } of json.jobs) assert.is(listed.find((each: { id: string }) => each.id === id).name, name);
  writeFileSync(cli.path("kept.yaml"), text.replace("output: quarter.safetensors\n", ""));
  const kept = await cli.run("run", "kept.yaml", "--queue", "q", "--force");
  for (const worker of workers) await worker.stop();
  // A document without an output: the report names a file that is there.
  const merged = [...kept.stdout.matchAll(/^merged {5}(.+)$/gm)].map(([, path]) => path!);
  assert.is(merged.length, 3);
  for (const path of merged) assert.ok(existsSync(resolve(cli.folder, path)), path);
});

test("a sweep's merges are jobs behind one alignment; the table is that of a local sweep", async () => {
  writePlan("m", 0.3);
  const words = ["m.json", "--set", "blend.lambda=0.25,0.75", "--data", "data", "--limit", "100"];
  const local = await cli.run("sweep", ...words);
  assert.is(local.code, 0, local.stderr);
  const worker = startWorker("q");
  const queued = await cli.run("sweep", ...words, "--queue", "q");
  await worker.stop();
  assert.is(queued.code, 0, queued.stderr);
  assert.is(queued.stdout, local.stdout);
  assert.is(readdirSync(cli.path("q/ends")).length, 3);
});

test("a worker that is killed: its job is done by another", async () => {
  writePlan("m", 0.3);
  assert.is((await cli.run("run", "m.json", "-o", "local.safetensors")).code, 0);
  const first = startWorker("q", "--stale", "1");
  const submitted = cli.run("run", "m.json", "--queue", "q", "--force");
  while (readdirSync(cli.path("."), { recursive: true }).every((name) => !/^q.claims.+json$/.test(String(name))))
    await new Promise((resolve) => setTimeout(resolve, 10));
  first.child.kill("SIGKILL");
  const second = startWorker("q", "--stale", "1");
  const { code, stderr } = await submitted;
  assert.is(code, 0, stderr);
  assert.ok(cli.bytes("m.safetensors").equals(cli.bytes("local.safetensors")));
  await second.stop();
});

test("what a job fails with is what the local run fails with", async () => {
  writePlan("m", 0.3);
  writeFileSync(cli.path("b.safetensors"), "no model");
  const worker = startWorker("q");
  const local = await cli.run("run", "m.json");
  const queued = await cli.run("run", "m.json", "--queue", "q");
  assert.is(queued.code, 1);
  assert.is(
    queued.stderr
      .split("\n")
      .at(-2)!
      .replace(/\S*b\.safetensors/, "b.safetensors"),
    local.stderr.trim(),
  );
  const list = await cli.run("jobs", "list", "--queue", "q");
  assert.match(list.stdout, /failed +1 +m\.safetensors/);
  await worker.stop();
});

test("jobs that wait are listed and cancelled", async () => {
  writePlan("m", 0.3);
  mkdirSync(cli.path("q"));
  const submitted = cli.run("run", "m.json", "--queue", "q");
  let id: string | undefined;
  while (id === undefined) id = (await cli.runJson("jobs", "list", "--queue", "q")).json.jobs[0]?.id;
  assert.equal((await cli.runJson("jobs", "cancel", id, "--queue", "q")).json, { cancelled: [id] });
  const { code, stderr } = await submitted;
  assert.is(code, 1);
  assert.match(stderr, /was cancelled/);
  assert.match((await cli.run("jobs", "cancel", id, "--queue", "q")).stderr, /cannot be cancelled, expected ids/);
});

test("words that do not fit", async () => {
  writePlan("m", 0.3);
  const redis = await cli.run("run", "m.json", "--queue", "redis://localhost:1");
  assert.match(redis.stderr, /has no --results, expected a folder that every machine sees/);
  assert.match((await cli.run("jobs", "stop", "--queue", "q")).stderr, /jobs stop, expected one of list, wait, cancel/);
  assert.match((await cli.run("worker")).stderr, /--queue/);
  assert.match((await cli.run("run", "m.json", "-o", "-", "--queue", "q")).stderr, /expected no - for stdin or stdout/);
});

if (!("Deno" in globalThis) && !("Bun" in globalThis) && hasRedis())
  test("a worker on Redis does what a local run does", async () => {
    mkdirSync(cli.path("redis"));
    const redis = await startRedis(cli.path("redis"));
    const worker = startWorker(redis.url);
    try {
      await checkSame(redis.url, "--results", "results");
    } finally {
      await worker.stop();
      await redis.stop();
    }
  });

test.run();
