/** `rebasin merge A B -o OUT` */

import { visible } from "../../base/visible.ts";
import { mergeModels } from "../../merge/merge-models.ts";
import type { Blend } from "../../merge/methods/blend-tensor.ts";
import type { Split } from "../../node/data-folder.ts";
import { saveSafetensors } from "../../node/save-safetensors.ts";
import { pairOf } from "../../perm/pair.ts";
import { permutationsModel } from "../../perm/permutation-file.ts";
import { matchMetadata } from "../../plan/rebasin.ts";
import { type Command, numberOption } from "../command.ts";
import { MATCH_OPTIONS, matchText, runMatching } from "../matching.ts";
import { MATCH_DATA_OPTIONS } from "../matching-data.ts";
import { specOption, withModels } from "../models.ts";
import { checkModelOutput, FOLDER_OPTIONS, METADATA_OPTION, openOutput, outputOption } from "../output.ts";
import { repairText } from "../repair-text.ts";
import { planRepair, REPAIR_HINT, TEMPERATURE_OPTION } from "../repairing.ts";
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
    permutations: { value: "FILE", help: "also write the permutations found, for rebasin apply" },
    "no-metadata": METADATA_OPTION,
    ...FOLDER_OPTIONS,
    ...MATCH_OPTIONS,
    ...MATCH_DATA_OPTIONS,
    ...MERGE_REPAIR_OPTIONS,
    temperature: TEMPERATURE_OPTION,
  },
  examples: [
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --lambda 0.3 --permutations perms.safetensors",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --spec my-spec.json --json",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --starts 5 --data fashion-mnist --input-size 14",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair least-squares --data fashion-mnist",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair bn-reset --data fashion-mnist",
    "rebasin merge a.safetensors b.safetensors -o merged.safetensors --repair per-task --data digits --data-b clothes",
  ],
  async run(context) {
    const { values, flags, positionals, signal, onProgress } = context;
    const output = values.get("output")!;
    const permutationsFile = values.get("permutations");
    const lambda = numberOption(context, "lambda", { min: 0, max: 1, integer: false })!;
    const force = flags.has("force");
    const tasks = planTasks(context, output);
    const repair = tasks === undefined ? planRepair(context) : undefined;
    const others = [...(permutationsFile === undefined ? [] : [permutationsFile]), ...(tasks?.files ?? [])];
    await checkModelOutput(context, others);
    return withModels(positionals, context, async (a, b) => {
      const target = await openOutput(context, a!);
      const { spec } = await specOption(context, a!);
      const pair = pairOf(a!, b!, spec);
      const { permutations, report } = await runMatching(context, pair, values.get("split") as Split, repair);
      const blended = await mergeModels(a!, b!, pair, permutations, {
        lambda,
        blend: values.get("blend") as Blend,
        allowNonfinite: flags.has("allow-nonfinite"),
        metadata: matchMetadata(report),
      });
      const aligned = { a: a!, b: b!, spec: pair, permutations };
      const repaired = await (await repair?.of(aligned))?.(blended, lambda);
      const merged = repaired?.model ?? blended;
      // Before anything is written: the images may not fit.
      const sides = (await tasks?.find(merged, aligned)) ?? [];
      const save = { force, inputs: positionals, signal, onProgress };
      const written = [`merged     ${visible(output)}`, ...(await target.save(merged))];
      if (permutationsFile !== undefined) {
        await saveSafetensors(await permutationsModel(pair, permutations), permutationsFile, save);
        written.push(`saved      ${visible(permutationsFile)}`);
      }
      for (const { model, file } of sides) await saveSafetensors(model, file, save);
      written.push(...taskLines(sides));
      if (repaired !== undefined) written.unshift(repairText(repaired.report));
      else if (tasks === undefined) written.push(REPAIR_HINT);
      const json = {
        ...report,
        output: target.json,
        repair: repaired?.report,
        tasks: tasks && sides.map(({ model: _, ...side }) => side),
      };
      return { json, text: [matchText(report, spec), "", ...written].join("\n") };
    });
  },
};
