/**
 * What only specs with blocks and slices (`rebasin-spec/2`) need, loaded when the first of them is matched:
 * `match/nested.ts` has it. Types alone, since the core has none of the code.
 */

import type { ResolvedPermutation, ResolvedSpec, ResolvedTensor } from "../../axes/types.ts";
import type { FibreNumber, View } from "../../axes/views.ts";
import type { BytePart } from "../../base/model.ts";
import type { Kernels } from "../../kernels/kernels.ts";

/**
 * By number of the permutation: those whose units it numbers together, the first the slowest. Their outer one is its
 * own.
 */
export type Fibres = ReadonlyMap<number, readonly number[]>;

/** Permutations with those of fibres after them, which are added as they are asked for. */
export interface FibreList {
  readonly permutations: readonly ResolvedPermutation[];
  readonly fibres: Fibres;
  readonly number: FibreNumber;
}

/**
 * A nested permutation: the address of its costs, its units, those of a block, and their places where it may not move.
 */
export interface TiedPart {
  readonly p: number;
  readonly costs: number;
  readonly size: number;
  readonly inner: number;
  readonly held: Int32Array | null;
}

/** A fibre: the address of its costs, its units, and the numbers of the permutations whose units it numbers together. */
export interface TiedFibre {
  readonly costs: number;
  readonly size: number;
  readonly parts: readonly number[];
}

/** What giving block h the source block g is worth (n×n), and in which order of the units inside (n×n×inner). */
export interface Inside {
  readonly p: number;
  readonly values: Float64Array;
  readonly orders: Int32Array;
}

/** The best order of permutation `p` for the n×n f32 matrix at byte address `costs`. */
export type Assign = (p: number, costs: number, n: number) => Int32Array;

export interface NestedCode {
  /** The same tensor; permutations that stay `inPlace` are fixed sizes. */
  fix(tensor: ResolvedTensor, inPlace: readonly boolean[]): ResolvedTensor;
  viewOf(tensor: ResolvedTensor, permutations: readonly ResolvedPermutation[], fibreNumber: FibreNumber): View;
  readView(
    view: Pick<View, "names" | "layout">,
    bytesPerElement: number,
    read: (name: string, part?: BytePart) => Promise<Uint8Array>,
  ): Promise<Uint8Array>;
  listFibres(permutations: readonly ResolvedPermutation[]): FibreList;
  /** `orders` of the permutations that a spec has, with those of fibres after them. */
  withFibres(list: Pick<FibreList, "permutations" | "fibres">, orders: readonly Int32Array[]): Int32Array[];
  /** The order of fibre `p` that the orders of its outer permutation and of its parts make up. */
  fibreOrder(
    permutations: readonly ResolvedPermutation[],
    p: number,
    parts: readonly number[],
    orders: { readonly [permutation: number]: Int32Array },
  ): Int32Array;
  assignTied(
    kernels: Kernels,
    assign: Assign,
    parts: readonly TiedPart[],
    fibres: readonly TiedFibre[],
    n: number,
  ): Inside[];
}

/** True for a spec that is not matched without `NestedCode`. */
export function needsNested({ tensors }: ResolvedSpec): boolean {
  return tensors.some(
    ({ slice, axes }) =>
      slice !== undefined ||
      axes.some(({ segments }) => segments.some(({ factors }) => factors.some(({ within }) => within !== undefined))),
  );
}
