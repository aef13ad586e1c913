/**
 * A scale and shift of each channel for each task, beside one merged model. Its activations on a task's data get the
 * statistics of that task's expert (Sharma et al. 2024, "Non-Local Model Merging Problem").
 */

import { memoryModel, type TensorData } from "../base/memory-model.ts";
import type { Model } from "../base/model.ts";
import { checkOptions, type OptionKinds, RUNNING, type Running } from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";
import { checkData } from "../run/check-data.ts";
import type { ExecutorOptions } from "../run/executor.ts";
import { openForRepair, openRepairable } from "./open-repairable.ts";
import { type RepairAt, repairPlaces } from "./places.ts";
import { type RepairedPlace, repairInOrder } from "./repair-places.ts";
import type { Repairable } from "./repairable.ts";
import { TASK_AFFINE } from "./task-file.ts";

/** Options of `taskAffine`. Progress is of stage `repair`, in images over all passes. */
export interface TaskAffineOptions extends Running, ExecutorOptions {
  /** What the task is called in the side file. */
  readonly task: string;
  /** Which values are scaled and shifted. Default "linear". */
  readonly at?: RepairAt | undefined;
  /** Also shift what has no bias; applying then adds one. Default false: such a value is scaled alone. */
  readonly addBias?: boolean | undefined;
  /** Images at a time. Default 250. */
  readonly batch?: number | undefined;
}

const OPTIONS: OptionKinds<TaskAffineOptions> = {
  task: "string",
  at: "string",
  addBias: "boolean",
  batch: "number",
  executor: "object",
  ...RUNNING,
};

/**
 * Finds, value by value, what brings the merged model's means and standard deviations on a task's images to those of
 * the task's expert. The expert must be numbered as the merged model is. The result is a model of F32 tensors
 * `VALUE.scale` and `VALUE.shift`, to be written beside the merged one, with the task in `rebasin.task` of its
 * metadata. Throws as `repairModel` does.
 *
 * @example
 * const side = await taskAffine(merged, expert, taskImages, { task: "digits" });
 * const model = await applyTaskAffine(merged, side);
 */
export async function taskAffine(
  merged: Model,
  expert: Model,
  data: Dataset,
  options: TaskAffineOptions,
): Promise<Model> {
  checkOptions("taskAffine", options, OPTIONS);
  const { task, at = "linear", addBias = false, batch = 250, signal, onProgress, executor } = options;
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch ${batch}, expected a positive integer`);
  if (data.count === 1) throw new RangeError(`${data.name} has 1 image, expected at least 2 for statistics`);
  requireSameTensors(merged, expert);
  const opened: Repairable[] = [];
  const open = async (network: Promise<Repairable>): Promise<Repairable> => {
    opened.push(await network);
    return opened.at(-1)!;
  };
  try {
    const teacher = await open(openRepairable(expert, executor));
    const network = await open(openForRepair(merged, { at, addBias, signal, executor }).then((each) => each.network));
    await checkData(teacher, data, { labels: false });
    const places = repairPlaces(network.graph, at);
    const total = (places.length + 1) * data.count;
    let before = 0;
    const onImages = (done: number): void => onProgress?.({ stage: "repair", done: before + done, total });
    const batches = { batch, signal, onImages };
    const values = places.map(({ value }) => value);
    const targets = await teacher.statistics(data, values, batches);
    before = data.count;
    const repaired = await repairInOrder(network, data, places, targets, { ...batches, kind: "repair" });
    return sideFile(repaired, { name: `${task} of ${merged.name}`, task, at, images: data.count });
  } finally {
    for (const each of opened) each.dispose();
  }
}

interface About {
  readonly name: string;
  readonly task: string;
  readonly at: RepairAt;
  readonly images: number;
}

/** Scale and shift of each place, as a model. */
function sideFile(repaired: readonly RepairedPlace[], { name, task, at, images }: About): Model {
  const tensors = new Map<string, TensorData>();
  for (const { value, affine } of repaired) {
    for (const part of ["scale", "shift"] as const) {
      const floats = Float32Array.from(affine[part]);
      tensors.set(`${value}.${part}`, { dtype: "F32", shape: [floats.length], data: new Uint8Array(floats.buffer) });
    }
  }
  const metadata = new Map([
    ["rebasin.kind", TASK_AFFINE],
    ["rebasin.task", task],
    ["rebasin.at", at],
    ["rebasin.images", String(images)],
  ]);
  return memoryModel(tensors, { name, metadata });
}
