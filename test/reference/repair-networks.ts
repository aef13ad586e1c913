/** What tests of repairs do to networks: change their tensors, run them, compare what comes out. */

import { memoryModel, type TensorData } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { createDataset } from "../../src/data/create-dataset.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { predict } from "../../src/run/tfjs/evaluate.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { gaussianArray } from "./random.ts";

export type Shape = readonly [height: number, width: number, channels: number];

export function noise(count: number, [height, width, channels]: Shape, seed = 3): Dataset {
  const pixels = gaussianArray(count * height * width * channels, createRng(seed));
  return createDataset({ name: "noise", height, width, channels, pixels, labels: new Uint8Array(count), classes: 2 });
}

export async function edited(model: Model, edit: (name: string, values: Float32Array) => void): Promise<Model> {
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of model.tensors) {
    const values = new Float32Array((await model.read(name)).slice().buffer);
    edit(name, values);
    tensors.set(name, { ...info, data: new Uint8Array(values.buffer) });
  }
  return memoryModel(tensors, { name: model.name });
}

export async function logitsOf(model: Model, data: Dataset): Promise<Float32Array> {
  const network = await createNetwork(model);
  try {
    return (await predict(network, data)).logits;
  } finally {
    network.dispose();
  }
}

/** ‖x − y‖ / ‖y‖ */
export function distance(x: Float32Array, y: Float32Array): number {
  const squares = (at: (i: number) => number): number => x.reduce((sum, _, i) => sum + at(i) ** 2, 0);
  return Math.sqrt(squares((i) => x[i]! - y[i]!) / squares((i) => y[i]!));
}
