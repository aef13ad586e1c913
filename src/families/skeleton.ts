/** A spec to fill in, for networks that detection does not know: every tensor fixed, but for what is certain. */

import { ANY_SIZE } from "../axes/axis.ts";
import type { Axis, Spec, TensorSpec } from "../axes/types.ts";
import { isFloat } from "../base/dtype.ts";
import { SpecError } from "../base/errors.ts";
import { isStatistic } from "../base/tensor-names.ts";
import type { Module, Tensors } from "./modules.ts";

/**
 * A spec in which every axis of every tensor is `_` and `rest` is "fixed", so that it moves nothing unless edited. Some
 * units are certain: those between two dense tensors in a numbered container with a free number for the activation
 * between them (`mlp.0`, `mlp.2`) and nothing else in it. These have a permutation.
 *
 * @example
 * const text = prettySpec(await skeletonSpec(model)); // to edit
 */
export async function skeletonSpec({ tensors }: { readonly tensors: Tensors }): Promise<Spec> {
  const { listModule, readModules } = await import("./known-families.ts");
  const listed = new Map<string, TensorSpec>();
  for (const [name, { shape, dtype }] of tensors)
    listed.set(name, { axes: shape.map((): Axis => [[ANY_SIZE]]), votes: isFloat(dtype) && !isStatistic(name) });
  for (const [k, [first, second]] of certainPairs(tensors, readModules).entries()) {
    const axisOf = (text: string | null): Axis => [[text ?? ANY_SIZE]];
    const listing = {
      tensor: (name: string, axes: readonly (string | null)[], { votes }: { readonly votes: boolean }) =>
        listed.set(name, { axes: axes.map(axisOf), votes }),
      nested: () => undefined,
    };
    listModule(listing, first, tensors, `P${k}`, null);
    listModule(listing, second, tensors, null, `P${k}`);
  }
  return { tensors: listed, permutations: new Map(), rest: "fixed", basis: "given", assumptions: [] };
}

/** Dense tensors that are alone in a container, with a number between theirs that has no tensors: an activation. */
function certainPairs(
  tensors: Tensors,
  readModules: typeof import("./known-families.ts").readModules,
): [Module, Module][] {
  let modules: readonly Module[];
  try {
    ({ modules } = readModules(new Map([...tensors].filter(([name]) => /\.(weight|bias)$/.test(name)))));
  } catch (error) {
    if (error instanceof SpecError) return [];
    throw error;
  }
  const containers = new Map<string, Module[]>();
  for (const module of modules) {
    const parent = module.path.slice(0, Math.max(0, module.path.lastIndexOf(".")));
    const inside = containers.get(parent);
    if (inside === undefined) containers.set(parent, [module]);
    else inside.push(module);
  }
  return [...containers.values()].flatMap((children): [Module, Module][] => {
    const [first, second] = [...children].sort((a, b) => numberOf(a) - numberOf(b));
    if (children.length !== 2 || first!.kind !== "dense" || second!.kind !== "dense") return [];
    const fits = numberOf(second!) - numberOf(first!) > 1 && first!.out === second!.in && first!.in !== first!.out;
    return fits ? [[first!, second!]] : [];
  });
}

const numberOf = ({ path }: Module): number => Number(/(?:^|\.)(\d+)$/.exec(path)?.[1] ?? Number.NaN);
