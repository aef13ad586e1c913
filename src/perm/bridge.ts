/** Models that differ a little, made to hold the same tensors. */

import { ANY_SIZE } from "../axes/axis.ts";
import type { Axis, Spec, TensorSpec } from "../axes/types.ts";
import type { Model, TensorInfo } from "../base/model.ts";
import { differFault, wayOn } from "./bridge-fault.ts";
import { bridgeNotes, differingIntegers } from "./bridge-notes.ts";
import { type BridgePlan, planBridge, sideOf } from "./bridge-plan.ts";
import type { Bridge, BridgeNote, BridgeOptions, ModelComparison } from "./bridge-types.ts";
import { readAs, restored } from "./bridge-views.ts";
import { pairNames } from "./pair-names.ts";
import { isSpare, tiedTo } from "./spare-tensors.ts";

/** The work of `bridgeModels`, loaded with the first models that differ. */
export async function bridge(models: readonly Model[], options: BridgeOptions): Promise<Bridge> {
  const plan = await planBridge(models, options);
  const bad = plan.differences.findIndex((list) => list.length > 0);
  if (bad >= 0) throw differFault(models[0]!, models[bad + 1]!, plan.differences[bad]!);
  const views = models.map((_, at) => readAs(plan, at));
  const notes = [...bridgeNotes(plan, options), ...(await differingIntegers(plan, views, options.signal))];
  return {
    models: views,
    notes,
    fit: (spec) => withoutVotes(spec, plan),
    restore: (merged) => restored(plan, merged, options),
  };
}

/** The work of `compareModels`. */
export async function compare(a: Model, b: Model, options: BridgeOptions): Promise<ModelComparison> {
  const plan = await planBridge([a, b], options);
  const differences = plan.differences[0]!;
  const notes: BridgeNote[] = [...bridgeNotes(plan, options)];
  if (differences.length === 0) {
    const views = [readAs(plan, 0), readAs(plan, 1)];
    notes.push(...(await differingIntegers(plan, views, options.signal)));
  }
  return { differences, notes, advice: differences.length === 0 ? undefined : wayOn(a, b, differences) };
}

/** Tensors that are A's in all views would draw every permutation to the identity. */
function withoutVotes(spec: Spec, { courses, models: [a] }: BridgePlan): Spec {
  const tensors = new Map(spec.tensors);
  for (const [name, { kind }] of courses) {
    if (kind === "shared") continue;
    const { axes } = spec.tensors.get(name) ?? fixed(a!.tensors.get(name)!);
    if (spec.tensors.has(name) || spec.rest !== "refused") tensors.set(name, { axes, votes: false });
  }
  return { ...spec, tensors };
}

const fixed = ({ shape }: TensorInfo): TensorSpec => ({ axes: shape.map((): Axis => [[ANY_SIZE]]), votes: false });

/**
 * The spec under the names of `model`. Counters and buffers that the model lacks are left out, those that only it has
 * are fixed, second names move like the first.
 */
export async function renameSpec(model: Model, spec: Spec, signal?: AbortSignal): Promise<Spec> {
  const named = { names: spec.tensors.keys(), isSpare: (name: string) => isSpare(name) };
  const { pairs, onlyA, onlyB } = pairNames(named, sideOf(model));
  const tensors = new Map<string, TensorSpec>();
  for (const [name, tensor] of spec.tensors) {
    const found = pairs.get(name);
    // What is missing and is none of these is told of where the spec is resolved.
    if (found !== undefined || !onlyA.includes(name) || !isSpare(name)) tensors.set(found ?? name, tensor);
  }
  for (const name of onlyB) {
    const info = model.tensors.get(name)!;
    if (isSpare(name, info)) tensors.set(name, fixed(info));
    else if (spec.rest === "refused") {
      const target = tensors.get((await tiedTo(model, name, signal)) ?? "");
      if (target !== undefined) tensors.set(name, { ...target, votes: false });
    }
  }
  return { ...spec, tensors };
}
