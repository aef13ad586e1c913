/** Numbers every family's strands by digits: one of the family itself, before it those of what it is nested in. */

import type { Families } from "./families.ts";
import type { UnitFamily } from "./family.ts";

/** The digits of all strands. A digit is named by the family that it numbers. */
export interface Digits {
  /** By family: the digits that number its strands, outer ones first. */
  readonly of: readonly (readonly number[])[];
  /** By family: strands of what it is nested in, if it is nested. */
  readonly outer: readonly (number | undefined)[];
  /** By family: how many values its own digit has. */
  readonly counts: readonly number[];
  /** Value of digit `digit` of strand `strand` of `family`, −1 where it has no number yet. */
  value(family: number, strand: number, digit: number): number;
  /** Gives numbers to what is met for the first time, in this order. */
  meet(numbers: Int32Array): void;
}

/** Digits without numbers: they are given in the order in which strands are met. */
export function createDigits({ list, familyOf, strandOf }: Families): Digits {
  const strands = digitStrands(list);
  const own = list.map(({ size }) => new Int32Array(size).fill(-1));
  const met = list.map(({ parents }) => new Int32Array(outerSize(list, parents)));
  const give = (digit: number, strand: number): void => {
    if (own[digit]![strand] !== -1) return;
    const [parent] = list[digit]!.parents;
    const block = parent === undefined ? 0 : parent.map[strand]!;
    own[digit]![strand] = met[digit]![block]!++;
  };
  return {
    of: strands.map((maps) => [...maps.keys()]),
    outer: list.map(({ parents }) => (parents.length === 1 ? parents[0]!.family : undefined)),
    counts: list.map(({ size, parents }) => size / outerSize(list, parents)),
    value: (family, strand, digit) => own[digit]![strands[family]!.get(digit)![strand]!]!,
    meet(numbers) {
      for (const unit of numbers) {
        const family = familyOf[unit]!;
        if (family >= 0) for (const [digit, to] of strands[family]!) give(digit, to[strandOf[unit]!]!);
      }
    },
  };
}

/** By family: for each of its digits, the strand of the digit's family. A product has no own digit. */
function digitStrands(list: readonly UnitFamily[]): ReadonlyMap<number, Int32Array>[] {
  const strands: Map<number, Int32Array>[] = [];
  const visit = (family: number): Map<number, Int32Array> => {
    const known = strands[family];
    if (known !== undefined) return known;
    const { size, parents } = list[family]!;
    const maps = new Map<number, Int32Array>();
    strands[family] = maps;
    for (const { family: parent, map } of parents)
      for (const [digit, to] of visit(parent))
        maps.set(
          digit,
          map.map((strand) => to[strand]!),
        );
    if (parents.length < 2)
      maps.set(
        family,
        Int32Array.from({ length: size }, (_, at) => at),
      );
    return maps;
  };
  for (const family of list.keys()) visit(family);
  return strands;
}

/** Strands of what a nested family is nested in; 1 for others. */
function outerSize(list: readonly UnitFamily[], parents: UnitFamily["parents"]): number {
  return parents.length === 1 ? list[parents[0]!.family]!.size : 1;
}
