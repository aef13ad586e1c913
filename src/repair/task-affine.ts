/**
 * A scale and shift of each channel for each task, beside one merged model: its activations on a task's data get the
 * statistics of that task's expert (Sharma et al. 2024, "Non-Local Model Merging Problem").
 */

import { FormatError } from "../base/errors.ts";
import { memoryModel, type TensorData } from "../base/memory-model.ts";
import type { Model } from "../base/model.ts";
import { checkOptions } from "../base/options.ts";
import type { OnProgress } from "../base/progress.ts";
import type { Dataset } from "../data/dataset.ts";
import { requireSameTensors } from "../perm/same-tensors.ts";
import { checkData } from "../run/check-data.ts";
import { createNetwork } from "../run/tfjs/network.ts";
import { foldAffine } from "./fold.ts";
import { type RepairAt, repairPlaces } from "./places.ts";
import { openForRepair } from "./repair-model.ts";
import { repairInOrder } from "./repair-places.ts";
import { channelStatistics } from "./statistics.ts";
import { isTaskAffine, TASK_AFFINE } from "./task-file.ts";

/** Options of `taskAffine`. */
export interface TaskAffineOptions {
  /** What the task is called in the side file. */
  readonly task: string;
  /** Which values are scaled and shifted. Default "linear". */
  readonly at?: RepairAt;
  /** Also shift what has no bias; applying then adds one. Default false: such a value is scaled alone. */
  readonly addBias?: boolean;
  /** Images at a time. Default 250. */
  readonly batch?: number;
  readonly signal?: AbortSignal | undefined;
  /** Stage `repair`, in images over all passes. */
  readonly onProgress?: OnProgress | undefined;
}

const OPTIONS = [
  "task",
  "at",
  "addBias",
  "batch",
  "signal",
  "onProgress",
] as const satisfies readonly (keyof TaskAffineOptions)[];

/**
 * Finds, value by value, what brings the merged model's means and standard deviations on a task's images to those of the
 * task's expert, which must be numbered as the merged model is. A model of F32 tensors `VALUE.scale` and `VALUE.shift`,
 * to be written beside the merged one, with the task in `rebasin.task` of its metadata. Throws as `repairModel` does.
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
  const { task, at = "linear", addBias = false, batch = 250, signal, onProgress } = options;
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch ${batch}, expected a positive integer`);
  if (data.count === 1) throw new RangeError(`${data.name} has 1 image, expected at least 2 for statistics`);
  requireSameTensors(merged, expert);
  const teacher = await createNetwork(expert);
  const { network } = await openForRepair(merged, at, addBias, signal);
  try {
    checkData(teacher, data, { labels: false });
    const places = repairPlaces(network.graph, at);
    const total = (places.length + 1) * data.count;
    let before = 0;
    const onImages = (done: number): void => onProgress?.({ stage: "repair", done: before + done, total });
    const batches = { batch, signal, onImages };
    const values = places.map(({ value }) => value);
    const targets = await channelStatistics(teacher, data, values, batches);
    before = data.count;
    const repaired = await repairInOrder(network, data, places, targets, { ...batches, kind: "repair" });
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
      ["rebasin.images", String(data.count)],
    ]);
    return memoryModel(tensors, { name: `${task} of ${merged.name}`, metadata });
  } finally {
    teacher.dispose();
    network.dispose();
  }
}

/**
 * A copy of the merged model for one task: the scales and shifts of its side file folded in, in the merged model's dtypes.
 * Where the file shifts what has no bias, one is added. Throws `FormatError` for a side file that is none or is of
 * another network, and `RangeError` for a network of no known family.
 *
 * @example
 * const model = await applyTaskAffine(merged, await openModel("digits.safetensors"));
 */
export async function applyTaskAffine(merged: Model, side: Model): Promise<Model> {
  if (!isTaskAffine(side))
    throw new FormatError(
      `${side.name} metadata rebasin.kind is ${side.metadata.get("rebasin.kind")}, expected ${TASK_AFFINE}`,
    );
  const at = side.metadata.get("rebasin.at");
  if (at !== "linear" && at !== "norms" && at !== "both")
    throw new FormatError(`${side.name} metadata rebasin.at is ${at}, expected linear, norms or both`);
  const plain = await openForRepair(merged, at, false);
  plain.network.dispose();
  const affines = await readAffines(
    side,
    repairPlaces(plain.network.graph, at).map(({ value }) => value),
  );
  const shifts = repairPlaces(plain.network.graph, at).some(
    ({ value, shifted }) => shifted === undefined && affines.get(value)!.shift.some((each) => each !== 0),
  );
  const { network } = await openForRepair(merged, at, shifts);
  try {
    for (const place of repairPlaces(network.graph, at)) {
      const affine = affines.get(place.value)!;
      const channels = network.variables.get(place.scaled ?? place.shifted ?? "")?.shape.at(-1);
      if (channels !== undefined && channels !== affine.scale.length)
        throw new FormatError(
          `${side.name} tensor ${place.value}.scale has ${affine.scale.length} channels, expected ${channels}`,
        );
      foldAffine(network, place, affine);
    }
    return await network.toModel();
  } finally {
    network.dispose();
  }
}

async function readAffines(
  side: Model,
  values: readonly string[],
): Promise<Map<string, { scale: Float64Array; shift: Float64Array }>> {
  const read = async (name: string): Promise<Float64Array> => {
    const info = side.tensors.get(name);
    if (info?.dtype !== "F32" || info.shape.length !== 1)
      throw new FormatError(
        `${side.name} tensor ${name} is ${info === undefined ? "missing" : "of another kind"}, expected a vector of F32`,
      );
    return Float64Array.from(new Float32Array((await side.read(name)).slice().buffer));
  };
  const affines = new Map<string, { scale: Float64Array; shift: Float64Array }>();
  for (const value of values)
    affines.set(value, { scale: await read(`${value}.scale`), shift: await read(`${value}.shift`) });
  if (side.tensors.size !== 2 * values.length)
    throw new FormatError(
      `${side.name} has ${side.tensors.size} tensors, expected ${2 * values.length}: one scale and one shift for each value`,
    );
  return affines;
}
