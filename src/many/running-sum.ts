/**
 * The sum of all aligned models, kept up to date while they move one after another. In f64: taking a model out and
 * putting it back leaves no trace that f32 would show.
 */

import type { ResolvedTensor } from "../axes/types.ts";
import { elementCount, type Model } from "../base/model.ts";
import { refuseNonfinite } from "../base/refuse-nonfinite.ts";
import type { Orders } from "../perm/alignment.ts";
import { type ManyModels, votingModel } from "./many-models.ts";

/** A move must gain this share of Σ‖θ‖²: less is rounding of the tensors' own f32 values. */
const RELATIVE_GAIN = 1e-9;

export interface RunningSum {
  /** How each model is aligned now. */
  readonly orders: readonly Orders[];
  /** Σ‖θ‖² over voting tensors. */
  readonly squares: number;
  /** Σ_i<j ⟨π_i(θ_i), π_j(θ_j)⟩ over voting tensors, in f64. */
  objective(): number;
  /** ‖π_i(θ_i) − mean‖ over voting tensors. */
  distance(i: number): Promise<number>;
  /** The mean of all aligned models but number `i`, as a lazy model of F32: each read is a fresh copy. */
  others(i: number): Model;
  /** Model number `i` as it is aligned now, lazy. */
  aligned(i: number): Model;
  /**
   * Aligns model number `i` by `orders` instead, if that raises the objective by more than rounding; returns by how
   * much it did, 0 when nothing was changed.
   */
  move(i: number, orders: Orders): Promise<number>;
}

/**
 * Sums the models under `start`. Takes 8 bytes an element of the voting tensors; the models are read and not kept.
 * Throws `RangeError` naming the first voting tensor with NaN or infinity.
 */
export async function createRunningSum(
  many: ManyModels,
  start: readonly Orders[],
  pause: () => Promise<void>,
): Promise<RunningSum> {
  const orders = [...start];
  const { sums, squares } = await sumModels(many, orders, pause);
  const least = RELATIVE_GAIN * squares;
  const lazy = (name: string, read: (tensor: ResolvedTensor, sum: Float64Array) => Promise<Float32Array>): Model =>
    votingModel(many, name, async (tensor) => read(tensor, sums.get(tensor.name)!));
  const aligned = (i: number, tensor: ResolvedTensor) => many.readAligned(i, tensor, orders[i]!);

  return {
    orders,
    squares,
    objective: () => ([...sums.values()].reduce((total, sum) => total + squareOf(sum), 0) - squares) / 2,
    async distance(i) {
      let total = 0;
      for (const tensor of many.voting) {
        total += squaredDistance(await aligned(i, tensor), sums.get(tensor.name)!, orders.length);
        await pause();
      }
      return Math.sqrt(total);
    },
    others: (i) =>
      lazy("the mean of the other models", async (tensor, sum) =>
        meanWithout(sum, await aligned(i, tensor), orders.length - 1),
      ),
    aligned: (i) => lazy(many.models[i]!.name, (tensor) => aligned(i, tensor)),
    async move(i, next) {
      const gain = await gainOfMove(many, sums, { i, from: orders[i]!, to: next }, pause);
      if (!(gain > least)) return 0;
      for (const tensor of many.voting.filter(({ moves }) => moves))
        replace(sums.get(tensor.name)!, await aligned(i, tensor), await many.readAligned(i, tensor, next));
      orders[i] = next;
      return gain;
    },
  };
}

/** What the objective gains when model `i` is aligned by `to`. */
async function gainOfMove(
  many: ManyModels,
  sums: ReadonlyMap<string, Float64Array>,
  { i, from, to }: { i: number; from: Orders; to: Orders },
  pause: () => Promise<void>,
): Promise<number> {
  let gain = 0;
  for (const tensor of many.voting) {
    if (!tensor.moves) continue;
    const before = await many.readAligned(i, tensor, from);
    gain += gainOf(before, await many.readAligned(i, tensor, to), sums.get(tensor.name)!);
    await pause();
  }
  return gain;
}

/** The sum of each voting tensor by name, and Σ‖θ‖². */
async function sumModels(
  many: ManyModels,
  orders: readonly Orders[],
  pause: () => Promise<void>,
): Promise<{ sums: Map<string, Float64Array>; squares: number }> {
  const sums = new Map<string, Float64Array>();
  let squares = 0;
  for (const tensor of many.voting) {
    const sum = new Float64Array(elementCount(tensor.info.shape));
    for (let i = 0; i < orders.length; i++) {
      const values = await many.readAligned(i, tensor, orders[i]!);
      const square = addSquares(sum, values);
      if (!Number.isFinite(square)) refuseNonfinite(many.models[i]!.name, tensor.name, values);
      squares += square;
      await pause();
    }
    sums.set(tensor.name, sum);
  }
  return { sums, squares };
}

// Loops over arrays outside wasm memory: each value is touched once, so copying it there and back would cost more.

function addSquares(sum: Float64Array, values: Float32Array): number {
  let square = 0;
  for (let e = 0; e < sum.length; e++) {
    const value = values[e]!;
    sum[e]! += value;
    square += value * value;
  }
  return square;
}

function squareOf(sum: Float64Array): number {
  let square = 0;
  for (let e = 0; e < sum.length; e++) square += sum[e]! * sum[e]!;
  return square;
}

function squaredDistance(values: Float32Array, sum: Float64Array, models: number): number {
  let square = 0;
  for (let e = 0; e < sum.length; e++) {
    const difference = values[e]! - sum[e]! / models;
    square += difference * difference;
  }
  return square;
}

function meanWithout(sum: Float64Array, values: Float32Array, others: number): Float32Array {
  const mean = new Float32Array(sum.length);
  for (let e = 0; e < sum.length; e++) mean[e] = (sum[e]! - values[e]!) / others;
  return mean;
}

/** ⟨after − before, sum of the others⟩. */
function gainOf(before: Float32Array, after: Float32Array, sum: Float64Array): number {
  let gain = 0;
  for (let e = 0; e < sum.length; e++) gain += (after[e]! - before[e]!) * (sum[e]! - before[e]!);
  return gain;
}

function replace(sum: Float64Array, before: Float32Array, after: Float32Array): void {
  for (let e = 0; e < sum.length; e++) sum[e]! += after[e]! - before[e]!;
}
