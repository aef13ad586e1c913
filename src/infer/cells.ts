/**
 * Which units can replace each other: the coarsest partition into cells (colour refinement). Every set is a union of
 * cells, each unit that cannot move is a separate cell, and relations treat the units of a cell alike.
 */

import type { Units } from "./units.ts";

/** Units numbered from 0 after `union`; sets and relations in these numbers. */
export interface Structure {
  readonly count: number;
  /** By unit of `Units`. */
  readonly number: Int32Array;
  /** By number: a unit of `Units`. */
  readonly unit: Int32Array;
  readonly sets: Int32Array[];
  readonly relations: { child: Int32Array; parent: Int32Array }[];
  /** The cause that fixes a unit, or −1. */
  readonly causes: Int32Array;
}

/** The cell of every unit, and how many units each cell has. */
export interface UnitCells {
  readonly of: Int32Array;
  readonly sizes: number[];
}

/** Units as numbers. */
export function structureOf(units: Units): Structure {
  const total = units.count;
  const number = new Int32Array(total);
  const roots: number[] = [];
  for (let unit = 0; unit < total; unit++) if (units.find(unit) === unit) number[unit] = roots.push(unit) - 1;
  for (let unit = 0; unit < total; unit++) number[unit] = number[units.find(unit)]!;
  const numbered = (list: Int32Array): Int32Array => list.map((unit) => number[unit]!);
  return {
    count: roots.length,
    number,
    unit: Int32Array.from(roots),
    sets: units.sets.map(numbered),
    relations: units.relations.map(({ child, parent }) => ({ child: numbered(child), parent: numbered(parent) })),
    causes: Int32Array.from(roots, (root) => units.causeOf(root)),
  };
}

/** The coarsest partition. */
export function refineCells({ count, sets, relations, causes }: Structure): UnitCells {
  const cells: UnitCells = { of: new Int32Array(count), sizes: [count] };
  for (let unit = 0; unit < count; unit++) if (causes[unit]! >= 0) alone(cells, unit);
  for (const set of distinctSets(sets)) splitBy(cells, set, () => 0);
  for (let changed = true; changed; ) {
    changed = false;
    for (const relation of relations) changed = refineBy(cells, relation) || changed;
  }
  return cells;
}

function alone({ of, sizes }: UnitCells, unit: number): void {
  const from = of[unit]!;
  sizes[from] = sizes[from]! - 1;
  of[unit] = sizes.push(1) - 1;
}

/** Sets without those that are there already, in any order. */
function distinctSets(sets: readonly Int32Array[]): Int32Array[] {
  const kept = new Map<string, Int32Array[]>();
  return sets.filter((set) => {
    const key = `${set.length} ${set[0]} ${set[set.length >> 1]} ${set.at(-1)}`;
    const like = kept.get(key) ?? [];
    if (like.some((other) => other.every((unit, at) => unit === set[at]))) return false;
    kept.set(key, [...like, set]);
    return true;
  });
}

/**
 * Splits cells by the key of each of `units`; units of a cell that are not among them stay. True when a cell was split.
 */
function splitBy(cells: UnitCells, units: ArrayLike<number>, keyOf: (at: number) => number): boolean {
  const { of, sizes } = cells;
  const groups = new Map<number, Map<number, number[]>>();
  const seen = new Set<number>();
  for (let at = 0; at < units.length; at++) {
    const unit = units[at]!;
    const cell = of[unit]!;
    if (sizes[cell] === 1 || seen.has(unit)) continue;
    seen.add(unit);
    const own = groups.get(cell) ?? new Map<number, number[]>();
    groups.set(cell, own);
    const key = keyOf(at);
    const list = own.get(key);
    if (list === undefined) own.set(key, [unit]);
    else list.push(unit);
  }
  let changed = false;
  for (const [cell, own] of groups) {
    const covered = [...own.values()].reduce((sum, list) => sum + list.length, 0);
    let whole = covered === sizes[cell];
    for (const list of own.values()) {
      if (whole) {
        whole = false;
        continue;
      }
      for (const unit of list) of[unit] = sizes.length;
      sizes.push(list.length);
      sizes[cell] = sizes[cell]! - list.length;
      changed = true;
    }
  }
  return changed;
}

/** Children differ by their parents' cells, parents by how many children of each cell they have. */
function refineBy(cells: UnitCells, { child, parent }: { child: Int32Array; parent: Int32Array }): boolean {
  let changed = splitBy(cells, child, (at) => cells.of[parent[at]!]!);
  const byCell = new Map<number, number[]>();
  for (let at = 0; at < child.length; at++) {
    const cell = cells.of[child[at]!]!;
    const list = byCell.get(cell);
    if (list === undefined) byCell.set(cell, [parent[at]!]);
    else list.push(parent[at]!);
  }
  for (const parents of byCell.values()) {
    if (parents.every((unit) => cells.sizes[cells.of[unit]!] === 1)) continue;
    const counts = new Map<number, number>();
    for (const unit of parents) counts.set(unit, (counts.get(unit) ?? 0) + 1);
    const list = [...counts.keys()];
    changed = splitBy(cells, list, (at) => counts.get(list[at]!)!) || changed;
  }
  return changed;
}
