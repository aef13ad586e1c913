/** `rebasin match A B -o PERMS` */

import { visible } from "../../base/visible.ts";
import type { Split } from "../../node/data-folder.ts";
import { saveSafetensors } from "../../node/save-safetensors.ts";
import { pairOf } from "../../perm/pair.ts";
import { permutationsModel } from "../../perm/permutation-file.ts";
import type { Command } from "../command.ts";
import { MATCH_OPTIONS, matchText, runMatching } from "../matching.ts";
import { MATCH_DATA_OPTIONS } from "../matching-data.ts";
import { checkOutputs, specOption, withModels } from "../models.ts";

export const match: Command = {
  name: "match",
  summary: "Find the permutations that align B to A",
  positionals: ["A", "B"],
  required: ["output"],
  options: {
    output: { short: "o", value: "PERMS", help: "where to write the permutations (safetensors)" },
    ...MATCH_OPTIONS,
    ...MATCH_DATA_OPTIONS,
  },
  examples: [
    "rebasin match a.safetensors b.safetensors -o perms.safetensors",
    "rebasin match a.safetensors b.safetensors -o perms.safetensors --method coordinate --seed 1",
    "rebasin match a.safetensors b.safetensors -o perms.safetensors --method activations --data fashion-mnist",
  ],
  async run(context) {
    const { values, flags, positionals, signal } = context;
    const output = values.get("output")!;
    const force = flags.has("force");
    await checkOutputs([output], positionals, force);
    return withModels(positionals, context, async (a, b) => {
      const { spec } = await specOption(context, a!);
      const pair = pairOf(a!, b!, spec);
      const { permutations, report } = await runMatching(context, pair, values.get("split") as Split);
      const model = await permutationsModel(pair, permutations);
      await saveSafetensors(model, output, { force, inputs: positionals, signal });
      return {
        json: report,
        text: [matchText(report, spec), "", `saved      ${visible(output)}`].join("\n"),
      };
    });
  },
};
