/** `rebasin match A B -o PERMS` */

import { visible } from "../../base/visible.ts";
import { saveSafetensors } from "../../node/save-safetensors.ts";
import { permutationsModel } from "../../perm/permutation-file.ts";
import { alignPair } from "../aligned-pair.ts";
import { alignmentJson, alignmentText } from "../alignment-text.ts";
import { KEEP_OPTION, withBridge } from "../bridging.ts";
import type { Command } from "../command.ts";
import { DASH, shownOutput } from "../dash.ts";
import { MATCH_OPTIONS, type MatchValues } from "../matching.ts";
import { MATCH_DATA_OPTIONS, type MatchDataValues } from "../matching-data.ts";
import { checkOutputs, PREFIX_OPTIONS, type PrefixValues } from "../models.ts";
import { text } from "../option.ts";

interface MatchCommandValues extends MatchValues, PrefixValues, MatchDataValues {
  readonly output: string;
  readonly "keep-a": readonly string[] | undefined;
}

export const match: Command<MatchCommandValues> = {
  positionals: ["A", "B"],
  options: {
    output: text({
      short: "o",
      value: "PERMS",
      help: "where to write the permutations (safetensors); - is stdout",
      group: "output",
      required: true,
    }),
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
    const { positionals, signal } = context;
    const { output, force, split } = context.options;
    await checkOutputs(output === DASH ? [] : [output], positionals, force);
    return withBridge(context, async (bridge) => {
      const found = await alignPair(context, bridge, undefined, { split });
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
