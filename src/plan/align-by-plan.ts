/** A plan's models opened, made to fit each other, and two of them aligned. */

import { parseSpec } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { withNetworkNotes } from "../families/network-notes.ts";
import { isAdapter } from "../many/adapters/adapter.ts";
import type { Permutations } from "../perm/alignment.ts";
import { bridgeModels, specFor } from "../perm/bridge-models.ts";
import type { Bridge, BridgeNote } from "../perm/bridge-types.ts";
import { type AlignedPair, type Pair, pairOf } from "../perm/pair.ts";
import { countMoved, identityPermutation } from "../perm/permutation.ts";
import { readPermutations } from "../perm/permutation-file.ts";
import { matchByPlan, type PlanMatchReport } from "./match-by-plan.ts";
import type { MergePlan, PlanModel } from "./merge-plan.ts";
import type { PlanSetting } from "./plan-host.ts";
import { isGraphPath, isSpecPath } from "./plan-paths.ts";
import { chooseSpec } from "./rebasin.ts";
import { type PlannedRepair, plannedRepair } from "./repair-by-plan.ts";

/** How a pair was aligned. */
export interface PlanAlignment {
  /** Units of each permutation, and how many of them moved. */
  readonly permutations: Record<string, { readonly size: number; readonly moved: number }>;
  /** Absent where nothing was matched: permutations came from a file, or every unit stays. */
  readonly matching?: PlanMatchReport | undefined;
  /** For people: the method, or the file. */
  readonly how: string;
  /** What was done to make A and B fit each other. */
  readonly notes: readonly BridgeNote[];
}

/** A pair and how it was aligned. */
export interface PlannedPair extends AlignedPair {
  readonly spec: Pair;
  readonly permutations: Permutations;
  readonly alignment: PlanAlignment;
}

/** A plan's models, open. */
export interface OpenPlan {
  /** As the files have them: the plan's models, their own bases, the base. */
  readonly given: readonly Model[];
  /** Views that hold the same tensors, without the bases. LoRA adapters are as they are. */
  readonly bridge: Bridge;
  readonly base: Model | undefined;
  /** Of each model: its own base, if it has one. */
  readonly bases: readonly (Model | undefined)[];
}

/** Opens a plan's models, makes them fit each other, runs `use`, and always closes them. */
export async function withPlanModels<T>(setting: PlanSetting, use: (open: OpenPlan) => Promise<T>): Promise<T> {
  const { plan, host, run } = setting;
  const given: Model[] = [];
  try {
    for (const [at, model] of plan.models.entries()) given.push(await host.open(model, at));
    const others = new Map<string, number>();
    for (const each of [...plan.models.map((model) => model.base), plan.base]) {
      if (each === undefined || others.has(keyOf(each))) continue;
      others.set(keyOf(each), given.length);
      given.push(await host.open(each, undefined));
    }
    host.opened?.(given);
    const whole = withoutAdapters(plan, given);
    const bridge = await bridgeModels(whole, {
      keepA: plan.align.keepA,
      dtype: plan.output?.dtype,
      prefixA: prefixOfA(plan.models[0]!, given[0]!),
      allowNonfinite: plan.allowNonfinite,
      signal: run.signal,
    });
    const views = plan.data === undefined ? bridge.models : bridge.models.map((model) => noted(plan, model));
    const viewOf = (at: number): Model => views[whole.indexOf(given[at]!)] ?? given[at]!;
    const baseOf = (model: PlanModel | undefined): Model | undefined => model && viewOf(others.get(keyOf(model))!);
    const models = plan.models.map((_, at) => viewOf(at));
    const bases = plan.models.map((model) => baseOf(model.base));
    return await use({ given, bridge: { ...bridge, models }, base: baseOf(plan.base), bases });
  } finally {
    for (const model of given) await model.close?.();
  }
}

/** The same file, read in the same way, is opened once. */
const keyOf = ({ path, sha256, prefix, key, assume }: PlanModel): string =>
  JSON.stringify([path, sha256, prefix, key, assume]);

/** Those that hold a network: factors of LoRA are separate tensors, and need a base. */
function withoutAdapters({ models, base }: MergePlan, given: readonly Model[]): readonly Model[] {
  const adapters = given.filter((model, at) => at < models.length && isAdapter(model));
  if (adapters.length > 0 && base === undefined)
    throw new SpecError(`${adapters[0]!.name} is a LoRA adapter, expected base: the model that it was trained on`);
  return given.filter((model) => !adapters.includes(model));
}

