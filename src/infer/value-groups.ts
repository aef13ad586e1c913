/** Which permutations of a spec number the axes of each value of a graph. */

import { resolveSpec } from "../axes/resolve-spec.ts";
import type { ResolvedFactor, ResolvedSpec, ResolvedTensor } from "../axes/types.ts";
import type { Digit } from "./axis-values.ts";
import type { Conclusion } from "./infer-spec.ts";

/** Where a tensor of the graph is in a spec: its name there, and axis j of the graph is axis `order[j]` there. */
export interface PlacedTensor {
  readonly tensor: string;
  readonly order?: readonly number[] | undefined;
}

/**
 * A function from names of values to indices of permutations of `resolved`, in the order of the value's axes. What the
 * graph finds and the spec does not move has none. `place` returns where the spec has a tensor of the graph.
 */
export function valueGroups(
  conclusion: Conclusion,
  resolved: ResolvedSpec,
  place: (tensor: string) => PlacedTensor | undefined,
): (value: string) => readonly number[] {
  const numbers = numbersOf(conclusion, resolved, place);
  const { reading } = conclusion;
  const known = new Map<Int32Array, Map<string, readonly number[]>>();
  const groupsOf = ({ bundle, size, stride }: Digit): readonly number[] => {
    if (bundle === undefined || typeof size !== "number") return [];
    const ofBundle = known.get(bundle.units) ?? new Map<string, readonly number[]>();
    known.set(bundle.units, ofBundle);
    const key = `${size}:${stride}`;
    const digits = ofBundle.get(key) ?? changingDigits(conclusion, bundle.units, size, stride);
    ofBundle.set(key, digits);
    return digits.flatMap((digit) => numbers.get(digit) ?? []);
  };
  return (value) => {
    const axes = (reading.values.get(value)?.axes ?? []).map((axis) => axis.flatMap(groupsOf));
    return [...new Set(axes.flatMap((axis) => innermost(resolved, axis)))];
  };
}

/** A nested permutation on an axis includes those that it is nested in. */
function innermost({ permutations }: ResolvedSpec, axis: readonly number[]): number[] {
  const outers = new Set<number>();
  for (const each of axis)
    for (let at = permutations[each]!.outer; at >= 0; at = permutations[at]!.outer) outers.add(at);
  return axis.filter((each) => !outers.has(each));
}

/** Digits of families that change along `size` steps of `stride` units, wherever these begin. */
function changingDigits(conclusion: Conclusion, units: Int32Array, size: number, stride: number): readonly number[] {
  const changing = new Set<number>();
  for (let high = 0; high < units.length; high += size * stride)
    for (let low = 0; low < stride; low++)
      addChanging(
        conclusion,
        Array.from({ length: size }, (_, i) => units[high + i * stride + low]!),
        changing,
      );
  return [...changing];
}

/** Adds the digits that have several values in a list of units. */
function addChanging({ families, digits }: Conclusion, units: readonly number[], changing: Set<number>): void {
  const values = new Map<number, number>();
  for (const each of units) {
    const unit = families.structure.number[each]!;
    const family = families.familyOf[unit]!;
    if (family < 0) continue;
    for (const digit of digits.of[family]!) {
      if (changing.has(digit)) continue;
      const value = digits.value(family, families.strandOf[unit]!, digit);
      if (!values.has(digit)) values.set(digit, value);
      else if (values.get(digit) !== value) changing.add(digit);
    }
  }
}

/** Digits of the graph → indices of permutations: those that act at the same places of the same tensors. */
function numbersOf(
  { spec, names, reading }: Conclusion,
  resolved: ResolvedSpec,
  place: (tensor: string) => PlacedTensor | undefined,
): Map<number, number> {
  const own = resolveSpec(spec, reading.model.tensors);
  const there = new Map(resolved.tensors.map((tensor) => [tensor.name, tensor]));
  const found = new Map<string, number>();
  for (const tensor of own.tensors) {
    const { tensor: name, order } = place(tensor.name) ?? {};
    const other = name === undefined ? undefined : there.get(name);
    if (other === undefined || other.axes.length !== tensor.axes.length) continue;
    const places = placesOf(resolved, other, (axis) => axis);
    for (const [key, permutation] of placesOf(own, tensor, (axis) => order?.[axis] ?? axis)) {
      const same = places.get(key);
      if (same !== undefined && !found.has(own.permutations[permutation]!.name))
        found.set(own.permutations[permutation]!.name, same);
    }
  }
  return new Map([...names].flatMap(([digit, name]) => (found.has(name) ? [[digit, found.get(name)!]] : [])));
}

/** Where permutations act on a tensor, as texts; a nested one acts in blocks, which those around it move. */
function placesOf(
  { permutations }: ResolvedSpec,
  { axes }: ResolvedTensor,
  numbered: (axis: number) => number,
): Map<string, number> {
  const places = new Map<string, number>();
  const add = (where: string, { permutation, size, stride, within }: ResolvedFactor): void => {
    if (permutation < 0) return;
    places.set(`${where} ${size} ${stride}`, permutation);
    const { outer, inner } = permutations[permutation]!;
    if (outer >= 0 && within === undefined)
      add(where, { permutation: outer, size: size / inner, stride: stride * inner });
  };
  for (const [axis, { segments }] of axes.entries())
    for (const { offset, length, factors } of segments)
      for (const factor of factors) add(`${numbered(axis)} ${offset} ${length}`, factor);
  return places;
}
