/**
 * Worker threads that share out the columns of a cost matrix: one thread computes each column, in the same order as
 * without threads.
 */

import { TILE_COLUMNS } from "./constants.ts";
import type { KernelExports } from "./exports.ts";
import type { HostWorker, startWorker } from "./host.ts";
import type { Pool } from "./kernels.ts";
import {
  ARGUMENTS,
  AWAITED,
  CHUNK_BITS,
  CHUNK_COLUMNS,
  CLAIM,
  DONE,
  JOB_LENGTH,
  PENDING,
  READY,
  STOP,
  WORDS,
  WORK_STRIDE,
  WORKER_SOURCE,
  type WorkerStart,
} from "./worker-source.ts";

/** Multiply-adds below which sharing a job out costs more than it gains: waking and answering take some 0.1 ms. */
export const LEAST_WORK = 4e6;

/** Columns in a chunk where there are enough of them: each chunk packs A again, but its own columns of B alone. */
const FEWEST_COLUMNS = 256;
/** Chunks for each thread where there are columns for it, so that a thread that was held up does not hold up all. */
const CHUNKS_PER_THREAD = 2;
/** Looks at a job's end before giving the thread away, some 20 µs: mostly the others finish about now. */
const LAST_LOOKS = 2000;
/** Positions in the arguments of `cost`. */
const [C, ROW_BEGIN, ROW_END, COLUMNS, K, B, B_STRIDE] = [0, 2, 3, 4, 5, 9, 10] as const;

/** Looks a second apart at a job on which nothing moves, before its workers count as lost: a chunk takes far less. */
const PATIENCE = 60;

/** What a pool needs of the kernels it computes for. */
export interface PoolOptions {
  /** Threads together with the calling one. */
  readonly threads: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly wasm: KernelExports;
  /** Byte address of CONTROL_BYTES of shared memory. */
  readonly control: number;
  readonly leastWork: number;
  /** How a worker is started. */
  readonly start: typeof startWorker;
}

/**
 * Starts workers at the first job worth it. A worker that has not started takes no chunks, and the others compute them.
 * The calling thread takes chunks too, so a job never waits for an idle worker.
 */
export class WorkerPool implements Pool {
  readonly threads: number;
  readonly #options: PoolOptions;
  readonly #words: Int32Array;
  readonly #job: Float64Array;
  /** Null before the first shared job. */
  #workers: Set<HostWorker> | null = null;
  #number = 0;
  #closed = false;
  #failure: Error | null = null;
  #waiter: { resolve(): void; reject(error: Error): void } | null = null;

  constructor(options: PoolOptions) {
    const { threads, memory, control } = options;
    this.threads = threads;
    this.#options = options;
    // Shared memory does not move when it grows, so these views last.
    this.#words = new Int32Array(memory.buffer, control, WORDS);
    this.#job = new Float64Array(memory.buffer, control + 4 * WORDS, JOB_LENGTH);
  }

  workBytes(columns: number, k: number): number {
    return this.threads * this.#workStride(columns, k);
  }

