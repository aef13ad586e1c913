/** A plan's matching of two models: by weights, by what units do on images, or by the loss of the midpoint. */

import type { Model } from "../base/model.ts";
import type { ActivationCost } from "../by-data/activation-statistics.ts";
import type { TriedStart } from "../by-data/choose-start.ts";
import type { Dataset } from "../data/dataset.ts";
import { firstImages } from "../data/select.ts";
import { choosePermutations } from "../match/costs/choose-permutations.ts";
import { type Matching, type MatchOptions, type MatchReport, matchWeights } from "../match/match-weights.ts";
import type { Pair } from "../perm/pair.ts";
import { BY_DATA } from "./plan-fields.ts";
import type { PlanSetting } from "./plan-host.ts";
import type { PlannedRepair } from "./repair-by-plan.ts";

/** Images that matching looks at unless the plan states how many: more move few units. */
export const MATCHING_IMAGES = 2000;
/** Images that choose among starts: losses of starts differ by tenths, and this many show hundredths. */
const CHOOSING_IMAGES = 500;

/** A matching and, where several starts were tried, how they did. */
export interface PlanMatching extends Matching {
  readonly report: PlanMatchReport;
}

/** What a matching by a plan did. */
export interface PlanMatchReport extends MatchReport {
  /** Activations and hybrid: the costs, and the images looked at. */
  readonly cost?: ActivationCost | undefined;
  readonly images?: number | undefined;
  /** Straight-through: as in the search's report. */
  readonly steps?: number | undefined;
  readonly keptStep?: number | undefined;
  readonly validation?: number | undefined;
  readonly startLoss?: number | undefined;
  readonly loss?: number | undefined;
  readonly starts?:
    | { readonly chosen: number; readonly images: number; readonly tried: readonly TriedStart[] }
    | undefined;
}

/**
 * Matches B to A as the plan states. Reads no images where none are needed; `repair` is that of the midpoints of
 * starts.
 */
export async function matchByPlan(
  setting: PlanSetting,
  pair: Pair,
  repair: PlannedRepair | undefined,
): Promise<PlanMatching> {
  const { plan, run } = setting;
  const { method = "frank-wolfe", seed = 0, restarts = 0, only, except } = plan.align;
  if (method === "straight-through") return matchByLoss(setting, pair);
  const options: MatchOptions = {
    method: method === "coordinate" ? "coordinate" : "frank-wolfe",
    ...{ seed, restarts, only, except, allowNonfinite: plan.allowNonfinite ?? false },
    ...{ threads: run.threads, memory: run.memory, simd: run.simd, signal: run.signal, onProgress: run.onProgress },
  };
  if (!BY_DATA.includes(method) && (plan.starts ?? 1) === 1) return matchByWeights(setting, pair, options);
  return matchByImages(setting, pair, options, repair);
}

async function matchByWeights({ host }: PlanSetting, pair: Pair, options: MatchOptions): Promise<PlanMatching> {
  const checkpoint = await host.checkpoint?.(options.method!);
  try {
    return await matchWeights(pair.a, pair.b, pair, { ...options, checkpoint });
  } finally {
    await checkpoint?.resume?.close?.();
  }
}

async function matchByImages(
  setting: PlanSetting,
  pair: Pair,
  options: MatchOptions,
  repair: PlannedRepair | undefined,
): Promise<PlanMatching> {
  // Before any work: the peers may be missing.
  const tools = await loadTools(setting, pair.a);
  const data = await matchingImages(setting);
  const { plan, run } = setting;
  choosePermutations(pair.resolved.permutations, options);
  const started = Date.now();
  const seed = options.seed ?? 0;
  const match = await matcherOf(setting, pair, data, options, tools);
  const timed = ({ report, ...found }: PlanMatching): PlanMatching => ({
    ...found,
    report: { ...report, seed, seconds: Math.max(0, Date.now() - started) / 1000 },
  });
  const { starts = 1 } = plan;
  if (starts === 1) return timed(await match({}));
  const few = firstImages(data, CHOOSING_IMAGES);
  const { signal, onProgress, executor } = run;
  const { found, chosen, tried } = await tools.chooseStart<PlanMatching>(pair.a, pair.b, pair, {
    ...{ starts, seed, signal, match },
    repair: repair && midpointRepair(repair, pair),
    evaluate: (model) => tools.evaluateModel(model, few, { signal, onProgress, executor }),
  });
  return timed({ ...found, report: { ...found.report, starts: { chosen, images: few.count, tried } } });
}

