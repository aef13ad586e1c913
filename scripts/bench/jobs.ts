/**
 * `npm run bench -- jobs`, after a build: a tree of eight models (seven merges) by two workers with one thread each, on a folder's queue,
 * against one process with one thread. Alternately; the files must be the same.
 */

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeSafetensors, memoryModel } from "rebasin";
import { openQueue, type PlanJob, planJob, waitForJob } from "rebasin/jobs";
import { planFiles } from "rebasin/node";
import { checkPlan, type MergePlan, runPlan } from "rebasin/plan";
import { createRng } from "../../src/base/rng.ts";
import type { Outcome } from "./results.ts";
import { median } from "./timing.ts";

const [MODELS, ROUNDS, WIDTH] = [8, 3, 1536];
const CLI = join(process.cwd(), "dist/cli.js");

/** Both ways alternately, the files compared. */
export async function benchJobs(): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-bench-jobs-"));
  const [alone, shared]: [number[], number[]] = [[], []];
  const faults: string[] = [];
  try {
    for (let at = 0; at < MODELS; at++) await writeModel(join(folder, `0-${at}.safetensors`), at);
    for (let round = 0; round < ROUNDS; round++) {
      alone.push(await runAlone(folder));
      const { seconds, file } = await runShared(folder, round);
      shared.push(seconds);
      if (!readFileSync(join(folder, "3-0.safetensors")).equals(readFileSync(file))) faults.push("the merges differ");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const ratio = median(alone.map((seconds, i) => seconds / shared[i]!));
  const body = [
    `A tree of ${MODELS} models, MLP 784-${WIDTH}-${WIDTH}-10: ${MODELS - 1} merges, medians of ${ROUNDS}.`,
    "",
    "| | seconds |",
    "|---|---|",
    `| one process, one thread | ${median(alone).toFixed(1)} |`,
    `| two workers on a folder's queue, one thread each | ${median(shared).toFixed(1)} |`,
    "",
    `Ratio ${ratio.toFixed(2)}; at most 1.75, since four stages of seven merges follow each other.`,
  ];
  return { body: body.join("\n"), faults };
}

async function writeModel(path: string, seed: number): Promise<void> {
  const rng = createRng(seed);
  const sizes = [784, WIDTH, WIDTH, 10];
  const floats = (count: number): Uint8Array =>
    new Uint8Array(Float32Array.from({ length: count }, () => rng.uniform() - 0.5).buffer);
  const tensors = new Map<string, { dtype: "F32"; shape: number[]; data: Uint8Array }>();
  for (let at = 0; at + 1 < sizes.length; at++) {
    const [from, to] = [sizes[at]!, sizes[at + 1]!];
    tensors.set(`layers.${at}.weight`, { dtype: "F32", shape: [to, from], data: floats(to * from) });
    tensors.set(`layers.${at}.bias`, { dtype: "F32", shape: [to], data: floats(to) });
  }
  writeFileSync(path, await encodeSafetensors(memoryModel(tensors)));
}

/** The merges of the tree, children first: `STAGE-NUMBER.safetensors`. */
function plans(): MergePlan[] {
  const all: MergePlan[] = [];
  for (let stage = 1, count = MODELS / 2; count >= 1; stage++, count /= 2) {
    for (let at = 0; at < count; at++) {
      const models = [2 * at, 2 * at + 1].map((child) => ({ path: `${stage - 1}-${child}.safetensors` }));
      const output = { path: `${stage}-${at}.safetensors` };
      all.push(checkPlan({ format: "rebasin-plan/1", models, spec: "auto", blend: { method: "lerp" }, output }));
    }
  }
  return all;
}

async function runAlone(folder: string): Promise<number> {
  const started = performance.now();
  for (const plan of plans()) await runPlan(plan, await planFiles({ folder, force: true }), { threads: 1 });
  return (performance.now() - started) / 1000;
}

async function runShared(folder: string, round: number): Promise<{ seconds: number; file: string }> {
  const [address, results] = [join(folder, `queue-${round}`), join(folder, `results-${round}`)];
  mkdirSync(results);
  const queue = await openQueue(address);
  const words = [CLI, "worker", "--queue", address, "--threads", "1"];
  const workers = [0, 1].map(() => spawn(process.execPath, words, { stdio: "ignore" }));
  // Workers are started once and then wait for jobs.
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const started = performance.now();
  const made = new Map<string, PlanJob>();
  for (const plan of plans()) {
    const job = await planJob(plan, { results, folder, made });
    made.set(join(folder, plan.output!.path!), job);
  }
  const last = [...made.values()].at(-1)!;
  const [id] = await queue.submit([last.job]);
  await waitForJob(queue, id!);
  const seconds = (performance.now() - started) / 1000;
  for (const worker of workers) worker.kill("SIGINT");
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve))));
  await queue.close();
  return { seconds, file: last.payload.plan.output!.path! };
}