  async cost(...call: Parameters<KernelExports["cost"]>): Promise<void> {
    const { wasm, leastWork } = this.#options;
    if (this.#failure !== null) throw this.#failure;
    const columns = call[COLUMNS];
    if (this.#closed || columns <= TILE_COLUMNS || (call[ROW_END] - call[ROW_BEGIN]) * columns * call[K] < leastWork) {
      wasm.cost(...call);
      return;
    }
    this.#workers ??= this.#start();
    if (this.#workers.size === 0) {
      wasm.cost(...call);
      return;
    }
    this.#post(call);
    for (let chunk = this.#take(); chunk >= 0; chunk = this.#take()) this.#runChunk(chunk);
    await this.#settled();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    Atomics.store(this.#words, CLAIM, STOP);
    Atomics.notify(this.#words, CLAIM);
    for (const worker of this.#workers ?? []) worker.terminate();
    this.#workers?.clear();
    this.#waiter?.reject(new Error("worker threads were stopped in the middle of a job, expected them to finish it"));
  }

  #start(): Set<HostWorker> {
    const { module, memory, control, start } = this.#options;
    const workers = new Set<HostWorker>();
    for (let place = 1; place < this.threads; place++) {
      let ready = false;
      const died = (reason: string): void => {
        // Set before any event, which only comes once this task is over.
        workers.delete(worker);
        if (ready && !this.#closed && Atomics.load(this.#words, PENDING) > 0) this.#fail(reason);
      };
      let worker: HostWorker;
      try {
        worker = start(WORKER_SOURCE, {
          onMessage: (message) => {
            if (message === READY) ready = true;
            else if (message === DONE) this.#notice();
            else died(String(message));
          },
          onDeath: died,
        });
        worker.postMessage({ module, memory, control, place } satisfies WorkerStart);
        workers.add(worker);
      } catch {
        // A policy forbids workers, or this page does not share memory: the calling thread does it all.
        break;
      }
    }
    return workers;
  }

  /** Bytes from one thread's work area to the next one's. */
  #workStride(columns: number, k: number): number {
    return Math.ceil((this.#options.wasm.costWork(columns, k) >>> 0) / 64) * 64;
  }

  /** Writes the job down, then lets everybody at its chunks. */
  #post(call: Parameters<KernelExports["cost"]>): void {
    const columns = call[COLUMNS];
    const even = Math.ceil(columns / this.threads);
    const wanted = Math.max(Math.ceil(even / CHUNKS_PER_THREAD), Math.min(FEWEST_COLUMNS, even));
    // Whole tiles, and never more chunks than the claim word counts.
    const width = Math.ceil(Math.max(wanted, columns / (2 ** CHUNK_BITS - 1)) / TILE_COLUMNS) * TILE_COLUMNS;
    const chunks = Math.ceil(columns / width);
    this.#job.set(call);
    this.#job[CHUNK_COLUMNS] = width;
    this.#job[WORK_STRIDE] = this.#workStride(call[COLUMNS], call[K]);
    this.#number = (this.#number + 1) % 2 ** (31 - CHUNK_BITS);
    Atomics.store(this.#words, PENDING, chunks);
    Atomics.store(this.#words, CLAIM, this.#number * 2 ** CHUNK_BITS + chunks);
    Atomics.notify(this.#words, CLAIM);
  }

  /** The number of a chunk that is now the caller's; −1 when none is left. */
  #take(): number {
    for (;;) {
      const claim = Atomics.load(this.#words, CLAIM);
      const left = claim % 2 ** CHUNK_BITS;
      if (claim === STOP || left === 0) return -1;
      if (Atomics.compareExchange(this.#words, CLAIM, claim, claim - 1) === claim) return left - 1;
    }
  }

  #runChunk(chunk: number): void {
    const call = Array.from(this.#job.subarray(0, ARGUMENTS)) as Parameters<KernelExports["cost"]>;
    const width = this.#job[CHUNK_COLUMNS]!;
    call[C] += 4 * chunk * width;
    call[B] += 4 * chunk * width * call[B_STRIDE];
    call[COLUMNS] = Math.min(width, call[COLUMNS] - chunk * width);
    this.#options.wasm.cost(...call);
    Atomics.sub(this.#words, PENDING, 1);
  }

  /** Resolves when every chunk is finished. The thread stays free meanwhile: a page's main thread must not block. */
  async #settled(): Promise<void> {
    for (let look = 0; look < LAST_LOOKS; look++) if (Atomics.load(this.#words, PENDING) === 0) return;
    Atomics.store(this.#words, AWAITED, 1);
    let timer: ReturnType<typeof setInterval> | undefined;
    try {
      if (Atomics.load(this.#words, PENDING) === 0) return;
      await new Promise<void>((resolve, reject) => {
        this.#waiter = { resolve, reject };
        // Also keeps the process alive while it has nothing else: the workers do not.
        timer = setInterval(this.#watch(), 1000);
      });
    } finally {
      clearInterval(timer);
      this.#waiter = null;
      Atomics.store(this.#words, AWAITED, 0);
    }
  }

  /** Counts looks at which nothing has moved; a killed worker sends no message. */
  #watch(): () => void {
    let last = Atomics.load(this.#words, PENDING);
    let still = 0;
    return () => {
      const pending = Atomics.load(this.#words, PENDING);
      still = pending === last ? still + 1 : 0;
      last = pending;
      if (pending === 0) this.#notice();
      else if (still >= PATIENCE) this.#fail(`nothing heard for ${PATIENCE} s`);
    };
  }

  /** A message of an earlier job may come late: only the count shows that this one is done. */
  #notice(): void {
    if (Atomics.load(this.#words, PENDING) === 0) this.#waiter?.resolve();
  }

  /** The matrix is half updated and cannot be repaired: the caller must start again. */
  #fail(reason: string): void {
    this.#failure ??= new Error(`worker thread died (${reason}), expected it to finish its columns`);
    this.#waiter?.reject(this.#failure);
  }
}
