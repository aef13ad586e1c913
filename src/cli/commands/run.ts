/** `rebasin run PLAN` */

import { readFile } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { FormatError } from "../../base/errors.ts";
import { wordsOf } from "../../node/system-error.ts";
import { parsePlan } from "../../plan/check-plan.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { runPlan } from "../../plan/run-plan.ts";
import type { Command } from "../command.ts";
import { DASH } from "../dash.ts";
import { THREADS_OPTION } from "../matching.ts";
import { type Option, text, UsageError } from "../option.ts";
import { forceOption } from "../output.ts";
import { planResult } from "../plan-result.ts";
import { hostOf } from "../planning.ts";
import { QUEUEING_OPTIONS, type QueueingValues } from "../queueing/options.ts";
import { runQueued } from "../queueing/run-queued.ts";

interface RunValues extends QueueingValues {
  readonly output: string | undefined;
  readonly threads: number | "auto";
  readonly checkpoint: string | undefined;
  readonly force: boolean;
}

const OUTPUT: Option<string | undefined> = text({
  short: "o",
  value: "OUT",
  help: "where to write the result, instead of where the plan puts it",
  group: "output",
});

export const run: Command<RunValues> = {
  positionals: ["PLAN"],
  options: {
    output: OUTPUT,
    threads: THREADS_OPTION,
    checkpoint: text({ value: "FILE", help: "straight-through: file to save progress in; a run resumes from it" }),
    ...QUEUEING_OPTIONS,
    force: forceOption(),
  },
  examples: [
    "rebasin run plan.json",
    "rebasin run plan.json -o merged.safetensors --threads 4 --json",
    "rebasin run plan.json --queue /shared/queue",
  ],
  async run(context) {
    const { options, positionals, signal, onProgress, say } = context;
    const [path] = positionals as [string];
    const plan = withOutput(await readPlan(path), path, options.output);
    if (options.queue !== undefined) return runQueued({ plan, folder: dirname(path) }, { ...context, options });
    const host = await hostOf(context, options.checkpoint, dirname(path));
    return planResult(await runPlan(plan, host, { threads: options.threads, signal, onProgress, onNote: say }));
  },
};

async function readPlan(path: string): Promise<MergePlan> {
  let json: string;
  try {
    json = await readFile(path, "utf8");
  } catch (cause) {
    throw new FormatError(`${path} ${wordsOf(cause)}, expected a plan (merge --json prints one)`, { cause });
  }
  return parsePlan(json, path);
}

/** Throws `UsageError` where nothing would be written. */
function withOutput(plan: MergePlan, name: string, output: string | undefined): MergePlan {
  const { path, permutations } = plan.output ?? {};
  if (output === undefined) {
    if (path === undefined && permutations === undefined)
      throw new UsageError(`${name} has no output, expected output.path in it or -o OUT`);
    return plan;
  }
  // Paths of a plan are relative to its folder, the option's to where the command runs.
  const isHere = output === DASH || dirname(name) === ".";
  const placed = isHere ? output : `${resolve(output)}${/[\\/]$/.test(output) ? sep : ""}`;
  const own = plan.blend === undefined ? { permutations: placed } : { path: placed };
  return { ...plan, output: { ...plan.output, ...own } };
}
