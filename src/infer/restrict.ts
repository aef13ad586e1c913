/**
 * Where the axis algebra has no words for an order, units are restricted until it has: still what the network allows,
 * but less.
 */

import type { Unsaid } from "./describe-axis.ts";
import type { Digits } from "./digits.ts";
import type { Families } from "./families.ts";
import { strandUnits } from "./joint-maps.ts";
import type { Units } from "./units.ts";

/**
 * Restricts what `unsaid` names on an axis. A nested family gets one inner order for all blocks. A free one whose order
 * is turned round like a matrix becomes a product, and two that alternate become one. One that others interrupt becomes
 * one for each run. Anything else is fixed.
 */
export function restrict(
  units: Units,
  families: Families,
  digits: Digits,
  axis: Int32Array,
  { digit, at }: Unsaid,
): void {
  if (digits.outer[digit] !== undefined) {
    alikeInside(units, families, digits, digit);
    return;
  }
  if (asProduct(units, families, digits, digit, axis) || asOne(units, families, digits, digit, axis, at)) return;
  const cause = units.cause("the axis algebra", "has no words for the order of these positions");
  if (asRuns(units, families, digit, axis, cause)) return;
  units.fix(strandUnits(families.structure, families.list[digit]!), cause);
}

/** Every strand belongs to its number inside of its block, too. */
function alikeInside(units: Units, families: Families, digits: Digits, family: number): void {
  const own = strandUnits(families.structure, families.list[family]!);
  const places = units.fresh(digits.counts[family]!);
  units.relate(
    own,
    own.map((_, strand) => places[Math.max(0, digits.value(family, strand, family))]!),
  );
}

/** Values of a digit in the order of the axis's positions, each unit's once; undefined where others have it, too. */
function orderOn(families: Families, digits: Digits, digit: number, axis: Int32Array): number[] {
  const { familyOf, strandOf } = families;
  return [...axis].flatMap((unit) => {
    const family = familyOf[unit]!;
    return family >= 0 && digits.of[family]!.includes(digit) ? [digits.value(family, strandOf[unit]!, digit)] : [];
  });
}

/** An order 0, b, 2b, …, 1, b + 1, …: rows and columns each have their own permutation. */
function asProduct(units: Units, families: Families, digits: Digits, digit: number, axis: Int32Array): boolean {
  const order = orderOn(families, digits, digit, axis);
  const count = digits.counts[digit]!;
  const step = order[1]! - order[0]!;
  if (order.length !== count || !(step > 1) || count % step !== 0) return false;
  const rows = count / step;
  if (rows < 2 || !order.every((value, at) => value === (at % rows) * step + Math.floor(at / rows))) return false;
  const own = strandUnits(families.structure, families.list[digit]!);
  const [row, column] = [units.fresh(rows), units.fresh(step)];
  const numberOf = (strand: number): number => digits.value(digit, strand, digit);
  units.relate(
    own,
    own.map((_, strand) => row[Math.floor(numberOf(strand) / step)]!),
  );
  units.relate(
    own,
    own.map((_, strand) => column[numberOf(strand) % step]!),
  );
  return true;
}

/** Two free families of one size whose positions alternate become one. */
function asOne(units: Units, families: Families, digits: Digits, digit: number, axis: Int32Array, at: number): boolean {
  const other = families.familyOf[axis[at]!]!;
  const isFree = (family: number): boolean => family >= 0 && families.list[family]!.parents.length === 0;
  if (other === digit || !isFree(other) || families.list[other]!.size !== families.list[digit]!.size) return false;
  const byValue = new Map<number, number>();
  for (const [strand, unit] of strandUnits(families.structure, families.list[other]!).entries())
    byValue.set(digits.value(other, strand, other), unit);
  const own = strandUnits(families.structure, families.list[digit]!);
  const partners = own.map((_, strand) => byValue.get(digits.value(digit, strand, digit)) ?? -1);
  if (partners.includes(-1)) return false;
  units.relate(own, partners);
  return true;
}

/** Units of a free family that follow each other on the axis stay among themselves. */
function asRuns(units: Units, families: Families, digit: number, axis: Int32Array, cause: number): boolean {
  const { structure, list, familyOf, strandOf } = families;
  const { size, parents } = list[digit]!;
  if (parents.length > 0) return false;
  const runOf = new Int32Array(size).fill(-1);
  let runs = 0;
  for (const [at, unit] of axis.entries()) {
    if (familyOf[unit] !== digit) continue;
    if (at === 0 || familyOf[axis[at - 1]!] !== digit) runs++;
    if (runOf[strandOf[unit]!] !== -1) return false;
    runOf[strandOf[unit]!] = runs - 1;
  }
  if (runs < 2 || runs === size || runOf.includes(-1)) return false;
  const made = units.fresh(runs);
  units.fix(made, cause);
  units.relate(
    strandUnits(structure, list[digit]!),
    Int32Array.from(runOf, (run) => made[run]!),
  );
  return true;
}
