/**
 * `bench threads`: one matching on two threads, beside two processes of one thread each at the same time. The processes are
 * what the machine gives to two threads that share nothing, neither memory nor a queue: two hyperthreads of one core give
 * little more than one does, whatever we write.
 */

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { ROOT } from "./machine.ts";
import { FIXTURE_PAIR, makeScale } from "./match-pairs.ts";
import type { BenchOptions, Pace, PairFiles } from "./options.ts";
import { startPython } from "./python.ts";
import { digits, type Outcome, table } from "./results.ts";
import type { Answer, Order } from "./threads-process.ts";
import { median } from "./timing.ts";

const ROUNDS: Readonly<Record<Pace, number>> = { quick: 2, normal: 5, full: 15 };

/** Matchings a second. */
interface Round {
  readonly one: number;
  readonly twoProcesses: number;
  readonly twoThreads: number;
}

/** Times every pair. A difference between the objectives of one and two threads is a fault. */
export async function benchThreads(options: BenchOptions): Promise<Outcome> {
  const python = await startPython(options.python);
  const command = typeof python === "string" ? null : python.command;
  if (typeof python !== "string") python.stop();
  const faults: string[] = [];
  const rows: string[][] = [];
  for (const pair of options.pairs.length > 0 ? options.pairs : [FIXTURE_PAIR]) {
    makeScale(pair, options.baseline, command);
    const rounds = await timePair(pair, ROUNDS[options.pace], faults);
    rows.push(describe(pair.name, rounds));
  }
  const body = [
    "Descent (`coordinate`, seed 0) of models in memory, in matchings a second. Two processes of one thread each, started at the same moment, are what the machine yields to two threads that share nothing; the last column holds ours against them, median of the ratios within a round.",
    table(
      ["pair", "rounds", "one thread", "two processes, together", "two threads", "two threads / two processes"],
      rows,
    ),
  ].join("\n\n");
  return { body, faults };
}

async function timePair(pair: PairFiles, count: number, faults: string[]): Promise<Round[]> {
  const processes = [await startProcess(pair), await startProcess(pair)] as const;
  try {
    const [first, second] = processes;
    // Engines compile hot code while it runs: the first matching of each kind counts for nothing.
    for (const each of processes) for (const threads of [1, 2]) await ask(each, { threads, maxSweeps: 1 });
    const rounds: Round[] = [];
    for (let round = 0; round < count; round++) {
      const one = await ask(first, { threads: 1 });
      const [left, right] = await Promise.all([ask(first, { threads: 1 }), ask(second, { threads: 1 })]);
      const two = await ask(first, { threads: 2 });
      if (two.threads !== 2) faults.push(`${pair.name} ran on ${two.threads} threads, expected 2`);
      if (two.objective !== one.objective)
        faults.push(`${pair.name} has the objective ${two.objective} on two threads and ${one.objective} on one`);
      const rates = {
        one: 1 / one.seconds,
        twoProcesses: 1 / left.seconds + 1 / right.seconds,
        twoThreads: 1 / two.seconds,
      };
      rounds.push(rates);
      console.log(`${pair.name} round ${round}: ${Object.values(rates).map(digits).join("  ")} a second`);
    }
    return rounds;
  } finally {
    for (const each of processes) each.kill();
  }
}

function describe(name: string, rounds: readonly Round[]): string[] {
  const rate = (of: (round: Round) => number): string => digits(median(rounds.map(of)));
  return [
    name,
    String(rounds.length),
    rate(({ one }) => one),
    rate(({ twoProcesses }) => twoProcesses),
    rate(({ twoThreads }) => twoThreads),
    rate(({ twoProcesses, twoThreads }) => twoThreads / twoProcesses),
  ];
}

/** Ready when it holds both models. */
async function startProcess(pair: PairFiles): Promise<ChildProcess> {
  const child = fork(join(ROOT, "scripts/run.mjs"), [join(ROOT, "scripts/bench/threads-process.ts")]);
  await ask(child, { pair });
  return child;
}

async function ask(child: ChildProcess, order: Order): Promise<Answer> {
  const settled = new AbortController();
  const { signal } = settled;
  const answer = once(child, "message", { signal });
  const gone = once(child, "exit", { signal }).then(([code]) => {
    throw new Error(`a process ended with ${code}, expected an answer`);
  });
  child.send(order);
  try {
    const [message] = (await Promise.race([answer, gone])) as [Answer];
    return message;
  } finally {
    for (const each of [answer, gone]) each.catch(() => undefined);
    settled.abort();
  }
}
