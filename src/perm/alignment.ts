/** What moves B onto A: permutations by name. Conversions to lists by number are here too. */

import type { Spec } from "../axes/types.ts";

/** Permutations by name, in the gather convention: `p[i] = j` means slot i of the result is unit j of the source. */
export type Permutations = ReadonlyMap<string, Int32Array>;

/** Permutations by number of a resolved spec. Arrays are replaced and never changed. */
export type Orders = readonly Int32Array[];

/** What moves the units of a model: how B is aligned to A. Names that are missing stay in place. */
export interface Alignment {
  readonly permutations: Permutations;
}

/**
 * The alignment of `given`: itself, or one of these permutations alone. The map is not copied.
 *
 * @throws {TypeError} for anything else.
 */
export function alignmentOf(given: Alignment | Permutations): Alignment {
  const permutations = (given as Partial<Alignment> | undefined)?.permutations ?? given;
  if (typeof (permutations as Partial<Permutations> | undefined)?.entries !== "function")
    throw new TypeError(`permutations are ${typeof given}, expected a Map or what a matching gives`);
  return permutations === given ? { permutations: given as Permutations } : (given as Alignment);
}

/** `rebasin.kind` of files that hold an alignment. */
export const KIND = "alignment";

/** `rebasin.kind-version`: the version of the files' content. */
export const VERSION = "1";

/** What a permutation file holds. */
export interface SavedAlignment {
  readonly spec: Spec;
  readonly alignment: Alignment;
  /** Those of `alignment`. */
  readonly permutations: Map<string, Int32Array>;
}
