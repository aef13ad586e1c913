/**
 * Solving in order on any executor: every operation of the merged network starts over from the images. Slower than on
 * TensorFlow.js, the same in effect.
 */

import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Graph } from "../../graph/graph.ts";
import { fromTensorFlow, toTensorFlow } from "../../graph/tensor-layout.ts";
import { tensorUses } from "../../graph/tensor-uses.ts";
import { predictRunning } from "../../run/evaluate.ts";
import type { Executor, RunningModel, Value } from "../../run/executor.ts";
import { type BatchOptions, eachImages } from "../../run/image-batches.ts";
import { openRunning } from "../../run/models/running-model.ts";
import type { Stepper } from "../least-squares/stepper.ts";
import { type HostTensors, readHostTensors } from "./tensors.ts";

/** Throws as `openRunning` does. */
export async function stepperOn(
  models: readonly [merged: Model, ...parents: Model[]],
  executor: Executor,
  data: Dataset,
  options: BatchOptions,
): Promise<Stepper> {
  const running = await openAll(models, executor);
  const [{ graph, tensors, network }, ...others] = running as [RunningModel, ...RunningModel[]];
  const host = await readHostTensors(models[0], graph);
  const outputsAt = parentOutputs(others, graph);
  const stored = inTensorFlowLayout(host, tensorUses(graph, models[0]), tensors);
  let changed = false;
  const current = async (): Promise<void> => {
    if (changed) await network.load(host.forExecutor());
    changed = false;
  };
  return {
    name: models[0].name,
    ...{ graph, network, tensors },
    async each(i, withParents, use, onImages) {
      const { inputs, output } = graph.operations[i]!;
      await current();
      await eachImages(data, { ...options, onImages }, async (images, start) => {
        const outputs = withParents ? await outputsAt(start, images, output) : [];
        use(await valueAt(running[0]!, images, inputs[0]!), outputs, images.shape[0]!);
      });
    },
    read: async (tensor) => stored.read(tensor),
    write(tensor, values) {
      stored.write(tensor, values);
      changed = true;
    },
    async predict(which, images, { batch, signal, onImages }) {
      await current();
      return predictRunning(running[which]!, images, { batch, signal, onProgress: ({ done }) => onImages?.(done) });
    },
    toModel: async () => host.toModel(),
    dispose: () => disposeAll(running),
  };
}

/** The tensors of `host` as the equations want them. Copies. */
function inTensorFlowLayout(
  { floats }: HostTensors,
  uses: ReturnType<typeof tensorUses>,
  tensors: RunningModel["tensors"],
): { read(tensor: string): Float32Array; write(tensor: string, values: Float32Array): void } {
  const placeOf = (tensor: string) => [uses.get(tensor)!.layout, tensors.get(tensor)!.shape] as const;
  return {
    read: (tensor) => toTensorFlow(...placeOf(tensor), floats.get(tensor)!),
    write: (tensor, values) => floats.get(tensor)!.set(fromTensorFlow(...placeOf(tensor), values)),
  };
}

async function openAll(models: readonly Model[], executor: Executor): Promise<RunningModel[]> {
  const running: RunningModel[] = [];
  try {
    for (const model of models) running.push(await openRunning(model, executor));
    return running;
  } catch (error) {
    disposeAll(running);
    throw error;
  }
}

function disposeAll(running: readonly RunningModel[]): void {
  for (const { network } of running) network.dispose();
}

/** Bytes of values that may wait. */
const WAITING_BYTES = 2 ** 29;

/**
 * Outputs of the parents at one operation, for the batch that begins with image `start`. Parents do not change, and
 * each operation is asked for once: one run of a batch gives all, and the others wait as far as memory allows.
 */
function parentOutputs(
  parents: readonly RunningModel[],
  { operations }: Graph,
): (start: number, images: Value, value: string) => Promise<Value[]> {
  const linear = operations.filter(({ kind }) => kind.op === "dense" || kind.op === "conv");
  const wanted = linear.map(({ output }) => output);
  const waiting = new Map<number, readonly Map<string, Value>[]>();
  let [used, isFull] = [0, false];
  const run = async (images: Value, values: readonly string[]): Promise<Map<string, Value>[]> => {
    const found: Map<string, Value>[] = [];
    for (const { network } of parents) found.push(await network.run(new Map([["input", images]]), new Set(values)));
    return found;
  };
  return async (start, images, value) => {
    let kept = waiting.get(start);
    if (kept === undefined || !kept.every((values) => values.has(value))) {
      kept = await run(images, isFull ? [value] : wanted.slice(wanted.indexOf(value)));
      const bytes = kept.reduce((sum, values) => sum + bytesOf(values), 0);
      isFull ||= used + bytes > WAITING_BYTES;
      if (!isFull) {
        used += bytes;
        waiting.set(start, kept);
      }
    }
    const outputs = kept.map((values) => values.get(value)!);
    if (waiting.has(start)) {
      for (const values of kept) values.delete(value);
      used -= outputs.reduce((sum, { data }) => sum + data.byteLength, 0);
    }
    return outputs;
  };
}

const bytesOf = (values: ReadonlyMap<string, Value>): number =>
  [...values.values()].reduce((sum, { data }) => sum + data.byteLength, 0);

async function valueAt({ network }: RunningModel, images: Value, value: string): Promise<Value> {
  if (value === "input") return images;
  return (await network.run(new Map([["input", images]]), new Set([value]))).get(value)!;
}
