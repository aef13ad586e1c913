/** Matching with data: the options of `match`, `merge` and whatever else aligns a pair, and running it. */

import type { Model } from "../base/model.ts";
import type { ActivationCost } from "../by-data/activation-statistics.ts";
import type { TriedStart } from "../by-data/choose-start.ts";
import type { Dataset } from "../data/dataset.ts";
import { firstImages } from "../data/select.ts";
import { choosePermutations } from "../match/costs/choose-permutations.ts";
import { type Matching, type MatchOptions, type MatchReport, matchWeights } from "../match/match-weights.ts";
import type { Split } from "../node/data-folder.ts";
import type { Pair } from "../perm/pair.ts";
import type { CommandContext } from "./command.ts";
import { DATA_OPTIONS, type DataValues, readSplit, splitOption } from "./image-data.ts";
import { runStraightThrough, type StraightThroughValues } from "./matching-straight-through.ts";
import { choice, flag, inGroup, integer, list, number, type Options } from "./option.ts";
import type { Repair } from "./repairing.ts";

/** Images that matching looks at unless --limit says otherwise: more move few units. */
const MATCHING_IMAGES = 2000;
/** Images that choose among starts: losses of starts differ by tenths, and this many tell hundredths. */
const CHOOSING_IMAGES = 500;

/** Options on how data take part in a matching; for commands that have data options of their own. */
export interface MatchByDataValues {
  readonly method: MatchingMethod;
  readonly cost: ActivationCost;
  readonly share: number;
  readonly polish: boolean;
  readonly starts: number;
  readonly only: readonly string[] | undefined;
  readonly except: readonly string[] | undefined;
}

export type MatchingMethod = "frank-wolfe" | "coordinate" | "activations" | "hybrid" | "straight-through";

/** The search moves all permutations at once. */
const CHOOSING = { method: ["frank-wolfe", "coordinate", "activations", "hybrid"] };

export const MATCH_BY_DATA_OPTIONS: Options<MatchByDataValues> = inGroup("matching", {
  method: choice(["frank-wolfe", "coordinate", "activations", "hybrid", "straight-through"], {
    value: "METHOD",
    help: "frank-wolfe finds better permutations than coordinate, the paper's Algorithm 1; the others need --data",
    default: "frank-wolfe",
    needs: { data: ["activations", "hybrid", "straight-through"] },
  }),
  cost: choice(["correlation", "inner-product"], {
    value: "COST",
    help: "how units are compared",
    default: "correlation",
    for: { method: ["activations", "hybrid"] },
  }),
  share: number({
    value: "X",
    help: "weight of the activations next to the tensors",
    default: 0.3,
    min: 0,
    max: 1e6,
    for: { method: ["hybrid"] },
  }),
  polish: flag({ help: "refine the result by weight matching", for: { method: ["activations"] } }),
  starts: integer({
    value: "N",
    help: "try N starts, keep the one whose midpoint has the lowest loss on the data",
    default: 1,
    min: 1,
    max: 1000,
    for: { method: ["frank-wolfe", "hybrid"] },
    needs: { data: true },
  }),
  only: list({
    value: "NAMES",
    help: "permutations that may move, by commas; NAME* for all that start so",
    for: CHOOSING,
  }),
  except: list({ value: "NAMES", help: "permutations that stay in place", for: CHOOSING }),
});

/** The data options of a command whose data serve the matching alone. */
export interface MatchDataValues extends DataValues {
  readonly split: Split;
}

export const MATCH_DATA_OPTIONS: Options<MatchDataValues> = {
  ...DATA_OPTIONS,
  limit: {
    ...DATA_OPTIONS.limit,
    help: "only the first N images",
    defaultText: `all for straight-through, else ${MATCHING_IMAGES}`,
  },
  split: splitOption("train"),
};

/** A matching and, where several starts were tried, how they did. */
export interface CommandMatching extends Matching {
  readonly report: CommandReport;
}

