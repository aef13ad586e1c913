/** C += A·Bᵀ by the `cost` kernel: the one place where its fourteen arguments are put in order. */

import type { KernelExports } from "./exports.ts";

/** Rows of f32 in the kernels' memory. */
export interface Rows {
  /** Byte address of element 0. */
  readonly at: number;
  /** Elements from row to row. */
  readonly stride: number;
  /** Byte address of i32[k], the element offset of each column; 0: columns follow each other. */
  readonly offsets: number;
}

/** One call of the kernel: which entries of C it adds to, and from what. */
export interface Product {
  /** Byte address of C. */
  readonly c: number;
  /** Elements from row to row of C. */
  readonly ldc: number;
  /** The rows of A that count, and the rows of C that they add to. */
  readonly rows: readonly [begin: number, end: number];
  /** Rows of B, which are columns of C. */
  readonly columns: number;
  readonly k: number;
  readonly a: Rows;
  /** `less`: offsets of columns that are subtracted from those of `offsets`, as a byte address; 0: none are. */
  readonly b: Rows & { readonly less: number };
  /** Byte address of the work area. */
  readonly work: number;
}

type CostCall = Parameters<KernelExports["cost"]>;

/** The arguments of the kernel. */
export function costCall({ c, ldc, rows, columns, k, a, b, work }: Product): CostCall {
  const [begin, end] = rows;
  return [c, ldc, begin, end, columns, k, a.at, a.stride, a.offsets, b.at, b.stride, b.offsets, b.less, work];
}

/** Adds the product on the calling thread. */
export function multiply(wasm: KernelExports, product: Product): void {
  wasm.cost(...costCall(product));
}
