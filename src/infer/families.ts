/**
 * UnitCells become families. UnitCells that a relation maps one to one move together and are one family; its elements
 * are strands. A family whose strands belong to those of another is nested in it (units of heads); one whose strands
 * are numbered by those of several others is their product. What is left is free: any order of its strands keeps every
 * set and every relation.
 */

import { refineCells, type Structure, structureOf, type UnitCells } from "./cells.ts";
import type { StrandMap, UnitFamily } from "./family.ts";
import { jointMaps } from "./joint-maps.ts";
import type { Units } from "./units.ts";

/** All families, and where each unit is. */
export interface Families {
  readonly structure: Structure;
  readonly cells: UnitCells;
  readonly list: readonly UnitFamily[];
  /** By number of a unit; −1 where it cannot move. */
  readonly familyOf: Int32Array;
  readonly strandOf: Int32Array;
}

/** No network's heads and experts are nested so often. */
const MAX_ROUNDS = 10_000;

/** The families of all units. Adds relations to `units` where families turn out to share blocks. */
export function familiesOf(units: Units): Families {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const structure = structureOf(units);
    const cells = refineCells(structure);
    const unread = unreadUnits(structure, cells);
    if (unread.length > 0) {
      units.fix(
        unread.map((number) => structure.unit[number]!),
        units.cause("this graph", "reads other positions only"),
      );
      continue;
    }
    const strands = strandsOf(structure, cells);
    if (strands.conflict.length > 0) {
      const cause = units.cause("this graph", "reads one axis in two orders");
      units.fix(
        strands.conflict.map((number) => structure.unit[number]!),
        cause,
      );
      continue;
    }
    const families = build(structure, cells, strands);
    if (!jointMaps(units, structure, families)) return families;
  }
  throw new RangeError(`families are not settled after ${MAX_ROUNDS} rounds, expected fewer`);
}

/** Movable units of one set and no relation, where others of the set are read: rows of a table that nothing takes. */
function unreadUnits({ count, sets, relations }: Structure, { of, sizes }: UnitCells): number[] {
  const memberships = new Int32Array(count);
  const lengths = new Int32Array(count);
  for (const set of sets)
    for (const unit of set) {
      memberships[unit]! += 1;
      lengths[unit] = set.length;
    }
  for (const { child, parent } of relations)
    for (const list of [child, parent]) for (const unit of list) memberships[unit] = 2;
  const unread: number[] = [];
  for (let unit = 0; unit < count; unit++) {
    const size = sizes[of[unit]!]!;
    if (memberships[unit] === 1 && size > 1 && size < lengths[unit]!) unread.push(unit);
  }
  return unread;
}

interface Strands {
  /** Representative of each unit's strand. */
  readonly root: Int32Array;
  /** Units of one cell that would be one strand. */
  readonly conflict: readonly number[];
}

function strandsOf({ count, relations }: Structure, { of, sizes }: UnitCells): Strands {
  const root = Int32Array.from({ length: count }, (_, unit) => unit);
  const find = (unit: number): number => {
    let at = unit;
    while (root[at] !== at) at = root[at] = root[root[at]!]!;
    return at;
  };
  for (const { child, parent } of relations)
    for (let at = 0; at < child.length; at++) {
      const [from, to] = [of[child[at]!]!, of[parent[at]!]!];
      if (sizes[from]! > 1 && sizes[from] === sizes[to]) root[find(child[at]!)] = find(parent[at]!);
    }
  const conflict: number[] = [];
  const seen = new Map<number, number>();
  for (let unit = 0; unit < count; unit++) {
    root[unit] = find(unit);
    if (sizes[of[unit]!] === 1) continue;
    const key = of[unit]! * count + root[unit]!;
    const before = seen.get(key);
    if (before !== undefined) conflict.push(before, unit);
    seen.set(key, unit);
  }
  return { root, conflict };
}

function build(structure: Structure, cells: UnitCells, { root }: Strands): Families {
  const { count, relations } = structure;
  const { of, sizes } = cells;
  const [familyOf, strandOf] = [new Int32Array(count).fill(-1), new Int32Array(count).fill(-1)];
  const familyOfCell = new Map<number, number>();
  const familyOfRoot = new Map<number, number>();
  const strandOfRoot = new Map<number, number>();
  const members: number[][] = [];
  for (let unit = 0; unit < count; unit++) {
    if (sizes[of[unit]!] === 1) continue;
    const strand = root[unit]!;
    const family = familyOfCell.get(of[unit]!) ?? familyOfRoot.get(strand) ?? members.push([]) - 1;
    familyOfCell.set(of[unit]!, family);
    familyOfRoot.set(strand, family);
    if (!strandOfRoot.has(strand)) strandOfRoot.set(strand, members[family]!.push(unit) - 1);
    familyOf[unit] = family;
    strandOf[unit] = strandOfRoot.get(strand)!;
  }
  const links: StrandMap[][] = members.map(() => []);
  for (const { child, parent } of relations) addLinks(links, { child, parent }, { familyOf, strandOf, cells });
  const list = members.map((first, family) => ({
    size: first.length,
    parents: links[family]!,
    units: Int32Array.from(first),
  }));
  return { structure, cells, list, familyOf, strandOf };
}

/** The maps of strands that a relation makes, one for each pair of cells. */
function addLinks(
  links: StrandMap[][],
  { child, parent }: { child: Int32Array; parent: Int32Array },
  { familyOf, strandOf, cells }: Pick<Families, "familyOf" | "strandOf" | "cells">,
): void {
  const maps = new Map<number, StrandMap>();
  for (let at = 0; at < child.length; at++) {
    const [from, to] = [child[at]!, parent[at]!];
    const [family, other] = [familyOf[from]!, familyOf[to]!];
    if (family < 0 || other < 0 || family === other) continue;
    const cell = cells.of[from]!;
    const link = maps.get(cell) ?? { family: other, map: new Int32Array(cells.sizes[cell]!).fill(-1) };
    maps.set(cell, link);
    link.map[strandOf[from]!] = strandOf[to]!;
  }
  for (const [cell, link] of maps) {
    const family = familyOf[child.find((unit) => cells.of[unit] === cell)!]!;
    const known = links[family]!.some(
      (other) => other.family === link.family && other.map.every((to, at) => to === link.map[at]),
    );
    if (!known) links[family]!.push(link);
  }
}
