/**
 * Entry `rebasin/repair`: statistics of a merged network set right by images (REPAIR, Jordan et al. 2023), and side
 * files that fit a merged network to one task. Functions that run models take an `executor`; without one they load
 * TensorFlow.js when they are called, and name the package to install if it is missing.
 *
 * @example
 * import { applyPermutations, detectSpec, matchWeights, mergeModels, openModel, readDataFolder } from "rebasin/node";
 * import { repairModel } from "rebasin/repair";
 *
 * const [a, b] = [await openModel("a.safetensors"), await openModel("b.safetensors")];
 * const spec = await detectSpec(a);
 * const { permutations } = await matchWeights(a, b, spec);
 * const merged = await mergeModels(a, b, spec, permutations);
 * const alignedB = await applyPermutations(b, spec, permutations);
 * const images = await readDataFolder("fashion-mnist", { split: "test", limit: 500 });
 * const { model, report } = await repairModel(merged, [a, alignedB], images, { kind: "least-squares" });
 * console.log(report.operations.length, "operations solved,", model.metadata.get("rebasin.repair"));
 *
 * @module
 */

export type { Dataset } from "./data/dataset.ts";
export { applyTaskAffine } from "./repair/apply-task-affine.ts";
export { findGuessing, type Guessing } from "./repair/check-parents.ts";
export { type GramOptions, inputGrams } from "./repair/input-grams.ts";
export type { Need } from "./repair/least-squares/need.ts";
export type { SolvedOperation } from "./repair/least-squares/solve-in-order.ts";
export type { RepairOptions } from "./repair/options.ts";
export type { RepairAt } from "./repair/places.ts";
export { type PairRepair, pairRepair, repairModel } from "./repair/repair-model.ts";
export type { AffineKind } from "./repair/repair-places.ts";
export type { RepairedModel, RepairedValue, RepairKind, RepairReport } from "./repair/report.ts";
export { type TaskAffineOptions, taskAffine } from "./repair/task-affine.ts";
export { isTaskAffine } from "./repair/task-file.ts";
export type { Executor, ExecutorOptions, Network, Value } from "./run/executor.ts";
