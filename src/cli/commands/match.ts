/** `rebasin match A B -o PERMS` */

import { visible } from "../../base/visible.ts";
import type { Split } from "../../node/data-folder.ts";
import { saveSafetensors } from "../../node/save-safetensors.ts";
import { permutationsModel } from "../../perm/permutation-file.ts";
import { alignPair } from "../aligned-pair.ts";
import { alignmentJson, alignmentText } from "../alignment-text.ts";
import { KEEP_OPTION, PREFIX_OPTIONS, withBridge } from "../bridging.ts";
import type { Command } from "../command.ts";
import { DASH, shownOutput } from "../dash.ts";
import { MATCH_OPTIONS } from "../matching.ts";
import { MATCH_DATA_OPTIONS } from "../matching-data.ts";
import { checkOutputs } from "../models.ts";

export const match: Command = {
  name: "match",
  summary: "Find the permutations that align B to A",
  positionals: ["A", "B"],
  required: ["output"],
  options: {
    output: {
      short: "o",
      value: "PERMS",
      help: "where to write the permutations (safetensors); - is stdout",
      group: "output",
    },
    ...MATCH_OPTIONS,
    ...PREFIX_OPTIONS,
    "keep-a": KEEP_OPTION,
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
    await checkOutputs(output === DASH ? [] : [output], positionals, force);
    return withBridge(context, async (bridge) => {
      const found = await alignPair(context, bridge, undefined, { split: values.get("split") as Split });
      const model = await permutationsModel(found.spec, found.permutations);
      const path = output === DASH ? context.stdoutFile() : output;
      await saveSafetensors(model, path, { force, inputs: positionals, signal });
      const { alignment, spec } = found;
      return {
        json: alignmentJson(alignment, spec.spec),
        text: [alignmentText(alignment, spec.spec), "", `saved      ${visible(shownOutput(output))}`].join("\n"),
      };
    });
  },
};
