/**
 * Entry `rebasin/by-data`: matching by the activations of units on data (paper, Section 3.1), and choosing among
 * matchings by the loss of their midpoints. Activations may come from anywhere: add them to
 * `createActivationStatistics`. Functions that run models take an `executor`; without one they load TensorFlow.js when
 * they are called, and name the package to install if it is missing.
 *
 * @example
 * import { createActivationStatistics, matchCosts } from "rebasin/by-data";
 * import { createKernels } from "rebasin/kernels";
 * import { detectSpec, openModel, resolveSpec } from "rebasin/node";
 *
 * const model = await openModel("a.safetensors");
 * const statistics = createActivationStatistics(createKernels(), 256);
 * // Rows of 256 numbers each: what both models' units of P0 say to the same images.
 * const rows = Float32Array.from({ length: 1000 * 256 }, () => Math.random());
 * statistics.add(rows, rows, 1000);
 * const costs = new Map([["P0", statistics.finish("correlation")]]);
 * const { permutations } = matchCosts(resolveSpec(await detectSpec(model), model.tensors), costs);
 * console.log(permutations.get("P0")); // the identity: they say the same
 *
 * @module
 */

export { type ActivationCostOptions, activationCosts } from "./by-data/activation-costs.ts";
export {
  type ActivationCost,
  type ActivationStatistics,
  createActivationStatistics,
  type Moments,
} from "./by-data/activation-statistics.ts";
export {
  type ChosenStart,
  chooseStart,
  type FoundBySearch,
  type Start,
  type StartsOptions,
  type TriedStart,
} from "./by-data/choose-start.ts";
export {
  type ActivationMatching,
  type ActivationOptions,
  type ActivationReport,
  matchActivations,
} from "./by-data/match-activations.ts";
export type { Dataset } from "./data/dataset.ts";
export { type CostMatching, type MatchCostsOptions, matchCosts } from "./match/match-costs.ts";
export type { Evaluate, Evaluation } from "./run/evaluate.ts";
export type { Executor, ExecutorOptions, Network, Value } from "./run/executor.ts";
