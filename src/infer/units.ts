/**
 * Units: the points that permutations move. Every position of a movable axis has one; positions that must move together
 * have the same. Three facts are collected while a graph is read, and everything else is concluded from them:
 * - two units move together (`union`), or a unit cannot move (`fix`, with the cause);
 * - a set of units is one axis, or several axes as a whole, so it is mapped to itself (`sets`);
 * - every unit of a set belongs to a unit of another (`relations`: the unit of a head, a copy in a concatenation).
 */

import { SpecError } from "../base/errors.ts";
import { createOrigins } from "./origins.ts";

/** Why units cannot move. */
export interface Cause {
  readonly operator: string;
  readonly reason: string;
}

/** `parent[i]` is what `child[i]` belongs to: one function from units to units. */
export interface UnitRelation {
  readonly child: Int32Array;
  readonly parent: Int32Array;
}

/** More units than the graphs of the largest networks have; what would need more is fixed. */
export const MAX_UNITS: number = 2 ** 24;

/** All units of a graph. */
export class Units {
  readonly causes: Cause[] = [];
  readonly sets: Int32Array[] = [];
  readonly relations: UnitRelation[] = [];
  /** How many there are. */
  count = 0;
  /** Of units that are one, all but the first point to another. */
  #roots = new Int32Array(1024);
  #fixed = new Int32Array(1024);
  #sorts = new Int32Array(1024);
  readonly #origins = createOrigins();
  readonly #numbers = new Map<string, number>();

  /** The number of a cause. */
  cause(operator: string, reason: string): number {
    const key = `${operator}\n${reason}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.causes.length);
    return this.causes.push({ operator, reason }) - 1;
  }

  /** New units, one a position, which are a set. */
  fresh(size: number): Int32Array {
    const { count } = this;
    if (!(count + size <= MAX_UNITS))
      throw new SpecError(`the graph has more than ${MAX_UNITS} units, expected no more: inference follows each`);
    if (count + size > this.#roots.length) {
      const capacity = Math.max(count + size, 2 * this.#roots.length);
      this.#roots = grown(this.#roots, capacity);
      this.#fixed = grown(this.#fixed, capacity);
      this.#sorts = grown(this.#sorts, capacity);
    }
    const units = Int32Array.from({ length: size }, (_, at) => count + at);
    this.#roots.set(units, count);
    this.#fixed.fill(-1, count, count + size);
    this.#sorts.fill(this.#origins.next(), count, count + size);
    this.count += size;
    return this.set(units);
  }

  /** Declares that these units, all made by one call of `fresh` and none of them twice, are a set. Returns them. */
  set(units: Int32Array): Int32Array {
    this.sets.push(units);
    return units;
  }

  /** Declares that each unit of `child` belongs to that of `parent` at its place. */
  relate(child: Int32Array, parent: Int32Array): void {
    this.relations.push({ child, parent });
  }

  /** The first of the units that are one with this. */
  find(unit: number): number {
    const roots = this.#roots;
    let root = unit;
    while (roots[root] !== root) root = roots[root]!;
    for (let at = unit; at !== root; ) {
      const next = roots[at]!;
      roots[at] = root;
      at = next;
    }
    return root;
  }

  /**
   * Units at the same place of `a` and `b` move together. They become one, unless a set would then have one unit twice.
   */
  union(a: Int32Array, b: Int32Array): void {
    if (a === b) return;
    for (let at = 0; at < a.length; at++) {
      const [first, second] = [this.find(a[at]!), this.find(b[at]!)];
      if (first === second) continue;
      const sort = this.#origins.merged(this.#sorts[first]!, this.#sorts[second]!);
      if (sort < 0) {
        this.relate(a, b);
        return;
      }
      const [kept, lost] = first < second ? [first, second] : [second, first];
      this.#roots[lost] = kept;
      this.#sorts[kept] = sort;
      if (this.#fixed[kept]! < 0) this.#fixed[kept] = this.#fixed[lost]!;
    }
  }

  /** Declares that these units cannot move. */
  fix(units: ArrayLike<number>, cause: number): void {
    for (let at = 0; at < units.length; at++) {
      const root = this.find(units[at]!);
      if (this.#fixed[root]! < 0) this.#fixed[root] = cause;
    }
  }

  /** The cause that fixes a unit, or −1. */
  causeOf(unit: number): number {
    return this.#fixed[this.find(unit)]!;
  }
}

function grown(values: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(capacity);
  longer.set(values);
  return longer;
}
