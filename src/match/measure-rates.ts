/** How fast this machine multiplies, assigns and reads: real work, for half a second. */

import { elementBytes } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { readPart } from "../base/model.ts";
import { createYielder } from "../base/progress.ts";
import { createRng } from "../base/rng.ts";
import { widen } from "../kernels/convert.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { costCall } from "../kernels/multiply.ts";
import { bytesOf, type Outline } from "./costs/problem.ts";

/** Each a second. */
export interface MatchRates {
  /** Multiply-adds of cost matrices, on all threads. */
  readonly multiplications: number;
  /** Bytes of tensors widened into memory. */
  readonly widenBytes: number;
  /** Bytes of tensors read, from a disk or from what the system keeps of it. */
  readonly readBytes: number;
  /** n to the power of 2.5, of assignments. */
  readonly assignment: number;
}

/** How the time of an assignment grows with its size, about. */
export const ASSIGNMENT_POWER = 2.5;
/** Each is measured at least so long. */
const LEAST_MS = 120;
/** What is read at most. */
const MOST_READ = 32e6;
const [ROWS, COLUMNS] = [768, 512];

/** Of kernels that nothing else uses; `model` gives a tensor to read. */
export async function measureRates(
  kernels: Kernels,
  model: Model,
  outline: Outline,
  signal: AbortSignal | undefined,
): Promise<MatchRates> {
  const { arena } = kernels;
  const mark = arena.mark();
  try {
    const { readBytes, widenBytes } = await measureReading(kernels, model, outline, signal);
    const multiplications = await measureProducts(kernels, signal);
    return { multiplications, readBytes, widenBytes, assignment: await measureAssignments(kernels, signal) };
  } finally {
    arena.release(mark);
  }
}

/** Amounts a second of `work`, which does `amount` each time; the first time does not count. */
async function rateOf(amount: number, signal: AbortSignal | undefined, work: () => unknown): Promise<number> {
  const pause = createYielder(signal);
  await work();
  const started = performance.now();
  let [done, passed] = [0, 0];
  while (passed < LEAST_MS) {
    await work();
    done += amount;
    await pause();
    passed = performance.now() - started;
  }
  return (done / passed) * 1000;
}

function measureProducts(kernels: Kernels, signal: AbortSignal | undefined): Promise<number> {
  const { arena, pool } = kernels;
  const [a, b] = [arena.allocate(4 * ROWS * COLUMNS), arena.allocate(4 * ROWS * COLUMNS)];
  const c = arena.allocate(4 * ROWS * ROWS);
  const work = arena.allocate(pool.workBytes(ROWS, COLUMNS));
  fill(kernels, a, ROWS * COLUMNS);
  fill(kernels, b, ROWS * COLUMNS);
  fill(kernels, c, ROWS * ROWS);
  const rows = { stride: COLUMNS, offsets: 0 };
  const product = { c, ldc: ROWS, rows: [0, ROWS], columns: ROWS, k: COLUMNS, work } as const;
  const call = costCall({ ...product, a: { at: a, ...rows }, b: { at: b, ...rows, less: 0 } });
  return rateOf(ROWS * ROWS * COLUMNS, signal, () => pool.cost(...call));
}

function measureAssignments(kernels: Kernels, signal: AbortSignal | undefined): Promise<number> {
  const { arena, wasm } = kernels;
  const n = COLUMNS;
  const c = arena.allocate(4 * n * n);
  fill(kernels, c, n * n);
  const [assigned, rowDuals, columnDuals] = [arena.allocate(4 * n), arena.allocate(8 * n), arena.allocate(8 * n)];
  const work = arena.allocate(wasm.assignWork(n, n) >>> 0);
  return rateOf(n ** ASSIGNMENT_POWER, signal, () =>
    wasm.assign(c, n, n, n, 0, 1, assigned, rowDuals, columnDuals, work, 0),
  );
}

function fill(kernels: Kernels, at: number, count: number): void {
  const rng = createRng(count);
  const values = kernels.f32(at, count);
  for (let i = 0; i < count; i++) values[i] = rng.uniform() - 0.5;
}

async function measureReading(
  kernels: Kernels,
  model: Model,
  { tensors }: Outline,
  signal: AbortSignal | undefined,
): Promise<Pick<MatchRates, "readBytes" | "widenBytes">> {
  const plain = tensors.filter(({ view }) => view === undefined);
  const largest = plain.reduce((a, b) => (bytesOf(b) > bytesOf(a) ? b : a), plain[0]!);
  if (largest === undefined) return { readBytes: 1e9, widenBytes: 1e9 };
  const size = elementBytes(largest.dtype);
  const end = size * Math.floor(Math.min(MOST_READ, bytesOf(largest)) / size);
  const started = performance.now();
  const bytes = await readPart(model, largest.name, [0, end], model.tensors.get(largest.name)!, signal);
  const passed = Math.max(performance.now() - started, 0.01);
  const at = kernels.arena.allocate((4 * end) / size);
  const widenBytes = await rateOf(end, signal, () => widen(kernels, at, bytes, largest.dtype, end / size));
  return { readBytes: (end / passed) * 1000, widenBytes };
}
