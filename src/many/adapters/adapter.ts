/**
 * LoRA adapters (Hu et al. 2022, arXiv 2106.09685) as task vectors: products of two thin matrices, and tensors
 * saved whole.
 */

import { SpecError } from "../../base/errors.ts";
import type { Model } from "../../base/model.ts";
import { withKernels } from "../../kernels/idle.ts";
import { product, transpose } from "../../merge/blends/matrices.ts";
import { addScaled } from "../../merge/blends/sums.ts";
import { toFloats } from "../../merge/floats.ts";
import { deltaOf, type TaskVector } from "../../merge/task-vector.ts";
import { readKohya } from "./kohya.ts";
import { isLowRank, type LowRank } from "./low-rank.ts";
import { readPeft } from "./peft.ts";

/**
 * True for a file of LoRA factors, by its tensors' names: PEFT's `lora_A`, `lora_B`, or kohya's `lora_down`, `lora_up`.
 *
 * @example
 * isAdapter(await openModel(bytes)); // false for a checkpoint
 */
export function isAdapter({ tensors }: Pick<Model, "tensors">): boolean {
  return [...tensors.keys()].some(isLowRank);
}

/**
 * What a LoRA adapter changes in `base`, lazy: scale · B·A for every pair of factors, and what `modules_to_save` differ
 * by. The scale is α/r, or α/√r with `use_rslora`. Of PEFT, `config` is the object in `adapter_config.json`; kohya's
 * files have an α for each module, which is r where there is none. Closing `delta` closes the adapter and the base.
 *
 * @throws {SpecError} when a tensor of the adapter has no place in the base or another shape, or is of a kind that is
 * not read (DoRA, LoHa, LoKr). Also when PEFT's configuration is missing or asks for what is not supported.
 *
 * @example
 * const task = adapterTask(adapter, base, { r: 8, lora_alpha: 16, peft_type: "LORA" });
 * const model = blendModels([task], { blend: "task_arithmetic", base });
 */
export function adapterTask(adapter: Model, base: Model, config?: object): TaskVector {
  const isKohya = [...adapter.tensors.keys()].some((name) => name.includes(".lora_down."));
  const parts = isKohya ? readKohya(adapter, base) : readPeft(adapter, base, config);
  for (const pair of parts.pairs.values()) checkShapes(adapter, base, pair);
  for (const [tensor, whole] of parts.whole) checkWhole(adapter, base, tensor, whole);
  const read = async (tensor: string, signal: AbortSignal | undefined): Promise<Float64Array | undefined> => {
    const whole = parts.whole.get(tensor);
    if (whole !== undefined) {
      const own = await floatsOf(adapter, whole, signal);
      addScaled(own, await floatsOf(base, tensor, signal), -1);
      return own;
    }
    const pair = parts.pairs.get(tensor);
    return pair && multiply(adapter, pair, await scaleOf(adapter, pair, signal), signal);
  };
  return {
    delta: deltaOf(adapter.name, base, read, async () => {
      await adapter.close?.();
      await base.close?.();
    }),
  };
}

async function floatsOf(model: Model, tensor: string, signal: AbortSignal | undefined): Promise<Float64Array> {
  const bytes = await model.read(tensor, signal);
  return withKernels({}, (kernels) => toFloats(kernels, model.tensors.get(tensor)!.dtype, bytes));
}

/** kohya's α is a tensor. */
async function scaleOf(
  adapter: Model,
  { scale, alpha, rank }: LowRank,
  signal: AbortSignal | undefined,
): Promise<number> {
  return alpha === undefined ? scale : (await floatsOf(adapter, alpha, signal))[0]! / rank;
}

/** scale · B·A, or its transpose. */
async function multiply(
  adapter: Model,
  pair: LowRank,
  scale: number,
  signal: AbortSignal | undefined,
): Promise<Float64Array> {
  const { rank, isTurned } = pair;
  const a = await floatsOf(adapter, pair.a, signal);
  const b = await floatsOf(adapter, pair.b, signal);
  const [inputs, outputs] = [a.length / rank, b.length / rank];
  const turned = transpose(b, outputs, rank);
  const found = isTurned ? product(a, turned, rank, inputs, outputs) : product(turned, a, rank, outputs, inputs);
  for (let e = 0; e < found.length; e++) found[e]! *= scale;
  return found;
}

function checkShapes(adapter: Model, base: Model, { target, a, b, rank, isTurned }: LowRank): void {
  const [shapeA, shapeB] = [a, b].map((name) => adapter.tensors.get(name)!.shape) as [number[], number[]];
  const wanted = base.tensors.get(target)!.shape;
  const made = isTurned ? [...shapeA.slice(1), shapeB[0]!] : [shapeB[0]!, ...shapeA.slice(1)];
  const isThin = shapeB[1] === rank && shapeB.slice(2).every((size) => size === 1);
  if (isThin && made.join() === wanted.join()) return;
  throw new SpecError(
    `${adapter.name}: ${a} is ${JSON.stringify(shapeA)} and ${b} ${JSON.stringify(shapeB)}, expected factors of ${target} ${JSON.stringify(wanted)} of ${base.name}`,
  );
}

function checkWhole(adapter: Model, base: Model, tensor: string, whole: string): void {
  const [got, want] = [adapter.tensors.get(whole)!.shape, base.tensors.get(tensor)!.shape];
  if (got.join() === want.join()) return;
  throw new SpecError(
    `${adapter.name}: ${whole} is ${JSON.stringify(got)}, expected ${JSON.stringify(want)} as ${tensor} of ${base.name}`,
  );
}
