/** `rebasin many A [B ...] -o OUT` */

import type { Dtype } from "../../base/dtype.ts";
import type { ManyStrategy } from "../../many/align-many.ts";
import type { Method } from "../../match/match-weights.ts";
import { runPlan } from "../../plan/run-plan.ts";
import { alignBeside, type BlendValues, blendOf, blendOptions } from "../blending.ts";
import { DTYPE_OPTION } from "../bridging.ts";
import type { Command } from "../command.ts";
import { COMMON_OF_MERGES } from "../common-options.ts";
import { DATA_SOURCE_OPTIONS, type DataSourceValues } from "../image-data.ts";
import { THREADS_OPTION } from "../matching.ts";
import { INPUT_OPTIONS, type InputValues, SPEC_OPTIONS, type SpecValues } from "../models.ts";
import { choice, integer, text, UsageError } from "../option.ts";
import { FOLDER_OPTIONS, type FolderValues, forceOption, METADATA_OPTION, outputOption } from "../output.ts";
import { planResult } from "../plan-result.ts";
import { outputOf, planOf, repairOf, settingOf } from "../planning.ts";
import { QUEUEING_OPTIONS, type QueueingValues } from "../queueing/options.ts";
import { runQueued } from "../queueing/run-queued.ts";
import { REPAIR_OPTIONS, type RepairValues, TEMPERATURE_OPTION } from "../repairing.ts";

interface ManyValues
  extends BlendValues,
    SpecValues,
    FolderValues,
    InputValues,
    DataSourceValues,
    RepairValues,
    QueueingValues {
  readonly output: string;
  readonly strategy: ManyStrategy;
  readonly dtype: Dtype | undefined;
  readonly "permutations-out": string | undefined;
  readonly reference: number;
  readonly method: Method | undefined;
  readonly "max-rounds": number;
  readonly seed: number;
  readonly "no-metadata": boolean;
  readonly threads: number | "auto";
  readonly temperature: boolean;
  readonly force: boolean;
}

export const many: Command<ManyValues> = {
  positionals: ["A"],
  further: "B",
  options: {
    output: outputOption("the merged model"),
    strategy: choice(["cycle-consistent", "merge-many", "tree"], {
      value: "STRATEGY",
      help: "all jointly to a common universe (C²M³); each to the mean of the others (Git Re-Basin's MergeMany); in pairs, by stages",
      default: "cycle-consistent",
      without: ["base"],
    }),
    ...blendOptions("linear"),
    dtype: DTYPE_OPTION,
    "permutations-out": text({
      group: "output",
      value: "DIR",
      help: "also write each model's permutations there, for rebasin apply: 0-A.permutations.safetensors, 1-B…",
    }),
    reference: integer({
      value: "N",
      help: "number the merged units as in model N, counted from 0",
      default: 0,
      min: 0,
    }),
    method: choice(["frank-wolfe", "coordinate"], {
      value: "METHOD",
      help: "how the first round of merge-many matches, how tree matches pairs, and how bases are matched",
      defaultText: "coordinate for merge-many, as in the paper; else frank-wolfe",
      for: { strategy: ["merge-many", "tree"], base: true },
    }),
    "max-rounds": integer({ value: "N", help: "rounds over all models at most", default: 100, min: 1 }),
    seed: integer({
      value: "N",
      help: "seed of the order of models and of the visiting order of descent",
      default: 0,
      min: 0,
    }),
    ...SPEC_OPTIONS,
    "no-metadata": METADATA_OPTION,
    ...FOLDER_OPTIONS,
    ...INPUT_OPTIONS,
    threads: THREADS_OPTION,
    ...DATA_SOURCE_OPTIONS,
    ...REPAIR_OPTIONS,
    temperature: TEMPERATURE_OPTION,
    ...QUEUEING_OPTIONS,
    force: forceOption(),
  },
  common: [...COMMON_OF_MERGES, "strategy", "density"],
  examples: [
    "rebasin many a.safetensors b.safetensors c.safetensors -o merged.safetensors",
    "rebasin many runs/*.safetensors -o merged.safetensors --strategy merge-many --seed 1 --json",
    "rebasin many a.safetensors b.safetensors c.safetensors -o merged.safetensors --permutations-out perms",
    "rebasin many tuned-1.safetensors tuned-2.safetensors -o merged.safetensors --base base.safetensors --blend task_arithmetic --task-scale 0.4",
    "rebasin many lora/ tuned.safetensors -o merged.safetensors --base a.safetensors --bases base,b.safetensors --blend ties --density 0.2",
    "rebasin many a.safetensors b.safetensors c.safetensors -o merged.safetensors --repair least-squares --data fashion-mnist",
  ],
  async run(context) {
    const { options, positionals } = context;
    const { strategy, method, seed, reference, "max-rounds": maxRounds } = options;
    if (reference >= positionals.length)
      throw new UsageError(`--reference ${reference}, expected an integer from 0 to ${positionals.length - 1}`);
    const { base, ...blended } = blendOf(options, positionals.length);
    if (base === undefined && positionals.length < 2)
      throw new UsageError("many got 1 model, expected two or more, or a --base");
    const together = { strategy, method, seed, reference, maxRounds };
    const align = base === undefined ? together : alignBeside(options, { method, seed });
    const words = { ...blended, base, align, repair: repairOf(options), output: outputOf(options) };
    const whole = planOf(context, words);
    if (options.queue !== undefined) return runQueued({ plan: whole }, context);
    const { plan, host, run } = await settingOf(context, whole);
    return planResult(await runPlan(plan, host, run));
  },
};
