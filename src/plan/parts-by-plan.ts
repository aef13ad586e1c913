/**
 * Models beside a base, as a plan states them: fine-tunes, LoRA adapters, and models of other bases, in one numbering.
 */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { adapterTask, isAdapter } from "../many/adapters/adapter.ts";
import { moveTask, type TaskVector, taskVector } from "../merge/task-vector.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import { alignByPlan, type OpenPlan, type PlanAlignment, specByPlan } from "./align-by-plan.ts";
import type { PlanSetting } from "./plan-host.ts";

/** What is blended, and how it came to one numbering. */
export interface PlannedParts {
  readonly parts: readonly (Model | TaskVector)[];
  /** How each was aligned; undefined for one that was not. */
  readonly alignments: readonly (PlanAlignment | undefined)[];
  readonly spec: Spec;
}

/**
 * The models of a plan as parts of a blend. Without a base they are as they are. A fine-tune of the base is aligned to
 * it only with `align.force`; a model of another base is moved by the alignment of its base, unless the method is
 * "none".
 */
export async function partsByPlan(setting: PlanSetting, open: OpenPlan): Promise<PlannedParts> {
  const { plan, host } = setting;
  const { bridge, base, bases } = open;
  const matched = new Map<Model, ReturnType<typeof alignByPlan>>();
  const align = (model: Model): ReturnType<typeof alignByPlan> => {
    const found = matched.get(model) ?? alignByPlan(setting, { ...bridge, models: [base!, model] });
    matched.set(model, found);
    return found;
  };
  const parts: (Model | TaskVector)[] = [];
  const alignments: (PlanAlignment | undefined)[] = [];
  for (const [i, model] of bridge.models.entries()) {
    const own = bases[i];
    const isLora = base !== undefined && isAdapter(model);
    const task = isLora
      ? adapterTask(model, own ?? base, await host.adapterConfig?.(plan.models[i]!))
      : own && taskVector(model, own);
    const moving = own ?? (plan.align.force === true && !isLora ? model : undefined);
    const aligned =
      base === undefined || moving === undefined || plan.align.method === "none" ? undefined : await align(moving);
    alignments.push(aligned?.alignment);
    if (aligned === undefined) parts.push(task ?? model);
    else if (task === undefined) parts.push(await applyPermutations(model, aligned.spec, aligned.permutations));
    else parts.push(await moveTask(task, aligned.spec.spec, aligned.permutations));
  }
  const like = base ?? bridge.models[0]!;
  const isMoved = alignments.some((each) => each !== undefined);
  return {
    parts,
    alignments,
    spec: bridge.fit(isMoved ? await specByPlan(setting, like) : await specIfKnown(setting, like)),
  };
}

/** Nothing moves, so a network of no known family is as good. */
async function specIfKnown(setting: PlanSetting, model: Model): Promise<Spec> {
  try {
    return await specByPlan(setting, model);
  } catch (error) {
    if (!(error instanceof SpecError && setting.plan.spec === "auto")) throw error;
    return { tensors: new Map(), permutations: new Map(), rest: "fixed", name: "none", basis: "given" };
  }
}
