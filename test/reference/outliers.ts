/**
 * Perceptrons with one weight far above the others, and what a matching of two of them must be: checked in f64 by loops over
 * the layers and a plain Hungarian method, slow and obvious.
 */

import { parseSpec } from "../../src/axes/spec-file.ts";
import type { Spec } from "../../src/axes/types.ts";
import type { Dtype } from "../../src/base/dtype.ts";
import { memoryModel } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng, type Rng } from "../../src/base/rng.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import { gaussian } from "./random.ts";

/** Values by layer: `weights[l]` is [sizes[l + 1], sizes[l]] row-major. */
interface Perceptron {
  readonly sizes: readonly number[];
  readonly weights: readonly Float64Array[];
  readonly biases: readonly Float64Array[];
}

export type OutlierDtype = "F32" | "BF16" | "F64";

function draw(sizes: readonly number[], rng: Rng, scale: number, round: (value: number) => number): Perceptron {
  const fill = (count: number): Float64Array =>
    Float64Array.from({ length: count }, () => round(scale * gaussian(rng)));
  const layers = sizes.slice(1);
  return {
    sizes,
    weights: layers.map((size, l) => fill(size * sizes[l]!)),
    biases: layers.map((size) => fill(size)),
  };
}

const BITS = new DataView(new ArrayBuffer(4));

/** The nearest value below in size that the dtype holds: which one is of no matter here. */
function rounding(dtype: OutlierDtype): (value: number) => number {
  if (dtype === "F64") return (value) => value;
  if (dtype === "F32") return Math.fround;
  return (value) => {
    BITS.setFloat32(0, value);
    BITS.setUint16(2, 0);
    return BITS.getFloat32(0);
  };
}

function encode(values: Float64Array, dtype: OutlierDtype): Uint8Array {
  if (dtype === "F64") return new Uint8Array(values.slice().buffer);
  const singles = new Uint8Array(Float32Array.from(values).buffer);
  return dtype === "F32" ? singles : singles.filter((_, at) => at % 4 >= 2);
}

export function perceptronModel({ sizes, weights, biases }: Perceptron, dtype: OutlierDtype, name: string): Model {
  const tensors = new Map<string, { dtype: Dtype; shape: number[]; data: Uint8Array }>();
  weights.forEach((values, l) => {
    tensors.set(`fc${l}.weight`, { dtype, shape: [sizes[l + 1]!, sizes[l]!], data: encode(values, dtype) });
    tensors.set(`fc${l}.bias`, { dtype, shape: [sizes[l + 1]!], data: encode(biases[l]!, dtype) });
  });
  return memoryModel(tensors, { name });
}

export function perceptronSpec(sizes: readonly number[]): Spec {
  const axis = (l: number): string => (l === 0 || l === sizes.length - 1 ? String(sizes[l]) : `P${l}`);
  const tensors: Record<string, { axes: string[] }> = {};
  for (let l = 0; l + 1 < sizes.length; l++) {
    tensors[`fc${l}.weight`] = { axes: [axis(l + 1), axis(l)] };
    tensors[`fc${l}.bias`] = { axes: [axis(l + 1)] };
  }
  return parseSpec({ format: "rebasin-spec/1", tensors });
}

export interface OutlierPair {
  readonly a: Perceptron;
  readonly b: Perceptron;
  readonly dtype: OutlierDtype;
  readonly method: "frank-wolfe" | "coordinate";
}

/** Pair number `seed`: dtype, sizes, method, and where the outliers stand (in one model, in both, at one place or two). */
export function drawPair(seed: number, outlier = 1e20, scale = 0.1): OutlierPair {
  const rng = createRng(seed);
  const below = (n: number): number => Math.floor(rng.uniform() * n);
  const dtype = (["F32", "BF16", "F64"] as const)[below(3)]!;
  const sizes = [1 + below(6), ...Array.from({ length: 1 + below(2) }, () => 2 + below(14)), 1 + below(4)];
  const round = rounding(dtype);
  const [a, b] = [draw(sizes, rng, scale, round), draw(sizes, rng, scale, round)];
  const place = (): readonly [list: "weights" | "biases", l: number, at: number] => {
    const list = below(3) === 0 ? "biases" : "weights";
    const l = below(sizes.length - 1);
    return [list, l, below(a[list][l]!.length)];
  };
  const put = (model: Perceptron, [list, l, at]: ReturnType<typeof place>): void => {
    model[list][l]![at] = round(below(2) === 0 ? outlier : -outlier);
  };
  const where = place();
  const kind = below(4);
  if (kind !== 1) put(a, where);
  if (kind !== 0) put(b, kind === 2 ? where : place());
  return { a, b, dtype, method: below(2) === 0 ? "frank-wolfe" : "coordinate" };
}

type Orders = readonly (Int32Array | null)[];

const unit = (orders: Orders, l: number, i: number): number => orders[l]?.[i] ?? i;

