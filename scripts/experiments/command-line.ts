/** What `npm run experiments` understands, and what it says. */

import { parseArgs } from "node:util";
import { contour } from "./contour.ts";
import { counterexample } from "./counterexample.ts";
import { epochs } from "./epochs.ts";
import type { Experiment } from "./experiment.ts";
import { interpolation } from "./interpolation.ts";
import { createLab, type LabOptions } from "./lab.ts";
import { many } from "./many.ts";
import { repair } from "./repair.ts";
import { splitData } from "./split-data.ts";
import { tasks } from "./tasks.ts";
import { width } from "./width.ts";
import { writeOutcome } from "./write-outcome.ts";

export const EXPERIMENTS: readonly Experiment[] = [
  interpolation,
  width,
  epochs,
  splitData,
  many,
  counterexample,
  contour,
  repair,
  tasks,
];

/** Exit codes: 0 done (whatever the sign), 1 failed, 2 wrong usage, 130 interrupted. */
const [FAILED, USAGE, INTERRUPTED] = [1, 2, 130];

export interface Surroundings extends Pick<LabOptions, "signal" | "onProgress" | "note"> {
  print(text: string): void;
}

class UsageError extends Error {}

/** Runs one command line; resolves to the exit code. */
export async function runCommandLine(words: readonly string[], around: Surroundings): Promise<number> {
  try {
    const parsed = parse(words);
    if (parsed === undefined) around.print(usage());
    else await run(parsed.experiment, parsed.options, around);
    return 0;
  } catch (error) {
    around.note(`experiments: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof UsageError) {
      around.note("Try: npm run experiments -- --help");
      return USAGE;
    }
    if (!around.signal.aborted) return FAILED;
    around.note("The same command goes on where this one stopped.");
    return INTERRUPTED;
  }
}

type Options = Pick<LabOptions, "out" | "quick" | "seed" | "data" | "limit">;

async function run(experiment: Experiment, options: Options, around: Surroundings): Promise<void> {
  const started = performance.now();
  const before = process.cpuUsage();
  const lab = createLab({ ...options, ...around });
  const outcome = await experiment.run(lab);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  const time = { seconds, processorSeconds: (user + system) / 1e6 };
  const { html, json } = await writeOutcome(lab, experiment, outcome, time);
  const sign = outcome.held ? "came out" : "did not come out";
  around.print(`${experiment.name}: the paper's sign ${sign}: ${outcome.finding}`);
  around.print(`${html}\n${json}\n${seconds.toFixed(1)} s, ${time.processorSeconds.toFixed(1)} s of processor time`);
}

function parse(words: readonly string[]): { experiment: Experiment; options: Options } | undefined {
  const { values, positionals } = parseWords(words);
  if (values.help) return undefined;
  const [name, ...more] = positionals;
  const experiment = EXPERIMENTS.find((known) => known.name === name);
  const names = EXPERIMENTS.map((known) => known.name).join(", ");
  if (name === undefined || more.length > 0)
    throw new UsageError(`${positionals.length} experiments named, expected one of ${names}`);
  if (experiment === undefined) throw new UsageError(`experiment ${name}, expected one of ${names}`);
  if (experiment.needsData && values.data === undefined)
    throw new UsageError(`${name} without --data, expected a folder of images (Fashion-MNIST, MNIST or CIFAR)`);
  const limit = wholeNumber("limit", values.limit, 20);
  const options: Options = {
    out: values.out,
    quick: values.quick,
    seed: wholeNumber("seed", values.seed, 0)!,
    ...(values.data === undefined ? {} : { data: values.data }),
    ...(limit === undefined ? {} : { limit }),
  };
  return { experiment, options };
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        data: { type: "string" },
        out: { type: "string", default: "experiments-output" },
        seed: { type: "string", default: "1" },
        limit: { type: "string" },
        quick: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message.split(/\. (?=To specify)/)[0]);
  }
}

function wholeNumber(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
    throw new UsageError(`--${name} ${text}, expected an integer from ${least}`);
  return value;
}

function usage(): string {
  const list = EXPERIMENTS.map(({ name, summary }) => `  ${name.padEnd(15)} ${summary}`);
  return [
    "npm run experiments -- NAME --data DIR [--quick] [--out DIR] [--seed N] [--limit N]",
    "",
    ...list,
    "",
    "  --data DIR      folder of images by their usual names: Fashion-MNIST, MNIST, CIFAR-10, CIFAR-100",
    "  --quick         fewer images of half the size, smaller networks, fewer epochs",
    "  --out DIR       where NAME.html, NAME.json and trained models go (default experiments-output)",
    "  --seed N        of everything random (default 1)",
    "  --limit N       images of each split at most",
  ].join("\n");
}
