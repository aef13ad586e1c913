/** Models and data sets as plain values, which go from thread to thread, and back. */

import { memoryModel, type TensorData } from "../../base/memory-model.ts";
import type { Model } from "../../base/model.ts";
import { createDataset } from "../../data/create-dataset.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { MeasureJob, MeasureSetup } from "./measure-model.ts";

export interface PlainModel {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, TensorData>;
  /** Adds what tensors do not show of the network. */
  readonly metadata: ReadonlyMap<string, string>;
}

export type PlainImages = Pick<Dataset, "name" | "height" | "width" | "channels" | "classes" | "labels"> & {
  readonly pixels: Float32Array;
};

/** What a thread is started with. */
export interface PlainSetup extends Pick<MeasureSetup, "batch"> {
  readonly splits: ReadonlyMap<string, PlainImages>;
  readonly parents: readonly [PlainModel, PlainModel];
  readonly repair?: { readonly settings: object; readonly images: PlainImages } | undefined;
  readonly temper?: PlainImages | undefined;
}

export type PlainJob = Omit<MeasureJob, "model"> & { readonly model: PlainModel };

export async function plainModel(model: Model): Promise<PlainModel> {
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of model.tensors)
    tensors.set(name, { dtype: info.dtype, shape: info.shape, data: await model.read(name) });
  return { name: model.name, tensors, metadata: model.metadata };
}

export const modelOf = ({ name, tensors, metadata }: PlainModel): Model => memoryModel(tensors, { name, metadata });

/** A copy that is read once, and blended many times. */
export const inMemoryModel = async (model: Model): Promise<Model> => ({
  ...modelOf(await plainModel(model)),
  origin: model.origin,
});

/** All images as floats in memory that threads share: they are not copied for each. */
function plainImages(data: Dataset): PlainImages {
  const { name, height, width, channels, classes, labels, count } = data;
  const pixels = new Float32Array(new SharedArrayBuffer(4 * count * height * width * channels));
  const step = 1000;
  for (let from = 0; from < count; from += step) {
    const images = data.read(from, Math.min(count, from + step));
    pixels.set(images, from * height * width * channels);
  }
  return { name, height, width, channels, classes, labels, pixels };
}

const imagesOf = (plain: PlainImages): Dataset => createDataset(plain);

export async function plainSetup({
  batch,
  splits,
  parents: [a, b],
  repair,
  temper,
}: MeasureSetup): Promise<PlainSetup> {
  const kept = new Map<Dataset, PlainImages>();
  const plain = (data: Dataset): PlainImages => {
    const found = kept.get(data) ?? plainImages(data);
    kept.set(data, found);
    return found;
  };
  return {
    batch,
    splits: new Map([...splits].map(([name, data]) => [name, plain(data)])),
    parents: [await plainModel(a), await plainModel(b)],
    repair: repair && { settings: repair.settings, images: plain(repair.images) },
    temper: temper && plain(temper),
  };
}

export function setupOf({ batch, splits, parents: [a, b], repair, temper }: PlainSetup): MeasureSetup {
  return {
    batch,
    splits: new Map([...splits].map(([name, images]) => [name, imagesOf(images)])),
    parents: [modelOf(a), modelOf(b)],
    repair: repair && {
      settings: repair.settings as NonNullable<MeasureSetup["repair"]>["settings"],
      images: imagesOf(repair.images),
    },
    temper: temper && imagesOf(temper),
  };
}