export interface CommandReport extends MatchReport {
  /** Activations and hybrid: the costs, and the images looked at. */
  readonly cost?: ActivationCost | undefined;
  readonly images?: number | undefined;
  /** Straight-through: as of its own report. */
  readonly steps?: number | undefined;
  readonly keptStep?: number | undefined;
  readonly validation?: number | undefined;
  readonly startLoss?: number | undefined;
  readonly loss?: number | undefined;
  readonly starts?:
    | { readonly chosen: number; readonly images: number; readonly tried: readonly TriedStart[] }
    | undefined;
}

/** What a matching looks at on the command line. */
export type MatchingValues = MatchByDataValues & DataValues & StraightThroughValues;

/**
 * Runs the matching of the command line on A and B; `options` are those of `matchWeights`, and which images to look at. Reads no data
 * where none is needed.
 */
export async function matchPair(
  context: CommandContext<MatchingValues>,
  pair: Pair,
  options: MatchOptions & { readonly split: Split; readonly repair?: Repair | undefined },
): Promise<CommandMatching> {
  const { method, starts, cost, share, polish } = context.options;
  const byData = method === "activations" || method === "hybrid";
  const { split, repair, ...matching } = options;
  const { a, b } = pair;
  if (method === "straight-through") return runStraightThrough(context, pair, split, matching);
  if (!byData && starts === 1) return matchWeights(a, b, pair, matching);
  // Before any work: the peers may be missing.
  const recipes = await loadRecipes();
  const data = await readImages(context, split);
  const { signal, onProgress } = context;
  choosePermutations(pair.resolved.permutations, matching);
  const started = Date.now();
  const { method: _, restarts: __, ...shared } = matching;
  const given = byData ? await recipes.activationCosts(a, b, pair, data, { cost, signal, onProgress }) : null;
  const match = async (start: Pick<MatchOptions, "seed" | "perturb">): Promise<CommandMatching> => {
    if (given === null) return matchWeights(a, b, pair, { ...matching, ...start });
    const way = method === "hybrid" ? { share, ...start } : polish ? ({ polish: "descent" } as const) : {};
    return recipes.matchActivations(a, b, pair, data, { ...shared, cost, costs: given, ...way });
  };
  const timed = ({ report, ...found }: CommandMatching): CommandMatching => ({
    ...found,
    report: { ...report, seed: options.seed ?? 0, seconds: Math.max(0, Date.now() - started) / 1000 },
  });
  if (starts === 1) return timed(await match({}));
  const few = firstImages(data, CHOOSING_IMAGES);
  const { found, chosen, tried } = await recipes.chooseStart<CommandMatching>(a, b, pair, {
    starts,
    seed: options.seed ?? 0,
    signal,
    match,
    repair: repair && midpointRepair(repair, pair),
    evaluate: (model) => recipes.evaluateModel(model, few, { signal, onProgress }),
  });
  return timed({ ...found, report: { ...found.report, starts: { chosen, images: few.count, tried } } });
}

function midpointRepair(repair: Repair, pair: Pair) {
  const { a, b } = pair;
  return async (merged: Model, { permutations }: CommandMatching): Promise<Model> => {
    const ofMidpoint = await repair.ofStarts({ a, b, spec: pair, permutations });
    return ofMidpoint === undefined ? merged : (await ofMidpoint(merged, 0.5)).model;
  };
}

async function loadRecipes() {
  const { executorOf } = await import("../run/models/default-executor.ts");
  // Before anything is read or matched: without the peers nothing runs.
  await executorOf(undefined);
  const { activationCosts } = await import("../by-data/activation-costs.ts");
  const { matchActivations } = await import("../by-data/match-activations.ts");
  const { chooseStart } = await import("../by-data/choose-start.ts");
  const { evaluateModel } = await import("../run/models/evaluate-model.ts");
  return { activationCosts, matchActivations, chooseStart, evaluateModel };
}

async function readImages(context: CommandContext<DataValues>, split: Split): Promise<Dataset> {
  const data = await readSplit(context, split);
  return context.options.limit !== undefined ? data : firstImages(data, MATCHING_IMAGES);
}
