/**
 * What a worker thread runs: a classic script as text, without imports, since bundlers and hosts do not agree on how a
 * worker finds a file. It instantiates the module on the shared memory and then sleeps and computes by turns, never
 * returning to its event loop. pool.ts holds the other end.
 *
 * The two ends meet in a control block in shared memory: i32 words, then the job in f64.
 */

/** How many chunks of the current job nobody has taken, with the job's number in the bits above CHUNK_BITS. */
export const CLAIM = 0;
/** Chunks of the current job that are not finished. */
export const PENDING = 1;
/** 1 while the calling thread waits for the end of the job. */
export const AWAITED = 2;
export const WORDS = 16;

/** The job: the fourteen arguments of `cost`, then these two. */
export const ARGUMENTS = 14;
export const CHUNK_COLUMNS = 14;
export const WORK_STRIDE = 15;
export const JOB_LENGTH = 16;
export const CONTROL_BYTES: number = 4 * WORDS + 8 * JOB_LENGTH;

/**
 * A chunk is taken by lowering CLAIM by compare-and-exchange. The word names the job too, so a worker that slept
 * through a job cannot take a chunk of the next one with an old value. The next job is set only when every chunk is
 * finished, so a thread that holds a chunk can read the job safely.
 */
export const CHUNK_BITS = 12;
/** The claim word that ends a worker: no job has a negative number. */
export const STOP = -1;

export const READY = "ready";
export const DONE = "done";

/** The first message to a worker. `place` is its number, which selects its work area. */
export interface WorkerStart {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Byte address of the control block. */
  readonly control: number;
  readonly place: number;
}

/** Expects its message port in a variable `port`. Any other message than READY and DONE is the reason why it died. */
export const WORKER_SOURCE: string = `
port.onmessage = ({ data: { module, memory, control, place } }) => {
  const words = new Int32Array(memory.buffer, control, ${WORDS});
  const job = new Float64Array(memory.buffer, control + ${4 * WORDS}, ${JOB_LENGTH});
  const runChunk = (cost, chunk) => {
    const values = Array.from(job.subarray(0, ${ARGUMENTS}));
    const begin = chunk * job[${CHUNK_COLUMNS}];
    values[0] += 4 * begin;
    values[4] = Math.min(job[${CHUNK_COLUMNS}], values[4] - begin);
    values[9] += 4 * begin * values[10];
    values[13] += place * job[${WORK_STRIDE}];
    cost(...values);
  };
  try {
    const { cost } = new WebAssembly.Instance(module, { env: { memory } }).exports;
    port.postMessage("${READY}");
    for (;;) {
      const claim = Atomics.load(words, ${CLAIM});
      if (claim === ${STOP}) break;
      const left = claim & ${2 ** CHUNK_BITS - 1};
      if (left === 0) Atomics.wait(words, ${CLAIM}, claim);
      else if (Atomics.compareExchange(words, ${CLAIM}, claim, claim - 1) === claim) {
        runChunk(cost, left - 1);
        const last = Atomics.sub(words, ${PENDING}, 1) === 1;
        if (last && Atomics.load(words, ${AWAITED}) === 1) port.postMessage("${DONE}");
      }
    }
  } catch (error) {
    port.postMessage(String(error));
  }
  port.close();
};
`;
