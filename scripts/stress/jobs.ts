/**
 * `npm run stress -- jobs [folder|redis]`, after a build: 200 small merges as jobs for two workers, of which one is killed 20 times
 * at random, and Redis restarted twice; then 10,000 jobs that do nothing, for memory and rate. Results must have the bytes of
 * the local run, and nothing else may be left.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeSafetensors, memoryModel } from "rebasin";
import { type JobQueue, openQueue, type PlanJob, planJob, waitForJob } from "rebasin/jobs";
import { planFiles } from "rebasin/node";
import { checkPlan, type MergePlan, runPlan } from "rebasin/plan";
import { createRng } from "../../src/base/rng.ts";
import { type RedisServer, startRedis } from "../../test/reference/redis-server.ts";

const [MERGES, KILLS, TRIVIAL] = [200, 20, 10_000];
const STALE_S = 2;
const CLI = join(process.cwd(), "dist/cli.js");
const kind = process.argv[2] ?? "both";
const folder = mkdtempSync(join(tmpdir(), "rebasin-jobs-"));
const rng = createRng(1);
let faults = 0;
function check(what: string, right: boolean): void {
  if (!right) faults++;
  console.log(`${right ? "right" : "WRONG"}  ${what}`);
}
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A small MLP; its units are numbered at random, as two trainings would. */
async function writeModel(name: string): Promise<string> {
  const sizes = [8, 24, 24, 4];
  const tensors = new Map<string, { dtype: "F32"; shape: number[]; data: Uint8Array }>();
  for (let at = 0; at + 1 < sizes.length; at++) {
    const [from, to] = [sizes[at]!, sizes[at + 1]!];
    const floats = (count: number): Uint8Array =>
      new Uint8Array(Float32Array.from({ length: count }, () => rng.uniform() - 0.5).buffer);
    tensors.set(`layers.${at}.weight`, { dtype: "F32", shape: [to, from], data: floats(to * from) });
    tensors.set(`layers.${at}.bias`, { dtype: "F32", shape: [to], data: floats(to) });
  }
  const path = join(folder, `${name}.safetensors`);
  writeFileSync(path, await encodeSafetensors(memoryModel(tensors, { name })));
  return path;
}

/** Ends whatever was asked of it with `kill -9`, and starts another. */
class Workers {
  #running: ChildProcess[] = [];
  readonly #address: string;
  constructor(address: string) {
    this.#address = address;
  }
  start(): void {
    const words = ["worker", "--queue", this.#address, "--threads", "1", "--stale", String(STALE_S)];
    this.#running.push(spawn(process.execPath, [CLI, ...words], { stdio: "ignore" }));
  }
  kill(): void {
    const at = Math.floor(rng.uniform() * this.#running.length);
    this.#running.splice(at, 1)[0]!.kill("SIGKILL");
    this.start();
  }
  async stop(): Promise<void> {
    const ends = this.#running.map((each) => new Promise((resolve) => each.once("exit", resolve)));
    for (const each of this.#running) each.kill("SIGINT");
    await Promise.all(ends);
  }
}

function planOf(models: readonly string[], at: number): MergePlan {
  return checkPlan({
    format: "rebasin-plan/1",
    models: [{ path: models[at % 4]! }, { path: models[4 + (at % 5)]! }],
    spec: "auto",
    blend: { method: "lerp", lambda: (at + 1) / (MERGES + 1) },
    output: { path: `merged-${at}.safetensors` },
  });
}

async function merges(name: string, address: string, redis: RedisServer | undefined): Promise<void> {
  const models: string[] = [];
  for (let at = 0; at < 9; at++) models.push(await writeModel(`m${at}`));
  const [local, results] = [join(folder, `${name}-local`), join(folder, `${name}-results`)];
  mkdirSync(local, { recursive: true });
  const queue = await openQueue(address, { staleMs: STALE_S * 1000 });
  const plans = Array.from({ length: MERGES }, (_, at) => planOf(models, at));
  for (const plan of plans) await runPlan(plan, await planFiles({ folder: local }));
  const jobs: PlanJob[] = [];
  for (const plan of plans) jobs.push(await planJob(plan, { results }));
  const started = performance.now();
  const ids = await queue.submit(jobs.map(({ job }) => job));
  const workers = new Workers(address);
  for (let at = 0; at < 2; at++) workers.start();
  const trouble = makeTrouble(workers, redis);
  const ends = [];
  for (const id of ids) ends.push(await waitForJob(queue, id).catch((error: Error) => error));
  const seconds = (performance.now() - started) / 1000;
  await trouble;
  await workers.stop();
  await queue.close();
  check(
    `${name}: ${MERGES} jobs done in ${seconds.toFixed(0)} s`,
    ends.every((end) => !(end instanceof Error)),
  );
  for (const end of ends.filter((each) => each instanceof Error).slice(0, 3))
    console.log(`       ${(end as Error).message}`);
  const same = plans.filter((plan, at) =>
    readFileSync(join(local, plan.output!.path!)).equals(readFileSync(jobs[at]!.payload.plan.output!.path!)),
  );
  check(`${name}: ${same.length} of ${MERGES} have the bytes of the local run`, same.length === MERGES);
  const left = readdirSync(results).filter((file) => file.startsWith("."));
  if (redis === undefined)
    for (const part of ["jobs", "claims", "tries", "progress", "cancels", "parts"])
      left.push(...readdirSync(join(address, part)));
  check(`${name}: ${left.length} leftovers ${left.slice(0, 3).join(" ")}`, left.length === 0);
}

async function makeTrouble(workers: Workers, redis: RedisServer | undefined): Promise<void> {
  for (let at = 0; at < KILLS; at++) {
    await sleep(300 + rng.uniform() * 1200);
    workers.kill();
    if (redis !== undefined && (at === 6 || at === 13)) await redis.restart(at === 13);
  }
}

async function trivial(name: string, address: string): Promise<void> {
  const queue: JobQueue = await openQueue(address);
  const megabytes = (): number => process.memoryUsage.rss() / 1e6;
  const before = megabytes();
  let started = performance.now();
  await queue.submit(Array.from({ length: TRIVIAL }, (_, at) => ({ name: `job ${at}`, payload: { at } })));
  const submitted = TRIVIAL / ((performance.now() - started) / 1000);
  const between = megabytes();
  started = performance.now();
  let done = 0;
  const handler = async (): Promise<object> => ({ done: ++done });
  await queue.work(handler, { signal: new AbortController().signal, concurrency: 8, untilEmpty: true });
  const worked = TRIVIAL / ((performance.now() - started) / 1000);
  const after = megabytes();
  check(
    `${name}: ${done} trivial jobs, submitted ${submitted.toFixed(0)}/s, done ${worked.toFixed(0)}/s`,
    done === TRIVIAL && (name === "folder" || worked >= 300),
  );
  console.log(`       resident ${before.toFixed(0)} → ${between.toFixed(0)} → ${after.toFixed(0)} MB`);
  await queue.close();
}

if (kind !== "redis") {
  await merges("folder", join(folder, "queue"), undefined);
  await trivial("folder", join(folder, "trivial"));
}
if (kind !== "folder") {
  mkdirSync(join(folder, "redis"));
  const redis = await startRedis(join(folder, "redis"));
  await merges("redis", `${redis.url}?queue=merges`, redis);
  await trivial("redis", `${redis.url}?queue=trivial`);
  await redis.stop();
}
rmSync(folder, { recursive: true, force: true });
console.log(`jobs: ${faults} wrong`);
process.exit(faults > 0 ? 1 : 0);
