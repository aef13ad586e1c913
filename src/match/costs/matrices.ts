/** Sets of n×n f32 matrices, one for each permutation: what solvers do with cost matrices, without their addresses. */

import type { Kernels } from "../../kernels/kernels.ts";

/** Where the matrices of a set are. */
export interface MatrixPlaces {
  /** Byte addresses by permutation number. */
  readonly pointers: readonly number[];
  /** Whether permutations of different groups use one address: then nothing is kept there. */
  readonly shared: boolean;
}

/** What is done with a matrix next: `replace` does not look at what it held. */
export type MatrixUse = "read" | "change" | "replace";

/** Matrices by permutation number. */
export interface Matrices extends MatrixPlaces {
  /**
   * Brings a matrix to its address, from a file maybe. It is there until one of another group is brought; nothing else
   * of this interface may be asked of it before.
   */
  load(p: number, use: MatrixUse): Promise<void>;
  /** Σ_i C[i, order[i]] of the matrix of permutation `p`, in f64. */
  chosenSum(p: number, order: Int32Array): number;
  /** Σ of all entries, in f64. */
  total(p: number): number;
  /** C ← keep · C + add · D, with D the matrix of permutation `p` in `other`. */
  mix(p: number, other: MatrixPlaces, keep: number, add: number): void;
  /** Copies `values` (n² of them) in; zeros where there are none. */
  set(p: number, values: Float32Array | null): void;
}

/** `sizes`: n of each matrix, 0 where there is none; `assigned`: byte address of room for an order. */
export function createMatrices(
  kernels: Kernels,
  sizes: readonly number[],
  places: MatrixPlaces,
  assigned: number,
): Matrices {
  const { wasm } = kernels;
  const { pointers } = places;
  const cells = (p: number): number => sizes[p]! ** 2;
  return {
    ...places,
    // In memory all the time.
    load: async () => undefined,
    chosenSum(p, order) {
      // There is none, or not as a whole.
      if (sizes[p] !== order.length) return 0;
      kernels.i32(assigned, order.length).set(order);
      return wasm.selectedSum(pointers[p]!, order.length, order.length, assigned);
    },
    total: (p) => wasm.sum32(pointers[p]!, cells(p)),
    mix: (p, other, keep, add) => wasm.combine32(pointers[p]!, pointers[p]!, other.pointers[p]!, cells(p), keep, add),
    set(p, values) {
      if (sizes[p] === 0) return;
      const matrix = kernels.f32(pointers[p]!, cells(p));
      if (values === null) matrix.fill(0);
      else matrix.set(values);
    },
  };
}