/** With what the plan states of the network: everything made from the model knows it. */
const noted = ({ network }: MergePlan, model: Model): Model => withNetworkNotes(model, network ?? {});

/** What A was opened with, and the mark behind it: the result has A's names. */
export function prefixOfA({ prefix }: Pick<PlanModel, "prefix">, { tensors }: Model): string | undefined {
  if (prefix === undefined || prefix === "" || /[./\]]$/.test(prefix)) return prefix;
  const names = [...tensors.keys()];
  const isByPath = names.some((name) => name.includes("/")) && !names.some((name) => name.includes("."));
  return `${prefix}${isByPath ? "/" : "."}`;
}

/** The plan's spec, bound to `model`. */
export async function specByPlan({ plan, host }: PlanSetting, model: Model): Promise<Spec> {
  const { spec } = plan;
  if (typeof spec === "object") return chooseSpec(parseSpec(spec), model);
  if (isGraphPath(spec)) return specOfGraph(await host.openSaved(spec), model);
  if (isSpecPath(spec)) return chooseSpec(await host.readSpec(spec), model);
  const { activation, input, layout, ...detecting } = plan.network ?? {};
  return chooseSpec(spec as "auto", model, detecting);
}

/** The spec of a checkpoint by the graph of its network; closes the graph's file. */
async function specOfGraph(file: Model, model: Model): Promise<Spec> {
  const { graphSpec } = await import("../link/from-graph.ts");
  try {
    return (await graphSpec(file, model)).spec;
  } finally {
    await file.close?.();
  }
}

/** What aligning needs in addition to the plan. */
export interface AlignRun {
  /** Done to the midpoints of starts before they are compared. */
  readonly repair?: PlannedRepair | undefined;
  /** Run before anything long, with A and B. */
  readonly check?: ((models: readonly Model[]) => Promise<void>) | undefined;
}

/** Aligns the two models of a bridge as the plan states. */
export async function alignByPlan(
  setting: PlanSetting,
  { models, notes, fit }: Bridge,
  { repair, check }: AlignRun = {},
): Promise<PlannedPair> {
  await check?.(models);
  const [a, b] = models as [Model, Model];
  const { method, permutations: path } = setting.plan.align;
  if (method === "permutations") return alignBySaved(setting, { models, notes, fit }, path!);
  const pair = pairOf(a, b, fit(await specByPlan(setting, a)));
  if (method === "none") {
    const permutations = new Map(
      pair.resolved.permutations.map(({ name, size }) => [name, identityPermutation(size)] as const),
    );
    const alignment = { permutations: movedOf(permutations), how: "not aligned", notes };
    return { a, b, spec: pair, permutations, alignment };
  }
  const { permutations, report } = await matchByPlan(setting, pair, repair);
  const how = `${report.spec}, matched by ${report.method}`;
  const alignment = { permutations: movedOf(permutations), matching: report, how, notes };
  return { a, b, spec: pair, permutations, alignment };
}

async function alignBySaved(
  { host, run }: PlanSetting,
  { models, notes, fit }: Pick<Bridge, "models" | "notes" | "fit">,
  path: string,
): Promise<PlannedPair> {
  const [a, b] = models as [Model, Model];
  const saved = await host.openSaved(path);
  try {
    const { spec, permutations } = await readPermutations(saved, run.signal);
    const pair = pairOf(a, b, fit(await specFor(a, spec, run.signal)));
    const alignment = { permutations: movedOf(permutations), how: `permutations of ${path}`, notes };
    return { a, b, spec: pair, permutations, alignment };
  } finally {
    await saved.close?.();
  }
}

/** Opens the models of a plan, aligns the two, runs `use`, and closes everything. */
export async function withPlanPair<T>(
  setting: PlanSetting,
  use: (pair: AlignedPair, alignment: PlanAlignment) => Promise<T>,
  { repair = plannedRepair(setting), check }: AlignRun = {},
): Promise<T> {
  return withPlanModels(setting, async ({ bridge }) => {
    const { alignment, ...pair } = await alignByPlan(setting, bridge, { repair, check });
    return use(pair, alignment);
  });
}

function movedOf(permutations: Permutations): PlanAlignment["permutations"] {
  return Object.fromEntries([...permutations].map(([name, p]) => [name, { size: p.length, moved: countMoved(p) }]));
}
