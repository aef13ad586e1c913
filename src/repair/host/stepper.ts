/** Solving in order on any executor: every operation starts over from the images. Slower than on TensorFlow.js, the same in effect. */

import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import { fromTensorFlow, toTensorFlow } from "../../graph/tensor-layout.ts";
import { tensorUses } from "../../graph/tensor-uses.ts";
import { predictRunning } from "../../run/evaluate.ts";
import type { Executor, RunningModel, Value } from "../../run/executor.ts";
import { type BatchOptions, eachImages } from "../../run/image-batches.ts";
import { openRunning } from "../../run/models/running-model.ts";
import type { Stepper } from "../least-squares/stepper.ts";
import { readHostTensors } from "./tensors.ts";

/** Throws as `openRunning` does. */
export async function stepperOn(
  merged: Model,
  parents: readonly Model[],
  executor: Executor,
  data: Dataset,
  options: BatchOptions,
): Promise<Stepper> {
  const running: RunningModel[] = [];
  const dispose = (): void => {
    for (const { network } of running) network.dispose();
  };
  try {
    for (const model of [merged, ...parents]) running.push(await openRunning(model, executor));
  } catch (error) {
    dispose();
    throw error;
  }
  const [{ graph, tensors, network }, ...others] = running as [RunningModel, ...RunningModel[]];
  const host = await readHostTensors(merged, graph);
  const uses = tensorUses(graph, merged);
  const placeOf = (tensor: string) => [uses.get(tensor)!.layout, tensors.get(tensor)!.shape] as const;
  let changed = false;
  const current = async (): Promise<void> => {
    if (changed) await network.load(host.forExecutor());
    changed = false;
  };
  return {
    name: merged.name,
    graph,
    tensors,
    async each(i, withParents, use, onImages) {
      await current();
      const { inputs, output } = graph.operations[i]!;
      await eachImages(data, { ...options, onImages }, async (images) => {
        const x = await valueAt(running[0]!, images, inputs[0]!);
        const outputs: Value[] = [];
        if (withParents) for (const parent of others) outputs.push(await valueAt(parent, images, output));
        use(x, outputs, images.shape[0]!);
      });
    },
    read: async (tensor) => toTensorFlow(...placeOf(tensor), host.floats.get(tensor)!),
    write(tensor, values) {
      host.floats.get(tensor)!.set(fromTensorFlow(...placeOf(tensor), values));
      changed = true;
    },
    async predict(which, images, { batch, signal, onImages }) {
      await current();
      return predictRunning(running[which]!, images, { batch, signal, onProgress: ({ done }) => onImages?.(done) });
    },
    toModel: async () => host.toModel(),
    dispose,
  };
}

async function valueAt({ network }: RunningModel, images: Value, value: string): Promise<Value> {
  if (value === "input") return images;
  return (await network.run(new Map([["input", images]]), new Set([value]))).get(value)!;
}
