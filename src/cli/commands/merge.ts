/** `rebasin merge A B -o OUT` */

import type { Dtype } from "../../base/dtype.ts";
import { visible } from "../../base/visible.ts";
import { mergeModels } from "../../merge/merge-models.ts";
import type { Blend } from "../../merge/methods/blend-tensor.ts";
import { saveSafetensors } from "../../node/save-safetensors.ts";
import { permutationsModel } from "../../perm/permutation-file.ts";
import { matchMetadata } from "../../plan/rebasin.ts";
import {
  alignPair,
  checkPermutationsInput,
  PERMUTATIONS_OPTION,
  type PermutationsValues,
  permutationsInput,
} from "../aligned-pair.ts";
import { alignmentJson, alignmentText, PERMUTATIONS_OUT_OPTION } from "../alignment-text.ts";
import { DTYPE_OPTION, KEEP_OPTION, withBridge } from "../bridging.ts";
import type { Command, CommandContext } from "../command.ts";
import { MATCH_OPTIONS, type MatchValues } from "../matching.ts";
import { MATCH_DATA_OPTIONS, type MatchDataValues } from "../matching-data.ts";
import { PREFIX_OPTIONS, type PrefixValues } from "../models.ts";
import { choice, number } from "../option.ts";
import {
  checkModelOutput,
  FOLDER_OPTIONS,
  type FolderValues,
  METADATA_OPTION,
  openOutput,
  outputOption,
} from "../output.ts";
import { repairText } from "../repair-text.ts";
import { planRepair, type Repair, repairHint, TEMPERATURE_OPTION } from "../repairing.ts";
import {
  MERGE_REPAIR_OPTIONS,
  type MergeRepairValues,
  planTasks,
  type TaskPlan,
  taskLines,
} from "../repairing-tasks.ts";

interface MergeValues
  extends FolderValues,
    MatchValues,
    PrefixValues,
    MatchDataValues,
    MergeRepairValues,
    PermutationsValues {
  readonly output: string;
  readonly lambda: number;
  readonly blend: Blend;
  readonly dtype: Dtype | undefined;
  readonly "permutations-out": string | undefined;
  readonly "no-metadata": boolean;
  readonly "keep-a": readonly string[] | undefined;
  readonly temperature: boolean;
}

export const merge: Command<MergeValues> = {
  positionals: ["A", "B"],
  options: {
    output: outputOption("the merged model"),
    lambda: number({ value: "X", help: "share of B: 0 is A, 1 is the aligned B", default: 0.5, min: 0, max: 1 }),
    blend: choice(["lerp", "slerp"], {
      value: "BLEND",
      help: "on the line between the models, or on the sphere",
      default: "lerp",
    }),
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
  },
  examples: [
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --lambda 0.3 --permutations-out perms.safetensors",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --spec my-spec.json --json",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --starts 5 --data fashion-mnist --input-size 14",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair least-squares --data fashion-mnist",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair bn-reset --data fashion-mnist",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair per-task --data digits --data-b clothes",
  ],
  async run(context) {
    const { options, positionals, signal, onProgress } = context;
    const { lambda, blend, force, split, "permutations-out": permutationsFile } = options;
    const { tasks, repair } = planAfter(context);
    const others = [...(permutationsFile === undefined ? [] : [permutationsFile]), ...(tasks?.files ?? [])];
    const files = permutationsInput(context);
    const inputs = [...positionals, ...files];
    await checkPermutationsInput(context);
    await checkModelOutput(context, others, inputs);
    return withBridge(
      context,
      async (bridge, saved) => {
        const target = await openOutput(context, bridge.restore(bridge.models[0]!), inputs);
        const { alignment, ...aligned } = await alignPair(context, bridge, saved, { split, repair });
        const { a, b, spec: pair, permutations } = aligned;
        const blended = await mergeModels(a, b, pair, permutations, {
          lambda,
          blend,
          allowNonfinite: options["allow-nonfinite"],
          metadata: alignment.matching && matchMetadata(alignment.matching),
        });
        const repaired = await (await repair?.of(aligned))?.(blended, lambda);
        const merged = repaired?.model ?? blended;
        // Before anything is written: the images may not fit.
        const sides = (await tasks?.find(merged, aligned)) ?? [];
        const save = { force, inputs, signal, onProgress };
        const written = [`merged     ${visible(target.json.path)}`, ...(await target.save(bridge.restore(merged)))];
        if (permutationsFile !== undefined) {
          await saveSafetensors(await permutationsModel(pair, permutations), permutationsFile, save);
          written.push(`saved      ${visible(permutationsFile)}`);
        }
        for (const { model, file } of sides) await saveSafetensors(model, file, save);
        written.push(...taskLines(sides));
        if (repaired !== undefined) written.unshift(repairText(repaired.report));
        else if (tasks === undefined) written.push(repairHint(a));
        const json = {
          ...alignmentJson(alignment, pair.spec),
          output: target.json,
          repair: repaired?.report,
          tasks: tasks && sides.map(({ model: _, ...side }) => side),
        };
        return { json, text: [alignmentText(alignment, pair.spec), "", ...written].join("\n") };
      },
      files,
    );
  },
};

/** What comes after the merge: a repair of it, or side files for two tasks. */
function planAfter(context: CommandContext<MergeValues>): {
  tasks?: TaskPlan | undefined;
  repair?: Repair | undefined;
} {
  const { output, repair, "data-b": dataB } = context.options;
  if (repair === "per-task") return dataB === undefined ? {} : { tasks: planTasks(context, output, dataB) };
  return { repair: planRepair({ ...context, options: { ...context.options, repair } }) };
}
