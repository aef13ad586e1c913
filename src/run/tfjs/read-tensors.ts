/** Moves a model's tensors to TensorFlow.js and back. */

import * as tf from "@tensorflow/tfjs-core";
import { memoryModel, type TensorData } from "../../base/memory-model.ts";
import { elementCount, type Model, type TensorInfo } from "../../base/model.ts";
import { fromTensorFlow, toTensorFlow, toTensorFlowShape } from "../../graph/tensor-layout.ts";
import type { OperandUse } from "../../graph/tensor-uses.ts";
import { decodeFloats, encodeFloats } from "../../kernels/float-values.ts";
import type { Kernels } from "../../kernels/kernels.ts";

/** A model's contents on both sides. */
export interface TensorContents {
  /** Tensors that the graph reads, in TensorFlow's layout. */
  readonly tensors: ReadonlyMap<string, tf.Tensor>;
  /** Bytes of the others. */
  readonly rest: ReadonlyMap<string, Uint8Array>;
}

/** Reads every tensor once. The caller disposes what comes; nothing stays when reading fails. */
export async function readTensors(
  model: Model,
  uses: ReadonlyMap<string, OperandUse>,
  kernels: Kernels,
): Promise<TensorContents> {
  const tensors = new Map<string, tf.Tensor>();
  const rest = new Map<string, Uint8Array>();
  try {
    for (const [name, { shape, dtype }] of model.tensors) {
      const bytes = await model.read(name);
      const layout = uses.get(name)?.layout;
      if (layout === undefined) {
        rest.set(name, bytes.slice());
        continue;
      }
      const values = decodeFloats(kernels, bytes, dtype, elementCount(shape));
      // Outside of any tidy of the caller's, which would end before an await of ours does.
      const tensor = tf.tensor(toTensorFlow(layout, shape, values), toTensorFlowShape(layout, shape), "float32");
      tensors.set(name, tf.keep(tensor));
    }
  } catch (error) {
    tf.dispose([...tensors.values()]);
    throw error;
  }
  return { tensors, rest };
}

/** A model in memory of tensors as they are now, in the layouts and dtypes of `infos`. A copy. */
export async function writeModel(
  infos: ReadonlyMap<string, TensorInfo>,
  uses: ReadonlyMap<string, OperandUse>,
  kernels: Kernels,
  contents: TensorContents,
  about: Pick<Model, "name" | "metadata">,
): Promise<Model> {
  const data = new Map<string, TensorData>();
  for (const [name, info] of infos) {
    const layout = uses.get(name)?.layout;
    if (layout === undefined) {
      data.set(name, { ...info, data: contents.rest.get(name)!.slice() });
      continue;
    }
    const values = (await contents.tensors.get(name)!.data()) as Float32Array;
    data.set(name, { ...info, data: encodeFloats(kernels, fromTensorFlow(layout, info.shape, values), info.dtype) });
  }
  return memoryModel(data, about);
}
