/** What must be so of every inferred spec: the function is kept, and nothing that could move stands still. */

import type { Spec } from "../../../src/axes/types.ts";
import type { Rng } from "../../../src/base/rng.ts";
import type { FrozenAxis } from "../../../src/infer/frozen-axes.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { fromModel, type Tensors, toModel } from "../networks.ts";
import { randomPermutations } from "../plant.ts";
import { gaussian } from "../random.ts";
import { type NdArray, ndArray } from "./arrays.ts";
import type { RandomGraph } from "./random-graph.ts";
import { runGraph } from "./run-graph.ts";

/** An input of gaussian values. */
export function randomInput(shape: readonly number[], rng: Rng): NdArray {
  const count = shape.reduce((product, size) => product * size, 1);
  return ndArray(
    shape,
    Array.from({ length: count }, () => gaussian(rng)),
  );
}

function arraysOf(tensors: Tensors): Map<string, NdArray> {
  return new Map([...tensors].map(([name, { shape, data }]) => [name, ndArray(shape, data)]));
}

/** Elements of each of these values. */
export function valuesOf({ graph }: RandomGraph, tensors: Tensors, input: NdArray, names: string[]): number[][] {
  const outputs = runGraph({ ...graph, outputs: names }, arraysOf(tensors), new Map([["x", input]]));
  return outputs.map(({ data }) => [...data]);
}

/** Outputs of a network with these tensors, in one row. */
export function outputsOf({ graph }: RandomGraph, tensors: Tensors, input: NdArray): number[] {
  return runGraph(graph, arraysOf(tensors), new Map([["x", input]])).flatMap(({ data }) => [...data]);
}

/** Largest difference over the largest element; infinite where one is no number. */
export function deviation(a: readonly number[], b: readonly number[]): number {
  const most = Math.max(...a.map(Math.abs), 1e-30);
  const difference = Math.max(...a.map((each, k) => Math.abs(each - b[k]!)));
  return Number.isFinite(difference) ? difference / most : Number.POSITIVE_INFINITY;
}

/** How far random permutations of every group take the outputs. */
export async function deviationOf(network: RandomGraph, rng: Rng): Promise<{ spec: Spec; off: number }> {
  const model = toModel(network.tensors);
  const { spec } = await inferSpec(network.graph, model);
  const moved = await fromModel(await applyPermutations(model, spec, randomPermutations(spec, model, rng)));
  const input = randomInput(network.input, rng);
  return { spec, off: deviation(outputsOf(network, network.tensors, input), outputsOf(network, moved, input)) };
}

/** An axis of a tensor. */
interface Place {
  readonly tensor: string;
  readonly axis: number;
}

/** A network that runs with any tensors on one input, and the axes that inference froze. */
export interface FrozenNetwork {
  readonly tensors: Tensors;
  readonly frozen: readonly FrozenAxis[];
  /** Outputs that are closer than this, relative to the largest, are the same. */
  readonly tolerance: number;
  run(tensors: Tensors): readonly number[] | Promise<readonly number[]>;
}

/** A tensor with all its elements scaled, or those of one unit of an axis. */
function scaled({ shape, data }: Tensor, axis = 0, unit?: number): Tensor {
  const stride = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const isOf = (at: number): boolean => unit === undefined || Math.floor(at / stride) % shape[axis]! === unit;
  return { shape, data: data.map((each, at) => (isOf(at) ? each * (1.5 + 0.1 * (at % 7)) : each)) };
}

type Tensor = NonNullable<ReturnType<Tensors["get"]>>;

/**
 * Axes that are frozen as wholes although exchanging two units on them, and on at most five other axes of that size, changes nothing.
 * Units that nothing reads do not count.
 */
export async function stuckAxes(network: RandomGraph, rng: Rng, subsets: number): Promise<string[]> {
  const { frozen } = await inferSpec(network.graph, toModel(network.tensors));
  const input = randomInput(network.input, rng);
  const run = (tensors: Tensors): number[] => outputsOf(network, tensors, input);
  return stuckAxesOf({ tensors: network.tensors, frozen, tolerance: 1e-9, run }, rng, subsets);
}

/** The same, of a network on any runtime. */
export async function stuckAxesOf(
  { tensors, frozen, tolerance, run }: FrozenNetwork,
  rng: Rng,
  subsets: number,
): Promise<string[]> {
  const before = await run(tensors);
  const matters = async (tensor: string, axis?: number, unit?: number): Promise<boolean> => {
    const other = scaled(tensors.get(tensor)!, axis, unit);
    return deviation(before, await run(new Map(tensors).set(tensor, other))) > tolerance;
  };
  const read: Tensors = new Map();
  for (const [name, tensor] of tensors) if (await matters(name)) read.set(name, tensor);
  const all = [...read].flatMap(([tensor, { shape }]) => shape.map((size, axis) => ({ tensor, axis, size })));
  const stuck: string[] = [];
  for (const { tensor, axis, from, until } of frozen) {
    const size = tensors.get(tensor)!.shape[axis]!;
    if (from > 0 || until < size || size < 2 || size > 12 || !read.has(tensor)) continue;
    const others = all.filter((each) => each.size === size && !(each.tensor === tensor && each.axis === axis));
    const units: number[] = [];
    for (let unit = 0; unit < size; unit++) if (await matters(tensor, axis, unit)) units.push(unit);
    const [i, ...rest] = units;
    if (i === undefined || rest.length === 0) continue;
    const j = rest[rng.below(rest.length)]!;
    for (const chosen of subsetsOf(others, subsets, rng)) {
      const places = [{ tensor, axis }, ...chosen];
      if (deviation(before, await run(exchanged(tensors, places, i, j))) > tolerance) continue;
      stuck.push(places.map((place) => `${place.tensor} ${place.axis}`).join(" + "));
      break;
    }
  }
  return stuck;
}

/** Subsets of at most five: all of them, or `most` that are drawn. */
function* subsetsOf<T>(list: readonly T[], most: number, rng: Rng): Generator<T[]> {
  if (list.length <= 16 && 2 ** list.length <= most) {
    for (let bits = 0; bits < 2 ** list.length; bits++) {
      const chosen = list.filter((_, at) => ((bits >> at) & 1) === 1);
      if (chosen.length <= 5) yield chosen;
    }
    return;
  }
  yield [];
  for (const each of list) yield [each];
  for (let count = 0; count < most; count++) {
    const chosen = new Set<T>();
    for (let left = 2 + rng.below(4); left > 0; left--) chosen.add(list[rng.below(list.length)]!);
    yield [...chosen];
  }
}

/** The tensors with units i and j exchanged on these axes. */
function exchanged(tensors: Tensors, places: readonly Place[], i: number, j: number): Tensors {
  const moved: Tensors = new Map(tensors);
  for (const { tensor, axis } of places) {
    const { shape, data } = moved.get(tensor)!;
    const stride = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
    const next = data.map((_, at) => {
      const unit = Math.floor(at / stride) % shape[axis]!;
      return data[at + ((unit === i ? j : unit === j ? i : unit) - unit) * stride]!;
    });
    moved.set(tensor, { shape, data: next });
  }
  return moved;
}
