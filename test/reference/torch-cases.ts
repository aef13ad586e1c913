/** One state dict, and what a PyTorch file of it holds. */

import type { Model } from "../../src/base/model.ts";
import { openPytorch } from "../../src/formats/pytorch/open-pytorch.ts";
import { bytesSource } from "../../src/io/byte-source.ts";
import * as p from "./pickle-builder.ts";
import { counting } from "./safetensors-builder.ts";
import { type Storages, storageId, tensor } from "./torch-builder.ts";

export const open = (bytes: Uint8Array, key?: string): Promise<Model> =>
  openPytorch(bytesSource(bytes, "a.pt"), { key });

export const storages: Storages = {
  "0": { bytes: counting(24) },
  "1": { bytes: counting(16), kind: "LongStorage" },
};
export const weight: p.Opcodes = tensor(storageId("0", storages["0"]!), [2, 3]);
export const steps: p.Opcodes = tensor(storageId("1", storages["1"]!), [2]);
export const stateDict: p.Opcodes = p.orderedDict([
  ["fc.weight", weight],
  ["steps", steps],
]);

/** Name → [dtype, shape, bytes] of every tensor. */
export async function contentsOf(model: Model): Promise<[string, string, readonly number[], number[]][]> {
  const all: [string, string, readonly number[], number[]][] = [];
  for (const [name, { dtype, shape }] of model.tensors) all.push([name, dtype, shape, [...(await model.read(name))]]);
  return all;
}
