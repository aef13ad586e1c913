/** Families that belong to several others: which of these follow from another, and which blocks they share. */

import type { Structure } from "./cells.ts";
import type { StrandMap, UnitFamily } from "./family.ts";
import type { Units } from "./units.ts";

interface Draft {
  readonly structure: Structure;
  readonly list: readonly UnitFamily[];
}

/**
 * Drops maps that follow from others and checks the rest. `units` learns where one decides another, where two share
 * blocks without a name, and where strands are no product of what they belong to. True when it did: then everything is
 * concluded again.
 */
export function jointMaps(
  units: Units,
  structure: Structure,
  draft: { readonly list: readonly UnitFamily[] },
): boolean {
  const { list } = draft;
  const learner: Draft = { structure, list };
  let learnt = false;
  for (const family of list) {
    const links = family.parents as StrandMap[];
    for (let a = 0; a < links.length; a++)
      for (let b = 0; b < links.length; b++)
        if (a !== b && decides(links[a]!, links[b]!)) learnt = learn(units, learner, links[a]!, links[b]!) || learnt;
  }
  if (learnt) return true;
  for (const family of list) dropImplied(family, list);
  for (const family of list) if (family.parents.length > 1) learnt = checkProduct(units, learner, family) || learnt;
  return learnt;
}

/** True where strands that `a` puts together are put together by `b`. */
function decides(a: StrandMap, b: StrandMap): boolean {
  const image = new Int32Array(maximum(a.map) + 1).fill(-1);
  for (let strand = 0; strand < a.map.length; strand++) {
    const at = a.map[strand]!;
    if (image[at] === -1) image[at] = b.map[strand]!;
    else if (image[at] !== b.map[strand]) return false;
  }
  return true;
}

function maximum(values: Int32Array): number {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  return most;
}

/** The map that `a` and `b` make from `a`'s family to `b`'s becomes a relation, unless there is one. */
function learn(units: Units, { structure, list }: Draft, a: StrandMap, b: StrandMap): boolean {
  const [from, to] = [list[a.family]!, list[b.family]!];
  const map = new Int32Array(from.size);
  for (let strand = 0; strand < a.map.length; strand++) map[a.map[strand]!] = b.map[strand]!;
  if (a.family === b.family) return false;
  if (reaches(list, a.family, b.family, map)) return false;
  units.relate(
    strandUnits(structure, from),
    Int32Array.from(map, (strand) => strandUnits(structure, to)[strand]!),
  );
  return true;
}

/** True where the parents of `family` lead to `target` by this map. */
function reaches(list: readonly UnitFamily[], family: number, target: number, map: Int32Array): boolean {
  return list[family]!.parents.some((link) => {
    if (link.family === target) return link.map.every((to, at) => to === map[at]);
    const next = new Int32Array(list[link.family]!.size).fill(-1);
    for (let strand = 0; strand < link.map.length; strand++) {
      const at = link.map[strand]!;
      if (next[at] !== -1 && next[at] !== map[strand]) return false;
      next[at] = map[strand]!;
    }
    return reaches(list, link.family, target, next);
  });
}

/** Units, as `Units` numbers them, of a family's strands in one of its cells. */
export function strandUnits({ unit }: Structure, { units }: UnitFamily): Int32Array {
  return units.map((number) => unit[number]!);
}

/** Leaves only the maps that do not follow from another by the other's family. */
function dropImplied(family: UnitFamily, list: readonly UnitFamily[]): void {
  const links = family.parents as StrandMap[];
  for (let at = links.length - 1; at >= 0; at--) {
    const { family: target, map } = links[at]!;
    const others = links.filter((_, k) => k !== at);
    const implied = others.some((other) => {
      const next = new Int32Array(list[other.family]!.size).fill(-1);
      for (let strand = 0; strand < map.length; strand++) {
        const to = other.map[strand]!;
        if (next[to] !== -1 && next[to] !== map[strand]) return false;
        next[to] = map[strand]!;
      }
      return reaches(list, other.family, target, next);
    });
    if (implied) links.splice(at, 1);
  }
}

