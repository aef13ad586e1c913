/** Which positions of which tensors keep their places, and why. */

import type { Families } from "./families.ts";
import type { Reading } from "./reading.ts";

/** Positions of an axis that keep their places. */
export interface FrozenAxis {
  readonly tensor: string;
  readonly axis: number;
  /** The first position, and the one after the last. */
  readonly from: number;
  readonly until: number;
  /** Name of the operator, input or output that asks for it. */
  readonly operator: string;
  readonly reason: string;
}

/** All of them, in the model's order; neighbours with one cause are one entry. */
export function frozenAxes(
  { model, units }: Reading,
  families: Families,
  tensors: ReadonlyMap<string, readonly Int32Array[]>,
): FrozenAxis[] {
  const causes = causesOf(families);
  const unread = { operator: "", reason: "no operator that runs reads it" };
  const apart = { operator: "this graph", reason: "its units are read in ways that tell them apart" };
  const frozen: FrozenAxis[] = [];
  for (const [tensor, { shape }] of model.tensors) {
    const axes = tensors.get(tensor);
    for (const [axis, size] of shape.entries()) {
      if (size === 1) continue;
      if (axes === undefined) {
        frozen.push({ tensor, axis, from: 0, until: size, ...unread });
        continue;
      }
      const numbers = axes[axis]!.map((unit) => families.structure.number[unit]!);
      for (let at = 0; at < size; ) {
        const own = numbers[at]!;
        let until = at + 1;
        if (families.familyOf[own]! >= 0) {
          at = until;
          continue;
        }
        while (until < size && families.familyOf[numbers[until]!]! < 0 && causes[numbers[until]!] === causes[own])
          until++;
        frozen.push({ tensor, axis, from: at, until, ...(units.causes[causes[own]!] ?? apart) });
        at = until;
      }
    }
  }
  return frozen;
}

/** The cause of every unit that cannot move; of those that others hold in place, the others'. */
function causesOf({ structure, familyOf }: Families): Int32Array {
  const causes = Int32Array.from(structure.causes);
  for (let changed = true; changed; ) {
    changed = false;
    for (const { child, parent } of structure.relations) {
      for (let at = 0; at < child.length; at++) {
        const [a, b] = [child[at]!, parent[at]!];
        if (familyOf[a]! >= 0 || familyOf[b]! >= 0 || causes[a]! >= 0 === causes[b]! >= 0) continue;
        if (causes[a]! >= 0) causes[b] = causes[a]!;
        else causes[a] = causes[b]!;
        changed = true;
      }
    }
  }
  return causes;
}