type Match = (start: Pick<MatchOptions, "seed" | "perturb">) => Promise<PlanMatching>;

/** The matching as a function of its start; activations are read once for all starts. */
async function matcherOf(
  { plan, run }: PlanSetting,
  pair: Pair,
  data: Dataset,
  options: MatchOptions,
  tools: Tools,
): Promise<Match> {
  const { method = "frank-wolfe", cost = "correlation", share, polish = false } = plan.align;
  const { a, b } = pair;
  if (!BY_DATA.includes(method)) return (start) => matchWeights(a, b, pair, { ...options, ...start });
  const { signal, onProgress, executor, simd } = run;
  const costs = await tools.activationCosts(a, b, pair, data, { cost, signal, onProgress, executor, simd });
  const { method: _, restarts: __, memory: ___, ...shared } = options;
  return (start) => {
    const way = method === "hybrid" ? { share, ...start } : polish ? ({ polish: "descent" } as const) : {};
    return tools.matchActivations(a, b, pair, data, { ...shared, cost, costs, executor, ...way });
  };
}

function midpointRepair(repair: PlannedRepair, pair: Pair) {
  const { a, b } = pair;
  return async (merged: Model, { permutations }: PlanMatching): Promise<Model> => {
    const ofMidpoint = await repair.ofStarts({ a, b, spec: pair, permutations });
    return ofMidpoint === undefined ? merged : (await ofMidpoint(merged, 0.5)).model;
  };
}

/** States what to install, where the peers are missing. */
async function loadTools({ run }: PlanSetting, a: Model) {
  const { executorFor } = await import("../run/models/model-graph.ts");
  await executorFor(a, run.executor);
  const { activationCosts } = await import("../by-data/activation-costs.ts");
  const { matchActivations } = await import("../by-data/match-activations.ts");
  const { chooseStart } = await import("../by-data/choose-start.ts");
  const { evaluateModel } = await import("../run/models/evaluate-model.ts");
  return { activationCosts, matchActivations, chooseStart, evaluateModel };
}

type Tools = Awaited<ReturnType<typeof loadTools>>;

async function matchingImages({ plan, host }: PlanSetting): Promise<Dataset> {
  const { images, split = "train" } = plan.align;
  const data = await host.readImages(plan.data!, split, images);
  return images === undefined ? firstImages(data, MATCHING_IMAGES) : data;
}

/** The straight-through search, by all images of the split or those that the plan states. */
async function matchByLoss(setting: PlanSetting, pair: Pair): Promise<PlanMatching> {
  const { plan, host, run } = setting;
  const { tensorFlowGraph } = await import("../run/tfjs/graph-of-model.ts");
  // An ONNX network that has no gradients needs no other package.
  await tensorFlowGraph(pair.a);
  const { executorOf } = await import("../run/models/default-executor.ts");
  await executorOf(run.executor);
  const { matchStraightThrough } = await import("../by-data/straight-through/straight-through.ts");
  const { seed, steps, batch, learningRate, images, split = "train" } = plan.align;
  const data = await host.readImages(plan.data!, split, images);
  const checkpoint = await host.checkpoint?.("straight-through");
  const { threads, signal, onProgress } = run;
  try {
    return await matchStraightThrough(pair.a, pair.b, pair, data, {
      ...{ steps, batch, learningRate, seed, threads, signal, onProgress, resume: checkpoint?.resume },
      async onValidation(validation) {
        if (checkpoint !== undefined) await checkpoint.save(await validation.checkpoint());
      },
    });
  } finally {
    await checkpoint?.resume?.close?.();
  }
}
