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
import type { CommandContext } from "./command.ts";
import { type DataValues, readSplit } from "./image-data.ts";
import { integer, number, type Options, text } from "./option.ts";

/** Options of this method alone. */
export interface StraightThroughValues {
  readonly steps: number | undefined;
  readonly batch: number | undefined;
  readonly "learning-rate": number | undefined;
  readonly checkpoint: string | undefined;
}

/** What every one of them has. */
const SEARCH = { group: "matching", for: { method: ["straight-through"] } } as const;

export const STRAIGHT_THROUGH_OPTIONS: Options<StraightThroughValues> = {
  steps: integer({ ...SEARCH, value: "N", help: "steps at most", defaultText: "200", min: 1 }),
  batch: integer({ ...SEARCH, value: "N", help: "images a step", defaultText: "1000", min: 1 }),
  "learning-rate": number({
    ...SEARCH,
    value: "X",
    help: "of the gradient descent",
    defaultText: "1.5",
    min: Number.MIN_VALUE,
    max: 1e6,
  }),
  checkpoint: text({ ...SEARCH, value: "FILE", help: "file to save progress in; a run resumes from it if it exists" }),
};

/** Matches by all images of `split`, or those that --limit leaves. */
export async function runStraightThrough(
  context: CommandContext<DataValues & StraightThroughValues>,
  pair: Pair,
  split: Split,
  { seed, threads }: Pick<MatchOptions, "seed" | "threads">,
): Promise<StraightThroughMatching> {
  const { executorOf } = await import("../run/models/default-executor.ts");
  // Says what to install, where the peers are missing.
  await executorOf(undefined);
  const { matchStraightThrough } = await import("../by-data/straight-through/straight-through.ts");
  const { options, signal, onProgress } = context;
  const data = await readSplit(context, split);
  const path = options.checkpoint;
  if (path !== undefined) writesAtOnce(path);
  const resume = path === undefined ? undefined : await openIfThere(path, signal);
  const numbers = {
    steps: options.steps,
    batch: options.batch,
    learningRate: options["learning-rate"],
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
