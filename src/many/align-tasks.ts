/** Fine-tunes of one base or of several, brought to the numbering of one base. */

import type { Spec } from "../axes/types.ts";
import { isFloat } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { checkOptions, type OptionKinds } from "../base/options.ts";
import { tensorName } from "../base/tensor-names.ts";
import { MATCH_OPTIONS, type MatchOptions, type MatchReport, matchWeights } from "../match/match-weights.ts";
import type { BlendModelsOptions } from "../merge/blend-models.ts";
import { moveTask, type TaskVector, taskVector } from "../merge/task-vector.ts";
import type { Alignment } from "../perm/alignment.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import { adapterTask, isAdapter } from "./adapters/adapter.ts";

/** A fine-tune, or a LoRA adapter. */
export interface TunedModel {
  readonly model: Model;
  /** What it was fine-tuned from, where that is not the common base. */
  readonly base?: Model | undefined;
  /** Of an adapter of PEFT: the content of `adapter_config.json`. */
  readonly config?: object | undefined;
}

/**
 * What is aligned: `"bases"`, models of other bases, by their bases; `"force"`, fine-tunes of the common base to it,
 * too; `"none"`, nothing.
 */
export type TaskAlign = "bases" | "force" | "none";

/** Options of `alignTasks`. Matching is `matchWeights`', of a model or its base to the common base. */
export interface AlignTasksOptions extends MatchOptions {
  /** Default "bases": fine-tunes of one base share its numbering, and aligning them only moves what should stay. */
  readonly align?: TaskAlign | undefined;
}

/** What `alignTasks` gives, model by model. */
export interface AlignedTasks {
  /** What `blendModels` takes: models, or task vectors of adapters and of models of other bases. */
  readonly parts: readonly (Model | TaskVector)[];
  /** What moved each; undefined where nothing did. */
  readonly alignments: readonly (Alignment | undefined)[];
  readonly reports: readonly (MatchReport | undefined)[];
}

const OPTIONS: OptionKinds<AlignTasksOptions> = { ...MATCH_OPTIONS, align: "string" };
const ALIGNS: readonly TaskAlign[] = ["bases", "force", "none"];

/**
 * Brings fine-tunes to the numbering of `base`. A model of another base is not matched itself. Its base is matched,
 * once for all its models, and the result moves its task vector (an adapter's too).
 *
 * @throws {SpecError} when models and bases differ in names, shapes or dtypes, or the spec does not fit.
 * @throws {RangeError} for options out of range, and for NaN or infinity.
 *
 * @example
 * const { parts } = await alignTasks([{ model: tuned }, { model: other, base: otherBase }], base, spec);
 * const model = blendModels(parts, { blend: "ties", base, settings: { density: 0.5 } });
 */
export async function alignTasks(
  tuned: readonly TunedModel[],
  base: Model,
  spec: Spec,
  options: AlignTasksOptions = {},
): Promise<AlignedTasks> {
  checkOptions("alignTasks", options, OPTIONS);
  const { align = "bases", ...matching } = options;
  if (!ALIGNS.includes(align)) throw new RangeError(`align "${align}", expected one of ${ALIGNS.join(", ")}`);
  const known = new Map<Model, Promise<Matched>>();
  const match = (model: Model): Promise<Matched> => {
    const found = known.get(model) ?? matchWeights(base, model, spec, matching);
    known.set(model, found);
    return found;
  };
  const parts: (Model | TaskVector)[] = [];
  const found: (Matched | undefined)[] = [];
  for (const each of tuned) {
    const own = each.base === base ? undefined : each.base;
    const task = isAdapter(each.model) || own !== undefined ? asTask(each, own ?? base) : undefined;
    const moving = own ?? (task === undefined && align === "force" ? each.model : undefined);
    const matched = moving === undefined || align === "none" ? undefined : await match(moving);
    found.push(matched);
    parts.push(await movedPart(each.model, task, spec, matched));
  }
  return {
    parts,
    alignments: found.map((matched) => matched?.alignment),
    reports: found.map((matched) => matched?.report),
  };
}

type Matched = Pick<Awaited<ReturnType<typeof matchWeights>>, "alignment" | "report">;

const asTask = ({ model, config }: TunedModel, base: Model): TaskVector =>
  isAdapter(model) ? adapterTask(model, base, config) : taskVector(model, base);

async function movedPart(
  model: Model,
  task: TaskVector | undefined,
  spec: Spec,
  matched: Matched | undefined,
): Promise<Model | TaskVector> {
  if (matched === undefined) return task ?? model;
  const { alignment } = matched;
  return task === undefined ? applyPermutations(model, spec, alignment) : moveTask(task, spec, alignment);
}

/** Settings as `blendModels` takes them. */
export type TaskSettings = NonNullable<BlendModelsOptions["settings"]>;

const STATISTICS: readonly string[] = ["mean", "variance"];

/**
 * Settings of a blend with a base for a network with running statistics. These, and all floats without a vote, get the
 * mean of the models; everything else gets `settings`. A variance plus differences could be negative. Without such
 * tensors, these are `settings` as they are.
 *
 * @example
 * blendModels(parts, { blend: "ties", base, settings: meansWithoutVote(spec, base, { density: 0.5 }) });
 */
export function meansWithoutVote(spec: Spec, base: Pick<Model, "tensors">, settings: TaskSettings): TaskSettings {
  const isMean = (tensor: string): boolean =>
    spec.tensors.get(tensor)?.votes === false || STATISTICS.includes(tensorName(tensor).role ?? "");
  if (![...base.tensors].some(([name, { dtype }]) => isFloat(dtype) && isMean(name))) return settings;
  const own = typeof settings === "function" ? settings : () => settings;
  return (tensor, info) => (isMean(tensor) ? { blend: "linear" } : own(tensor, info));
}
