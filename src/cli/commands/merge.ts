/** `rebasin merge A B -o OUT` */

import { visible } from "../../base/visible.ts";
import { mergeModels } from "../../merge/merge-models.ts";
import type { Blend } from "../../merge/methods/blend-tensor.ts";
import type { Split } from "../../node/data-folder.ts";
import { saveSafetensors } from "../../node/save-safetensors.ts";
import { permutationsModel } from "../../perm/permutation-file.ts";
import { matchMetadata } from "../../plan/rebasin.ts";
import { alignPair, checkPermutationsInput, PERMUTATIONS_OPTION, permutationsInput } from "../aligned-pair.ts";
import { alignmentJson, alignmentText, PERMUTATIONS_OUT_OPTION } from "../alignment-text.ts";
import { DTYPE_OPTION, KEEP_OPTION, PREFIX_OPTIONS, withBridge } from "../bridging.ts";
import { type Command, type CommandContext, numberOption, UsageError } from "../command.ts";
import { MATCH_OPTIONS } from "../matching.ts";
import { MATCH_DATA_OPTIONS } from "../matching-data.ts";
import { checkModelOutput, FOLDER_OPTIONS, METADATA_OPTION, openOutput, outputOption } from "../output.ts";
import { repairText } from "../repair-text.ts";
import { planRepair, repairHint, TEMPERATURE_OPTION } from "../repairing.ts";
import { MERGE_REPAIR_OPTIONS, planTasks, taskLines } from "../repairing-tasks.ts";

export const merge: Command = {
  name: "merge",
  summary: "Align B to A and write their merge",
  positionals: ["A", "B"],
  required: ["output"],
  options: {
    output: outputOption("the merged model"),
    lambda: { value: "X", help: "share of B: 0 is A, 1 is the aligned B", default: "0.5" },
    blend: {
      value: "BLEND",
      help: "on the line between the models, or on the arc",
      choices: ["lerp", "slerp"],
      default: "lerp",
    },
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
    const { values, flags, positionals, signal, onProgress } = context;
    const permutationsFile = values.get("permutations-out");
    const lambda = numberOption(context, "lambda", { min: 0, max: 1, integer: false })!;
    const force = flags.has("force");
    const tasks = planTasks(context, values.get("output")!);
    const repair = tasks === undefined ? planRepair(context) : undefined;
    const others = [...(permutationsFile === undefined ? [] : [permutationsFile]), ...(tasks?.files ?? [])];
    const files = permutationsInput(context);
    const inputs = [...positionals, ...files];
    checkKeeping(context, repair !== undefined || tasks !== undefined);
    await checkPermutationsInput(context);
    await checkModelOutput(context, others, inputs);
    return withBridge(
      context,
      async (bridge, saved) => {
        const target = await openOutput(context, bridge.restore(bridge.models[0]!), inputs);
        const split = values.get("split") as Split;
        const { alignment, ...aligned } = await alignPair(context, bridge, saved, { split, repair });
        const { a, b, spec: pair, permutations } = aligned;
        const blended = await mergeModels(a, b, pair, permutations, {
          lambda,
          blend: values.get("blend") as Blend,
          allowNonfinite: flags.has("allow-nonfinite"),
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

/** What runs B cannot run it with parts of A. */
function checkKeeping({ values }: CommandContext, repairs: boolean): void {
  if (!values.has("keep-a")) return;
  const byData = repairs || values.has("data");
  if (byData) throw new UsageError("--keep-a is for matching by weights alone, expected no --data and no --repair");
}
