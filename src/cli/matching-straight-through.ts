/** `--method straight-through`: its options, and running it with a checkpoint file. */

import { stat } from "node:fs/promises";
import type { Model } from "../base/model.ts";
import type { StraightThroughMatching } from "../by-data/straight-through/straight-through.ts";
import type { MatchOptions } from "../match/match-weights.ts";
import type { Split } from "../node/data-folder.ts";
import { writesAtOnce } from "../node/held-outputs.ts";
import { openModelFile } from "../node/open-model.ts";
import { saveSafetensors } from "../node/save-safetensors.ts";
import { codeOf } from "../node/system-error.ts";
import type { Pair } from "../perm/pair.ts";
import { type CommandContext, inGroup, numberOption, type OptionRule, UsageError } from "./command.ts";
import { readSplit } from "./image-data.ts";

/** Options of this method alone. */
export const STRAIGHT_THROUGH_OPTIONS: Readonly<Record<string, OptionRule>> = inGroup("search", {
  steps: { value: "N", help: "straight-through: steps at most (default 200)" },
  batch: { value: "N", help: "straight-through: images a step (default 1000)" },
  "learning-rate": { value: "X", help: "straight-through: of its gradient descent (default 1.5)" },
  checkpoint: { value: "FILE", help: "straight-through: kept up to date, and gone on from where it exists" },
});

/** Throws `UsageError` for options of this method beside another one. */
export function checkStraightThrough({ values }: CommandContext, method: string): void {
  if (method === "straight-through") return;
  const stray = Object.keys(STRAIGHT_THROUGH_OPTIONS).find((option) => values.has(option));
  if (stray !== undefined)
    throw new UsageError(`--${stray} is for --method straight-through, expected no --${stray} with ${method}`);
}

/** Matches by all images of `split`, or those that --limit leaves. */
export async function runStraightThrough(
  context: CommandContext,
  pair: Pair,
  split: Split,
  { seed, threads }: Pick<MatchOptions, "seed" | "threads">,
): Promise<StraightThroughMatching> {
  const { executorOf } = await import("../run/models/default-executor.ts");
  // Says what to install, where the peers are missing.
  await executorOf(undefined);
  const { matchStraightThrough } = await import("../by-data/straight-through/straight-through.ts");
  const { values, signal, onProgress } = context;
  const data = await readSplit(context, split);
  const path = values.get("checkpoint");
  if (path !== undefined) writesAtOnce(path);
  const resume = path === undefined ? undefined : await openIfThere(path, signal);
  const whole = { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true };
  const numbers = {
    steps: numberOption(context, "steps", whole),
    batch: numberOption(context, "batch", whole),
    learningRate: numberOption(context, "learning-rate", { min: Number.MIN_VALUE, max: 1e6, integer: false }),
    seed,
    threads,
    resume,
  };
  try {
    return await matchStraightThrough(pair.a, pair.b, pair, data, {
      ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined)),
      signal,
      onProgress,
      async onValidation({ checkpoint }) {
        if (path !== undefined) await saveSafetensors(await checkpoint(), path, { force: true, signal });
      },
    });
  } finally {
    await resume?.close?.();
  }
}

async function openIfThere(path: string, signal: AbortSignal): Promise<Model | undefined> {
  try {
    await stat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  return openModelFile(path, { signal });
}
