/**
 * The cost engine: adds A·Bᵀ to a cost matrix, block by block. It takes operands in elements and lists of offsets and
 * knows no tensors. What multiplies is behind it: the wasm kernels on one thread, or on several (`kernels.pool`).
 */

import { K_BLOCK } from "../../kernels/constants.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import { costCall } from "../../kernels/multiply.ts";

/** Multiply-adds of a thread between two chances for other tasks: some 50 ms of work. */
const STEP = 7e8;
/** Fewer columns of C a call than this would spend the time on packing A again. */
const FEWEST_COLUMNS = 128;

/** Where an engine puts lists of offsets, and where the kernel works: byte addresses. */
export interface EngineAreas {
  readonly offsetsA: number;
  readonly offsetsB: number;
  readonly columnsB: number;
  readonly costWork: number;
}

/** The n rows of one side of a product, f32. */
export interface Operand {
  /** Byte address of element 0. */
  readonly values: number;
  /** Elements from row to row. */
  readonly stride: number;
  /** The element of each column in row 0; null: columns follow each other from `base` on. */
  readonly columns: Int32Array | null;
  readonly base: number;
}

export interface CostEngine {
  /**
   * C += A·(B − B less)ᵀ of the n×n f32 matrix at byte address `c`, over `k` columns; `less`: columns of B to subtract.
   * The bits depend on the order of the columns alone. `pause` is called between steps of long work.
   */
  accumulate(
    c: number,
    n: number,
    k: number,
    operands: { readonly a: Operand; readonly b: Operand; readonly less?: Int32Array | null },
    pause: () => Promise<void>,
  ): Promise<void>;
}

/** An engine on the threads of `kernels`. */
export function createEngine(kernels: Kernels, areas: EngineAreas): CostEngine {
  const { pool } = kernels;
  const place = (area: number, list: Int32Array | null | undefined): number => {
    if (list == null) return 0;
    kernels.i32(area, list.length).set(list);
    return area;
  };
  return {
    async accumulate(c, n, k, { a, b, less }, pause) {
      const [offsetsA, offsetsB] = [place(areas.offsetsA, a.columns), place(areas.offsetsB, b.columns)];
      const offsetsLess = place(areas.columnsB, less);
      const { width, depth } = stepOf(n, k, pool.threads);
      for (let from = 0; from < k; from += depth) {
        const ofA = skip(a, offsetsA, from);
        const ofB = skip(b, offsetsB, from);
        const lessFrom = offsetsLess === 0 ? 0 : offsetsLess + 4 * from;
        for (let j = 0; j < n; j += width) {
          const call = costCall({
            c: c + 4 * j,
            ldc: n,
            rows: [0, n],
            columns: Math.min(width, n - j),
            k: Math.min(depth, k - from),
            a: ofA,
            b: { ...ofB, at: ofB.at + 4 * j * b.stride, less: lessFrom },
            work: areas.costWork,
          });
          await pool.cost(...call);
          await pause();
        }
      }
    },
  };
}

/**
 * Columns of C and of the operands in one step. All of C's first: each range of them has A packed again. Cut at
 * multiples of the kernel's own block of k, the sums have the bits of one call.
 */
function stepOf(n: number, k: number, threads: number): { width: number; depth: number } {
  const work = threads * STEP;
  const depth = Math.min(k, Math.max(1, Math.floor(work / (n * n * K_BLOCK))) * K_BLOCK);
  const width = Math.min(n, Math.max(threads * FEWEST_COLUMNS, Math.floor(work / (n * depth))));
  return { width, depth };
}

/** An operand without its first `from` columns. */
function skip({ values, stride, base }: Operand, offsets: number, from: number) {
  if (offsets === 0) return { at: values + 4 * (base + from), stride, offsets };
  return { at: values, stride, offsets: offsets + 4 * from };
}
