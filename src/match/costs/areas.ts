/**
 * The areas of wasm memory that a matching works in. The one list of them serves twice: an arena that only counts gives
 * the size of a matching, the real one hands the areas out.
 */

import { type Arena, countingArena } from "../../kernels/arena.ts";
import { CHUNK_BYTES } from "../../kernels/convert.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { MatrixPlaces } from "./matrices.ts";
import { dimsCount, hasRun } from "./offsets.ts";
import { isLinear, MAX_DEGREE, type Outline, otherDims } from "./problem.ts";
import type { Staged } from "./staging.ts";

/** Byte addresses. */
export interface Areas {
  /** One tensor of A and one of B as f32. */
  readonly staged: Staged;
  /** Two pairs of i32 lists, each as long as the most columns any occurrence has or the longest row list of any cell. */
  readonly offsetsA: number;
  readonly offsetsB: number;
  readonly columnsA: number;
  readonly columnsB: number;
  /** Work area of the `cost` kernel, for all threads. */
  readonly costWork: number;
  readonly assignWork: number;
  /** Outputs of one assignment: i32[n], f64[n], f64[n]. */
  readonly assigned: number;
  readonly rowDuals: number;
  readonly columnDuals: number;
  /** Column duals that are kept from visit to visit, f64[n] by permutation number; 0 for nested permutations. */
  readonly keptDuals: readonly number[];
  /** Matrices that are kept from visit to visit. */
  readonly kept: MatrixPlaces;
  /** Frank–Wolfe's running matrices; 0 for a descent. */
  readonly running: MatrixPlaces;
  /** Matrices of a linear term; 0 where there is none. */
  readonly linear: MatrixPlaces;
}

/** Matrices kept from visit to visit may take this much; beyond it, all groups share one and nothing is kept. */
const KEPT_BYTES = 2 ** 30;

/** Which matrices a matching needs. */
export interface Needs {
  /** Frank–Wolfe's running matrices too. */
  readonly jointly: boolean;
  /** Which permutations have a linear term; none unless given. */
  readonly linear?: readonly boolean[] | undefined;
  /** The matrix of this permutation alone is kept; all are unless given. */
  readonly only?: number | undefined;
  /** Where the matrices of a set are that is kept whole; each has its own place unless given. */
  readonly place?: PlaceSet | undefined;
}

/** The sets that may be kept in part. */
export type MatrixSet = "kept" | "running";

/** Addresses for the matrices of a set, from `arena`. */
export type PlaceSet = (arena: Arena, outline: Outline, set: MatrixSet) => MatrixPlaces;

/** Byte address up to which a matching of `outline` can use memory. */
export function areasEnd(kernels: Kernels, outline: Outline, needs: Needs): number {
  const plan = countingArena(kernels.arena.mark());
  allocateAreas(plan, kernels, outline, needs);
  plan.allocate(passingBytes(outline, needs.jointly));
  return plan.mark();
}

/** Hands the areas out from `arena`; the kernels only report the size of their work area. */
export function allocateAreas(
  arena: Arena,
  { wasm, pool }: Kernels,
  outline: Outline,
  { jointly, linear = [], only, place = placeAll }: Needs,
): Areas {
  const { size, solved, columns, longest } = measure(outline);
  const largest = outline.tensors.reduce((most, { elements }) => Math.max(most, elements), 0);
  return {
    staged: { a: arena.allocate(4 * largest), b: arena.allocate(4 * largest) },
    offsetsA: arena.allocate(4 * longest),
    offsetsB: arena.allocate(4 * longest),
    columnsA: arena.allocate(4 * longest),
    columnsB: arena.allocate(4 * longest),
    costWork: arena.allocate(pool.workBytes(size, columns)),
    assignWork: arena.allocate(wasm.assignWork(solved, solved) >>> 0),
    assigned: arena.allocate(4 * size),
    rowDuals: arena.allocate(8 * solved),
    columnDuals: arena.allocate(8 * solved),
    keptDuals: allocateDuals(arena, outline),
    kept: only === undefined ? allocateKept(arena, outline, place) : allocateEach(arena, outline, (p) => p === only),
    running: jointly ? place(arena, outline, "running") : allocateEach(arena, outline, () => false),
    linear: allocateEach(arena, outline, (p) => linear[p] ?? false),
  };
}

