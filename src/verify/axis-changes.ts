/** Single changes of a spec that may mend it: what else an axis could be, as far as a group is concerned. */

import { ANY_SIZE, axisNames } from "../axes/axis.ts";
import type { Axis, ResolvedSpec, Spec } from "../axes/types.ts";
import { DTYPES } from "../base/dtype.ts";

/** One axis of one tensor, as it is in a spec and as it could be. */
export interface AxisChange {
  readonly tensor: string;
  readonly axis: number;
  readonly from: Axis;
  readonly to: Axis;
}

const FIXED: Axis = [[ANY_SIZE]];

/**
 * Every change of one axis that removes group `name` (of `size` units), adds it, or places it differently: the other
 * order of a flatten's factors, of joined parts. Removals come first.
 */
export function axisChanges({ tensors, spec }: ResolvedSpec, name: string, size: number): AxisChange[] {
  const away: AxisChange[] = [];
  const other: AxisChange[] = [];
  for (const { name: tensor, info } of tensors) {
    if (DTYPES[info.dtype].kind === "packed") continue;
    for (const [axis, length] of info.shape.entries()) {
      const from = spec.tensors.get(tensor)?.axes[axis] ?? FIXED;
      const change = (to: Axis): AxisChange => ({ tensor, axis, from, to });
      if (axisNames(from).includes(name)) {
        away.push(change(without(from, name, size)));
        other.push(...reordered(from).map(change));
      } else other.push(...placements(name, size, length).map(change));
    }
  }
  return [...away, ...other];
}

/** The axis with a fixed size in the group's place. */
function without(axis: Axis, name: string, size: number): Axis {
  if (axis.length === 1 && axis[0]!.length === 1) return FIXED;
  return axis.map((segment) => segment.map((factor) => (factor === name ? size : factor)));
}

/** Other orders of its factors and parts. */
function reordered(axis: Axis): Axis[] {
  const found: Axis[] = [];
  if (axis.some((segment) => segment.length > 1)) found.push(axis.map((segment) => [...segment].reverse()));
  if (axis.length > 1) found.push([...axis].reverse());
  return found;
}

/** Where a group can be on an axis of a length. */
function placements(name: string, size: number, length: number): Axis[] {
  if (size < 2 || length < size) return [];
  if (length === size) return [[[name]]];
  const found: Axis[] = [];
  const rest = length - size;
  if (length % size === 0) found.push([[name, length / size]], [[length / size, name]]);
  found.push([[name], [rest]], [[rest], [name]]);
  return found;
}

/** The spec with some axes changed. */
export function withChanges(spec: Spec, changes: readonly AxisChange[], rank: (tensor: string) => number): Spec {
  const tensors = new Map(spec.tensors);
  for (const { tensor, axis, to } of changes) {
    const before = tensors.get(tensor) ?? {
      axes: Array.from({ length: rank(tensor) }, () => FIXED),
      votes: true,
    };
    tensors.set(tensor, { ...before, axes: before.axes.map((each, i) => (i === axis ? to : each)) });
  }
  const named = new Set([...tensors.values()].flatMap(({ axes }) => axes.flatMap(axisNames)));
  const permutations = new Map([...spec.permutations].filter(([nested]) => named.has(nested)));
  return { ...spec, tensors, permutations };
}
