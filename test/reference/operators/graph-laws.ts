/** What must be so of every inferred spec: the function is kept, and nothing that could move stands still. */

import type { Spec } from "../../../src/axes/types.ts";
import type { Rng } from "../../../src/base/rng.ts";
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
