/** `rebasin merge A B -o OUT` */

import type { Dtype } from "../../base/dtype.ts";
import type { AlignedPair } from "../../perm/pair.ts";
import { planNeeds } from "../../plan/plan-needs.ts";
import { runPlan } from "../../plan/run-plan.ts";
import { PERMUTATIONS_OPTION, type PermutationsValues } from "../aligned-pair.ts";
import { PERMUTATIONS_OUT_OPTION } from "../alignment-text.ts";
import { alignBeside, type BlendValues, blendOf, blendOptions, blendsWith } from "../blending.ts";
import { DTYPE_OPTION, KEEP_OPTION } from "../bridging.ts";
import type { Command } from "../command.ts";
import { COMMON_OF_MERGES } from "../common-options.ts";
import { MATCH_OPTIONS, type MatchValues } from "../matching.ts";
import { MATCH_DATA_OPTIONS, type MatchDataValues } from "../matching-data.ts";
import { PREFIX_OPTIONS, type PrefixValues } from "../models.ts";
import { DRY_RUN_OPTION, needsResult } from "../needs-text.ts";
import { flag, number } from "../option.ts";
import { FOLDER_OPTIONS, type FolderValues, METADATA_OPTION, outputOption } from "../output.ts";
import { planResult } from "../plan-result.ts";
import { alignOf, outputOf, planOf, repairOf, settingOf } from "../planning.ts";
import { TEMPERATURE_OPTION } from "../repairing.ts";
import { MERGE_REPAIR_OPTIONS, type MergeRepairValues } from "../repairing-tasks.ts";
import { checkAligned } from "../spec-runner.ts";

interface MergeValues
  extends BlendValues,
    FolderValues,
    MatchValues,
    PrefixValues,
    MatchDataValues,
    MergeRepairValues,
    PermutationsValues {
  readonly output: string;
  readonly lambda: number;
  readonly dtype: Dtype | undefined;
  readonly "permutations-out": string | undefined;
  readonly "no-metadata": boolean;
  readonly "keep-a": readonly string[] | undefined;
  readonly temperature: boolean;
  readonly verify: boolean;
  readonly "dry-run": boolean;
}

export const merge: Command<MergeValues> = {
  positionals: ["A", "B"],
  options: {
    output: outputOption("the merged model"),
    lambda: number({
      value: "X",
      help: "share of B: 0 is A, 1 is the aligned B",
      default: 0.5,
      min: 0,
      max: 1,
      for: { blend: blendsWith("lambda") },
    }),
    ...blendOptions("lerp"),
    dtype: DTYPE_OPTION,
    "permutations-out": PERMUTATIONS_OUT_OPTION,
    permutations: PERMUTATIONS_OPTION,
    "no-metadata": METADATA_OPTION,
    ...FOLDER_OPTIONS,
    ...MATCH_OPTIONS,
    ...PREFIX_OPTIONS,
    "keep-a": KEEP_OPTION,
    ...MATCH_DATA_OPTIONS,
    ...MERGE_REPAIR_OPTIONS,
    temperature: TEMPERATURE_OPTION,
    verify: flag({
      help: "run B before and after its units are renumbered, and write nothing if its outputs change",
      without: ["base"],
    }),
    "dry-run": DRY_RUN_OPTION,
  },
  common: [...COMMON_OF_MERGES, "lambda", "verify", "permutations", "method", "only", "except", "keep-a"],
  examples: [
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --lambda 0.3 --permutations-out perms.safetensors",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --spec my-spec.json --json",
    "rebasin merge tuned-1.safetensors tuned-2.safetensors -o merged.safetensors --base base.safetensors --blend ties --density 0.2",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --starts 5 --data fashion-mnist --input-size 14",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair least-squares --data fashion-mnist",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair bn-reset --data fashion-mnist",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair per-task --data digits --data-b clothes",
  ],
  async run(context) {
    const { options } = context;
    const { split, checkpoint } = options;
    const found = alignOf(options, split);
    const { base, ...blended } = blendOf(options, 2);
    const align = base === undefined ? found.align : alignBeside(options, found.align);
    const words = { ...found, ...blended, base, align, repair: repairOf(options), output: outputOf(options) };
    const setting = await settingOf(context, planOf(context, words), checkpoint);
    const { plan, host, run } = setting;
    if (options["dry-run"]) return needsResult(await planNeeds(plan, host, run));
    if (!options.verify) return planResult(await runPlan(plan, host, run));
    let verified: Awaited<ReturnType<typeof checkAligned>> | undefined;
    const onAligned = async (aligned: AlignedPair): Promise<void> => {
      verified = await checkAligned(context, aligned);
    };
    const { json, text } = planResult(await runPlan(plan, host, { ...run, onAligned }));
    const line = `verified   outputs of B change by ${verified?.deviation.toExponential(1)} when its units are renumbered`;
    return { json: { ...(json as object), verified }, text: `${text}\n${line}` };
  },
};
