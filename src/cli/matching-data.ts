/** Matching with data: the options of `match`, `merge` and whatever else aligns a pair, and running it. */

import type { Model } from "../base/model.ts";
import type { ActivationCost } from "../by-data/activation-statistics.ts";
import type { TriedStart } from "../by-data/choose-start.ts";
import type { Dataset } from "../data/dataset.ts";
import { firstImages } from "../data/select.ts";
import { type Choice, choosePermutations } from "../match/costs/choose-permutations.ts";
import { type Matching, type MatchOptions, type MatchReport, matchWeights } from "../match/match-weights.ts";
import type { Split } from "../node/data-folder.ts";
import type { Pair } from "../perm/pair.ts";
import { type CommandContext, inGroup, numberOption, type OptionRule, UsageError } from "./command.ts";
import { DATA_OPTIONS, readSplit } from "./image-data.ts";
import { checkStraightThrough, runStraightThrough } from "./matching-straight-through.ts";
import type { Repair } from "./repairing.ts";

/** Images that matching looks at unless --limit says otherwise: more move few units. */
const MATCHING_IMAGES = 2000;
/** Images that choose among starts: losses of starts differ by tenths, and this many tell hundredths. */
const CHOOSING_IMAGES = 500;
const DEFAULT_SHARE = 0.3;

/** Options on how data take part in a matching; for commands that have data options of their own. */
export const MATCH_BY_DATA_OPTIONS: Readonly<Record<string, OptionRule>> = inGroup("matching", {
  cost: {
    value: "COST",
    help: "activations, hybrid: how units are compared (default correlation)",
    choices: ["correlation", "inner-product"],
  },
  share: { value: "X", help: `hybrid: what activations count next to the weights (default ${DEFAULT_SHARE})` },
  polish: { help: "activations: go on by descent on the weights from there" },
  starts: {
    value: "N",
    help: "frank-wolfe, hybrid: try N starts, keep the one whose midpoint has the lowest loss on the data",
    default: "1",
  },
  only: { value: "NAMES", help: "permutations that may move, by commas; NAME* for all that start so" },
  except: { value: "NAMES", help: "permutations that stay in place" },
});

/** The data options of a command whose data serve the matching alone. */
export const MATCH_DATA_OPTIONS: Readonly<Record<string, OptionRule>> = {
  ...DATA_OPTIONS,
  limit: {
    group: "images",
    value: "N",
    help: `only the first N images; if not given, all for straight-through, else ${MATCHING_IMAGES}`,
  },
  split: { value: "SPLIT", help: "which images", choices: ["train", "test"], default: "train", group: "images" },
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

/** What `--only` and `--except` name. */
export function choiceOption({ values }: CommandContext): Choice {
  const names = (option: string): string[] | undefined =>
    values
      .get(option)
      ?.split(",")
      .map((name) => name.trim());
  return { only: names("only"), except: names("except") };
}

interface Plan {
  readonly method: string;
  readonly starts: number;
  readonly share: number;
  readonly cost: ActivationCost;
  readonly polish: boolean;
}

/** Checks the options against each other; throws `UsageError`. */
export function planMatching(context: CommandContext): Plan {
  const { values, flags } = context;
  const method = values.get("method")!;
  const starts = numberOption(context, "starts", { min: 1, max: 1000, integer: true })!;
  const share = numberOption(context, "share", { min: 0, max: 1e6, integer: false });
  const byData = method === "activations" || method === "hybrid";
  if (share !== undefined && method !== "hybrid")
    throw new UsageError("--share is for --method hybrid, expected no --share");
  if (values.has("cost") && !byData)
    throw new UsageError("--cost is for --method activations or hybrid, expected no --cost");
  if (flags.has("polish") && method !== "activations")
    throw new UsageError("--polish is for --method activations, expected no --polish");
  if (starts > 1 && method !== "frank-wolfe" && method !== "hybrid")
    throw new UsageError(`--starts is for --method frank-wolfe or hybrid, expected no --starts with ${method}`);
  checkStraightThrough(context, method);
  if (method === "straight-through" && (values.has("only") || values.has("except")))
    throw new UsageError("--only and --except are not for --method straight-through, expected neither");
  const wants =
    byData || method === "straight-through" ? `--method ${method}` : starts > 1 ? `--starts ${starts}` : null;
  if (wants !== null && !values.has("data")) throw new UsageError(`${wants} has no --data, expected --data DIR`);
  const cost = (values.get("cost") ?? "correlation") as ActivationCost;
  return { method, starts, share: share ?? DEFAULT_SHARE, cost, polish: flags.has("polish") };
}

/**
 * Runs a planned matching on A and B; `options` are those of `matchWeights`, and which images to look at. Reads no data
 * where none is needed.
 */
export async function runPlan(
  context: CommandContext,
  pair: Pair,
  plan: Plan,
  options: MatchOptions & { readonly split: Split; readonly repair?: Repair | undefined },
): Promise<CommandMatching> {
  const byData = plan.method === "activations" || plan.method === "hybrid";
  const { split, repair, ...matching } = options;
  const { a, b } = pair;
  if (plan.method === "straight-through") return runStraightThrough(context, pair, split, matching);
  if (!byData && plan.starts === 1) return matchWeights(a, b, pair, matching);
  // Before any work: the peers may be missing.
  const recipes = await loadRecipes();
  const data = await readImages(context, split);
  const { signal, onProgress } = context;
  choosePermutations(pair.resolved.permutations, matching);
  const started = Date.now();
  const { method: _, restarts: __, ...shared } = matching;
  const given = byData
    ? await recipes.activationCosts(a, b, pair, data, { cost: plan.cost, signal, onProgress })
    : null;
  const match = async (start: Pick<MatchOptions, "seed" | "perturb">): Promise<CommandMatching> => {
    if (given === null) return matchWeights(a, b, pair, { ...matching, ...start });
    const way =
      plan.method === "hybrid" ? { share: plan.share, ...start } : plan.polish ? ({ polish: "descent" } as const) : {};
    return recipes.matchActivations(a, b, pair, data, { ...shared, cost: plan.cost, costs: given, ...way });
  };
  const timed = ({ report, ...found }: CommandMatching): CommandMatching => ({
    ...found,
    report: { ...report, seed: options.seed ?? 0, seconds: Math.max(0, Date.now() - started) / 1000 },
  });
  if (plan.starts === 1) return timed(await match({}));
  const few = firstImages(data, CHOOSING_IMAGES);
  const { found, chosen, tried } = await recipes.chooseStart<CommandMatching>(a, b, pair, {
    starts: plan.starts,
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

async function readImages(context: CommandContext, split: Split): Promise<Dataset> {
  const data = await readSplit(context, split);
  return context.values.has("limit") ? data : firstImages(data, MATCHING_IMAGES);
}
