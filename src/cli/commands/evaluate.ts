/** `rebasin evaluate MODEL --data DIR` */

import type { Model } from "../../base/model.ts";
import { visible } from "../../base/visible.ts";
import type { Split } from "../../node/data-folder.ts";
import type { Command } from "../command.ts";
import { BATCH_OPTION, DATA_OPTIONS, type DataValues, readSplit, splitOption } from "../image-data.ts";
import { chanceHints, checkLabelsFit, hintLines } from "../measured.ts";
import { DETECT_OPTIONS, type DetectValues, INPUT_OPTIONS, type InputValues, runnable, withModels } from "../models.ts";
import { required } from "../option.ts";
import { checkRuntime } from "../runtimes.ts";

interface EvaluateValues extends DataValues, InputValues, DetectValues {
  readonly data: string;
  readonly split: Split;
  readonly batch: number;
}

export const evaluate: Command<EvaluateValues> = {
  positionals: ["MODEL"],
  options: {
    ...DATA_OPTIONS,
    data: required(DATA_OPTIONS.data),
    split: splitOption("test"),
    batch: BATCH_OPTION,
    ...INPUT_OPTIONS,
    ...DETECT_OPTIONS,
  },
  examples: [
    "rebasin evaluate merged.safetensors --data fashion-mnist",
    "rebasin evaluate model.pt --data cifar-10 --mean 0.4914,0.4822,0.4465 --std 0.247,0.2435,0.2616 --json",
  ],
  async run(context) {
    const { positionals, signal, onProgress } = context;
    const { split, batch } = context.options;
    await checkRuntime(positionals);
    const { scoreModel } = await import("../../run/models/score-model.ts");
    const data = await readSplit(context, split);
    return withModels(positionals, context, async (opened) => {
      const [model] = runnable(context, [opened!]) as [Model];
      await checkLabelsFit([model], [data]);
      const { loss, accuracy, calibration } = await scoreModel(model, data, { batch, signal, onProgress });
      const hints = chanceHints([{ name: "it", accuracy }], data, split);
      const json = { model: positionals[0], split, images: data.count, loss, accuracy, ece: calibration.error };
      const { graphOf } = await import("../../run/models/model-graph.ts");
      const { assumptions = [] } = await graphOf(model);
      const lines = [
        `model      ${visible(positionals[0]!)}`,
        ...assumptions.map((line, i) => `${(i === 0 ? "assumes" : "").padEnd(10)} ${visible(line)}`),
        `images     ${data.count} ${split}`,
        `loss       ${loss.toFixed(4)}`,
        `accuracy   ${accuracy.toFixed(4)}`,
        `ece        ${calibration.error.toFixed(4)}, the expected calibration error`,
        ...hintLines(hints),
      ];
      return { json: hints.length === 0 ? json : { ...json, hints }, text: lines.join("\n") };
    });
  },
};
