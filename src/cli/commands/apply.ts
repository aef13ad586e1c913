/** `rebasin apply MODEL PERMS -o OUT` */

import { saveModel } from "../../node/save-model.ts";
import { applyPermutations } from "../../perm/apply.ts";
import { readPermutations } from "../../perm/file.ts";
import { countMoved } from "../../perm/permutation.ts";
import { table } from "../../text-table.ts";
import type { Command } from "../command.ts";
import { checkOutputs, withModels } from "../models.ts";

export const apply: Command = {
  name: "apply",
  summary: "Renumber a model's units by saved permutations; the function stays the same",
  positionals: ["MODEL", "PERMS"],
  required: ["output"],
  options: {
    output: { short: "o", value: "OUT", help: "where to write the aligned model (safetensors)" },
    inverse: { help: "undo: apply, then apply --inverse, gives back every bit" },
    force: { help: "replace an existing output file" },
  },
  examples: [
    "rebasin apply b.safetensors perms.safetensors -o b-aligned.safetensors",
    "rebasin apply b-aligned.safetensors perms.safetensors -o b-again.safetensors --inverse",
  ],
  async run({ values, flags, positionals, signal, onProgress }) {
    const output = values.get("output")!;
    const force = flags.has("force");
    await checkOutputs([output], positionals, force);
    return withModels(positionals, signal, async (model, file) => {
      const { spec, permutations } = await readPermutations(file!, signal);
      const aligned = await applyPermutations(model!, spec, permutations, { inverse: flags.has("inverse") });
      await saveModel(aligned, output, { force, inputs: positionals, signal, onProgress });
      const moved = Object.fromEntries(
        [...permutations].map(([name, p]) => [name, { size: p.length, moved: countMoved(p) }]),
      );
      const rows = Object.entries(moved).map(([name, { size, moved: count }]) => [name, String(size), String(count)]);
      return {
        json: { inverse: flags.has("inverse"), permutations: moved },
        text: [table(["permutation", "size", "moved"], rows), "", `saved      ${output}`].join("\n"),
      };
    });
  },
};