/**
 * Strands must be all combinations of those that they belong to, block by block. Blocks that several parents share
 * become separate units; where combinations are missing or there several times, the smallest parent is fixed.
 */
function checkProduct(units: Units, { structure, list }: Draft, family: UnitFamily): boolean {
  const links = family.parents;
  const blocks = blocksOf(family, list);
  const tuples = new Set<string>();
  for (let strand = 0; strand < family.size; strand++) tuples.add(links.map(({ map }) => map[strand]).join());
  const expected = expectedTuples(family, list, blocks);
  if (tuples.size === family.size && expected === family.size && (blocks.count === 1 || named(family, list, blocks)))
    return false;
  if (tuples.size === family.size && expected === family.size) {
    const made = units.fresh(blocks.count);
    for (const [at, { family: parent }] of links.entries()) {
      const own = strandUnits(structure, list[parent]!);
      units.relate(
        own,
        Int32Array.from(blocks.of[at]!, (block) => made[block]!),
      );
    }
    return true;
  }
  const smallest = links.reduce((least, link) => (list[link.family]!.size < list[least.family]!.size ? link : least));
  units.fix(
    strandUnits(structure, list[smallest.family]!),
    units.cause("this graph", "numbers units in ways that do not fit together"),
  );
  return true;
}

interface Blocks {
  readonly count: number;
  /** By parent and strand of it. */
  readonly of: readonly Int32Array[];
}

/** Strands of all parents that are connected by the family's strands. */
function blocksOf({ parents, size }: UnitFamily, list: readonly UnitFamily[]): Blocks {
  const offsets: number[] = [];
  let total = 0;
  for (const { family } of parents) {
    offsets.push(total);
    total += list[family]!.size;
  }
  const root = Int32Array.from({ length: total }, (_, at) => at);
  const find = (at: number): number => {
    let up = at;
    while (root[up] !== up) up = root[up] = root[root[up]!]!;
    return up;
  };
  for (let strand = 0; strand < size; strand++) {
    const first = find(parents[0]!.map[strand]!);
    for (const [at, { map }] of parents.entries()) root[find(offsets[at]! + map[strand]!)] = first;
  }
  const numbers = new Map<number, number>();
  const of = parents.map(({ family }, at) =>
    Int32Array.from({ length: list[family]!.size }, (_, strand) => {
      const own = find(offsets[at]! + strand);
      if (!numbers.has(own)) numbers.set(own, numbers.size);
      return numbers.get(own)!;
    }),
  );
  return { count: numbers.size, of };
}

function expectedTuples({ parents }: UnitFamily, list: readonly UnitFamily[], { count, of }: Blocks): number {
  const products = new Float64Array(count).fill(1);
  for (const [at, { family }] of parents.entries()) {
    const sizes = new Float64Array(count);
    for (let strand = 0; strand < list[family]!.size; strand++) sizes[of[at]![strand]!]! += 1;
    for (let block = 0; block < count; block++) products[block]! *= sizes[block]!;
  }
  return products.reduce((sum, each) => sum + each, 0);
}

/** True where the shared blocks are those of a family that all parents belong to. */
function named({ parents }: UnitFamily, list: readonly UnitFamily[], { count, of }: Blocks): boolean {
  return list.some(
    (ancestor, target) =>
      ancestor.size === count &&
      parents.every(({ family }, at) => {
        const image = new Int32Array(count).fill(-1);
        return belongs(list, family, target).some((map) =>
          map.every((to, strand) => {
            const block = of[at]![strand]!;
            if (image[block] === -1) image[block] = to;
            return image[block] === to;
          }),
        );
      }),
  );
}

/** Maps from a family to one that it belongs to, directly or not. */
function belongs(list: readonly UnitFamily[], family: number, target: number): Int32Array[] {
  if (family === target) return [Int32Array.from({ length: list[family]!.size }, (_, at) => at)];
  return list[family]!.parents.flatMap((link) =>
    belongs(list, link.family, target).map((map) => link.map.map((strand) => map[strand]!)),
  );
}
