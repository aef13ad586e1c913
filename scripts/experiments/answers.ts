/** What networks answer on test images: one by one, and together as an ensemble. */

import { memoryModel, type TensorData } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import type { ReportTable } from "../../src/report/report-page.ts";
import { type Calibration, calibrate, type Evaluation, evaluateLogits } from "../../src/run/metrics.ts";
import { predict } from "../../src/run/tfjs/evaluate.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { nats, percent } from "./barrier-table.ts";
import type { Lab } from "./lab.ts";

/** How good the answers of one model, or of an ensemble, are. */
export interface Answered extends Evaluation {
  readonly name: string;
  readonly calibration: Calibration;
}

interface Said {
  readonly logits: Float32Array;
  readonly classes: number;
}

export async function logitsOf({ signal, onProgress }: Lab, model: Model, data: Dataset): Promise<Said> {
  const network = await createNetwork(model);
  try {
    return await predict(network, data, { signal, onProgress });
  } finally {
    network.dispose();
  }
}

export function judge(name: string, { logits, classes }: Said, { labels }: Dataset): Answered {
  const answers = { logits, classes, labels };
  return { name, ...evaluateLogits(answers), calibration: calibrate(answers) };
}

/** The mean of the logits. */
export function ensembleOf(all: readonly Said[]): Said {
  const { classes, logits: first } = all[0]!;
  const logits = new Float32Array(first.length);
  for (const said of all) for (let i = 0; i < logits.length; i++) logits[i]! += said.logits[i]! / all.length;
  return { classes, logits };
}

/** The mean of models as they are, all of whose tensors are F32. */
export async function plainMean(models: readonly Model[]): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of models[0]!.tensors) {
    const sum = new Float64Array(info.shape.reduce((product, size) => product * size, 1));
    for (const model of models) {
      const values = new Float32Array((await model.read(name)).slice().buffer);
      for (let i = 0; i < sum.length; i++) sum[i]! += values[i]! / models.length;
    }
    tensors.set(name, { ...info, data: new Uint8Array(Float32Array.from(sum).buffer) });
  }
  return memoryModel(tensors, { name: "naive mean" });
}

export function answersTable(caption: string, all: readonly Answered[]): ReportTable {
  return {
    caption,
    header: ["model", "loss (nats)", "accuracy", "calibration error"],
    rows: all.map(({ name, loss, accuracy, calibration }) => [
      name,
      nats(loss),
      percent(accuracy),
      percent(calibration.error),
    ]),
  };
}
