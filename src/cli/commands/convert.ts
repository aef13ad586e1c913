/** `rebasin convert IN OUT` */

import { visible } from "../../base/visible.ts";
import type { Command } from "../command.ts";
import { INPUT_OPTIONS, type InputValues, withModels } from "../models.ts";
import { UsageError } from "../option.ts";
import { checkOutput, FOLDER_OPTIONS, type FolderValues, forceOption, openOutput } from "../output.ts";

interface ConvertValues extends FolderValues, InputValues {
  readonly force: boolean;
}

export const convert: Command<ConvertValues> = {
  positionals: ["IN", "OUT"],
  options: {
    ...FOLDER_OPTIONS,
    ...INPUT_OPTIONS,
    force: forceOption("replace an existing output file"),
  },
  examples: [
    "rebasin convert model.pt model.safetensors",
    "rebasin convert checkpoint.ckpt model.safetensors --key state_dict",
    "rebasin convert hf:org/name model.safetensors",
    "cat model.pt | rebasin convert - - --format safetensors > model.safetensors",
    "rebasin convert model.safetensors shards/ --shard-size 2GB",
  ],
  async run(words) {
    const [input, output] = words.positionals as [string, string];
    if (output === "") throw new UsageError("convert got an empty OUT, expected a path");
    const context = { ...words, positionals: [input], options: { ...words.options, output } };
    await checkOutput(context);
    return withModels([input], context, async (model) => {
      const target = await openOutput(context, model!);
      const lines = [`converted  ${visible(target.json.path)}`, ...(await target.save(model!))];
      const json = { input, output: target.json, tensors: model!.tensors.size };
      return { json, text: lines.join("\n") };
    });
  },
};