/** Rows of the largest matrix and of the largest assignment, most columns of any occurrence, longest list of offsets. */
function measure({ permutations, ...outline }: Outline): {
  size: number;
  solved: number;
  columns: number;
  longest: number;
} {
  const size = Math.max(1, ...outline.sides);
  const solved = Math.max(1, ...permutations.map(({ outer, inner, size: n }) => (outer < 0 ? n : inner)));
  let columns = 1;
  for (const occurrence of outline.occurrences.flat()) columns = Math.max(columns, dimsCount(otherDims(occurrence)));
  let longest = columns;
  for (const { dims } of outline.tensors.flatMap(({ cells }) => cells)) {
    // The dot products walk rows × columns × run: a run takes no list.
    const walked = hasRun(dims) ? dims.slice(0, -1) : dims;
    longest = Math.max(longest, walked.at(-1)?.size ?? 1, dimsCount(walked.slice(0, -1)));
  }
  return { size, solved, columns, longest };
}

/** By permutation. */
export const matrixBytes = ({ sides }: Pick<Outline, "sides">): number[] => sides.map((side) => 4 * side * side);

const placeAll: PlaceSet = (arena, outline) => allocateEach(arena, outline, () => true);

/** A separate matrix for each permutation that `has` one, 0 for the others. */
function allocateEach(arena: Arena, outline: Outline, has: (p: number) => boolean): MatrixPlaces {
  const pointers = matrixBytes(outline).map((bytes, p) => (bytes > 0 && has(p) ? arena.allocate(bytes) : 0));
  return { pointers, shared: false };
}

function allocateDuals(arena: Arena, { permutations, groups }: Outline): number[] {
  const pointers: number[] = new Array(permutations.length).fill(0);
  for (const { root } of groups) pointers[root] = arena.allocate(8 * permutations[root]!.size);
  return pointers;
}

/**
 * Whether matrices are kept from visit to visit: with them, updates save time, and rounding differs. Where each is
 * visited once, none is.
 */
export function isKept(outline: Pick<Outline, "sides" | "occurrences" | "tensors">): boolean {
  if (isLinear(outline) || outline.tensors.some(({ blocks }) => blocks !== undefined)) return false;
  return matrixBytes(outline).reduce((sum, bytes) => sum + bytes, 0) <= KEPT_BYTES;
}

function allocateKept(arena: Arena, outline: Outline, place: PlaceSet): MatrixPlaces {
  if (isKept(outline)) return place(arena, outline, "kept");
  return { pointers: allocateShared(arena, outline.groups, matrixBytes(outline)), shared: true };
}

/** One matrix for all groups, as large as the largest. `bytes`: by permutation. */
export function allocateShared(arena: Arena, groups: Outline["groups"], bytes: readonly number[]): number[] {
  // A root and what is nested in it are solved together, so each of them needs a matrix of its own.
  const members = groups.map(({ root, nested }) => [root, ...nested]);
  const pointers: number[] = [];
  for (let slot = 0; ; slot++) {
    const those = members.flatMap((group) => group[slot] ?? []);
    if (those.length === 0) return pointers;
    const at = arena.allocate(Math.max(...those.map((p) => bytes[p]!)));
    for (const p of those) pointers[p] = at;
  }
}

/**
 * A copy of the matrix of every permutation of a group that others are nested in, and of a block where fibres tie some.
 */
function sumBytes({ permutations, fibres, free }: Outline, { root, nested }: Outline["groups"][number]): number {
  if (!free[root]) return 0;
  const outer = [root, ...nested].filter((p) => nested.some((each) => permutations[each]!.outer === p));
  const tied = nested.flatMap((p) => fibres.get(p) ?? []);
  const blocks =
    tied.length > 0 ? outer.length * aligned(4 * Math.max(...tied.map((p) => permutations[p]!.inner)) ** 2) : 0;
  return outer.reduce((sum, p) => sum + aligned(4 * permutations[p]!.size ** 2), blocks);
}

/** An allocation's bytes with the most that aligning it can add. */
const aligned = (bytes: number): number => bytes + 64;

/**
 * What is allocated beside the areas and released again: widening, folding at the barycentre, sums of outer
 * permutations.
 */
function passingBytes(outline: Outline, jointly: boolean): number {
  let most = 0;
  for (const group of outline.groups) most = Math.max(most, sumBytes(outline, group));
  for (const [p, { size }] of outline.permutations.entries())
    for (const { cell } of outline.occurrences[p]!) {
      if (!jointly || cell.degree !== MAX_DEGREE) continue;
      const free = dimsCount(cell.dims.filter(({ permutation }) => permutation < 0));
      most = Math.max(most, 2 * aligned(4 * size * free));
    }
  return most + aligned(outline.tensors.every(({ dtype }) => dtype === "F32") ? 0 : CHUNK_BYTES);
}
