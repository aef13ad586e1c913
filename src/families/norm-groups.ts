/**
 * How many groups a norm has. BatchNorm has running statistics, and any order of its channels is as good as another. Of
 * the others only GroupNorm ties channels to each other, and its shapes are those of LayerNorm.
 */

import { SpecError } from "../base/errors.ts";
import type { Module, Tensors } from "./modules.ts";
import type { Told } from "./options.ts";
import { groupsInWords } from "./vocabulary.ts";

/** The groups of norms, and those that were taken to have one. */
export interface NormGroups {
  readonly groupsOf: (norm: Module) => number;
  readonly assumed: readonly Module[];
}

/**
 * The groups of the norms among `steps`. Throws `SpecError` for a norm after a convolution whose groups are
 * unknown.
 */
export function normGroups(steps: readonly Module[], tensors: Tensors, told: Told): NormGroups {
  const groups = new Map<Module, number>();
  const assumed: Module[] = [];
  let spatial = false;
  let moves = false;
  for (const [i, step] of steps.entries()) {
    if (step.kind !== "norm") {
      spatial = step.kind === "conv";
      moves = true;
      continue;
    }
    const next = steps.slice(i + 1).find(({ kind }) => kind !== "norm");
    const says = moves ? whatSays(step, tensors) : 1;
    if (says === 1) continue;
    const flat =
      next?.kind === "dense" &&
      next.in === step.out &&
      steps.slice(0, i).findLast(({ kind }) => kind !== "norm")?.out !== step.out;
    if ((spatial && !flat) || says === "some") {
      if (told.normGroups === undefined) throw unknownGroups(step);
      groups.set(step, told.normGroups);
    } else if (told.normGroups !== undefined && step.out % told.normGroups === 0)
      groups.set(step, flat ? 1 : told.normGroups);
    else assumed.push(step);
  }
  return { groupsOf: (norm) => groups.get(norm) ?? 1, assumed };
}

/** A norm whose number of groups has to be given. */
export const unknownGroups = ({ name }: Module): SpecError =>
  new SpecError(
    `${name} belongs to a norm without running statistics: give its number of groups by --norm-groups N (1 for LayerNorm)`,
  );

/** 1, or what is not known: `"some"` where words speak of several groups. */
export function whatSays(norm: Module, tensors: Tensors): 1 | "some" | undefined {
  if (norm.tensors.has("mean") || norm.tensors.has("variance")) return 1;
  if (norm.out === 1 || tensors.get(norm.name)!.shape.length > 1) return 1;
  const words = groupsInWords(norm.parts);
  if (words !== undefined) return words === "one" ? 1 : "some";
  // One slope or gain a channel: PReLU, RMSNorm. GroupNorm has a shift too.
  const isFlax = norm.layout === "flax";
  return !norm.tensors.has("bias") && !isFlax ? 1 : undefined;
}