/** Σ ⟨A, π(B)⟩ and Σ of what is added, by size; `orders[l]` renumbers the units of layer l. */
function objective({ a, b }: OutlierPair, orders: Orders): { value: number; size: number } {
  let [value, size] = [0, 0];
  const add = (x: number): void => {
    value += x;
    size += Math.abs(x);
  };
  const { sizes } = a;
  for (let l = 0; l + 1 < sizes.length; l++)
    for (let o = 0; o < sizes[l + 1]!; o++) {
      const from = unit(orders, l + 1, o);
      add(a.biases[l]![o]! * b.biases[l]![from]!);
      for (let i = 0; i < sizes[l]!; i++)
        add(a.weights[l]![o * sizes[l]! + i]! * b.weights[l]![from * sizes[l]! + unit(orders, l, i)]!);
    }
  return { value, size };
}

/** What each pair of a slot and a unit of hidden layer l adds with the other layers held. */
function costsOf({ a, b }: OutlierPair, orders: Orders, l: number): Float64Array {
  const { sizes } = a;
  const n = sizes[l]!;
  const costs = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let sum = a.biases[l - 1]![i]! * b.biases[l - 1]![j]!;
      for (let k = 0; k < sizes[l - 1]!; k++)
        sum +=
          a.weights[l - 1]![i * sizes[l - 1]! + k]! * b.weights[l - 1]![j * sizes[l - 1]! + unit(orders, l - 1, k)]!;
      for (let o = 0; o < sizes[l + 1]!; o++)
        sum += a.weights[l]![o * n + i]! * b.weights[l]![unit(orders, l + 1, o) * n + j]!;
      costs[i * n + j] = sum;
    }
  return costs;
}

/** The greatest total over assignments: Hungarian method by rows, O(n³) in f64. */
export function greatestTotal(costs: Float64Array, n: number): number {
  const u = new Float64Array(n + 1);
  const v = new Float64Array(n + 1);
  const rowOf = new Int32Array(n + 1);
  const way = new Int32Array(n + 1);
  for (let i = 1; i <= n; i++) {
    rowOf[0] = i;
    let j0 = 0;
    const least = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
    const used = new Array<boolean>(n + 1).fill(false);
    do {
      used[j0] = true;
      const i0 = rowOf[j0]!;
      let [delta, j1] = [Number.POSITIVE_INFINITY, 0];
      for (let j = 1; j <= n; j++) {
        if (used[j]) continue;
        const reduced = -costs[(i0 - 1) * n + j - 1]! - u[i0]! - v[j]!;
        if (reduced < least[j]!) [least[j], way[j]] = [reduced, j0];
        if (least[j]! < delta) [delta, j1] = [least[j]!, j];
      }
      for (let j = 0; j <= n; j++) {
        if (used[j]) {
          u[rowOf[j]!]! += delta;
          v[j]! -= delta;
        } else least[j]! -= delta;
      }
      j0 = j1;
    } while (rowOf[j0] !== 0);
    do {
      const j1 = way[j0]!;
      rowOf[j0] = rowOf[j1]!;
      j0 = j1;
    } while (j0 !== 0);
  }
  let total = 0;
  for (let j = 1; j <= n; j++) total += costs[(rowOf[j]! - 1) * n + j - 1]!;
  return total;
}

/** Share of the objective that a matching may be off. */
const SHARE = 1e-6;

/**
 * Matches the pair and throws unless the permutations are permutations, the objective reported is theirs, and no hidden
 * layer with the others held could be worth more: with one hidden layer, that is the optimum. Resolves to the objective, or
 * to the message where the pair was refused with a `RangeError` that names a tensor and a permutation.
 */
export async function checkPair(pair: OutlierPair): Promise<number | string> {
  const { a, b, dtype, method } = pair;
  const { sizes } = a;
  const models = [perceptronModel(a, dtype, "a"), perceptronModel(b, dtype, "b")] as const;
  let found: Awaited<ReturnType<typeof matchWeights>>;
  try {
    found = await matchWeights(...models, perceptronSpec(sizes), { method });
  } catch (error) {
    if (error instanceof RangeError && /fc\d\.(weight|bias).* P\d/.test(error.message)) return error.message;
    throw error;
  }
  const orders = sizes.map((_, l) => found.permutations.get(`P${l}`) ?? null);
  orders.forEach((order, l) => {
    if (order === null) return;
    if (order.length !== sizes[l] || new Set(order).size !== sizes[l] || order.some((j) => j < 0 || j >= sizes[l]!))
      throw new Error(`P${l} is ${order}, expected a permutation of ${sizes[l]}`);
  });
  const { value, size } = objective(pair, orders);
  // Sums of the same terms in another order.
  if (!(Math.abs(found.report.objective - value) <= SHARE * Math.abs(value) + 1e-14 * size))
    throw new Error(`objective ${found.report.objective}, expected ${value}`);
  for (let l = 1; l + 1 < sizes.length; l++) {
    const costs = costsOf(pair, orders, l);
    const n = sizes[l]!;
    const own = orders[l]!.reduce((sum, j, i) => sum + costs[i * n + j]!, 0);
    const most = greatestTotal(costs, n);
    if (!(most - own <= SHARE * Math.abs(value) + 1e-14 * size))
      throw new Error(`P${l} is worth ${own} of an objective of ${value}, expected ${most}`);
  }
  return found.report.objective;
}
