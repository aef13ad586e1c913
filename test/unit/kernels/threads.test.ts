/** Threads change no bit, are not missed where they cannot be had, and never leave anybody waiting. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import type { KernelExports } from "../../../src/kernels/exports.ts";
import type { WorkerEvents } from "../../../src/kernels/host.ts";
import { createKernels, type Kernels } from "../../../src/kernels/kernels.ts";
import { WorkerPool } from "../../../src/kernels/pool.ts";
import { createThreadedKernels } from "../../../src/kernels/threads.ts";
import { compileBuild } from "../../../src/kernels/wasm.ts";
import { CLAIM, CONTROL_BYTES, DONE, PENDING, READY, WORDS } from "../../../src/kernels/worker-source.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";
import { randomF32, randomI32 } from "../../reference/on-kernels.ts";

const test = suite("threads");
/** Safari's engine shares no memory, and edge workers have no threads: there, all falls to one. */
const available = createThreadedKernels({ threads: 2 }) !== null;
const threaded = available ? test : test.skip;
const scope = globalThis as { SharedArrayBuffer?: unknown; Worker?: unknown; process?: unknown };

interface Problem {
  readonly n: number;
  readonly columns: number;
  readonly k: number;
  readonly begin: number;
  readonly end: number;
  readonly offsets: boolean;
}

/** Rows [begin, end) of C += A·Bᵀ on `kernels`, twice over, as a copy. */
async function compute(kernels: Kernels, { n, columns, k, begin, end, offsets }: Problem): Promise<Float32Array> {
  const { arena, pool } = kernels;
  const rng = createRng(n * 31 + k);
  const mark = arena.mark();
  const place = (values: Float32Array | Int32Array): number => {
    const pointer = arena.allocate(values.byteLength);
    kernels.u8(pointer, values.byteLength).set(new Uint8Array(values.buffer));
    return pointer;
  };
  const a = place(randomF32(n * k, rng));
  const b = place(randomF32(columns * k, rng));
  const aOffsets = offsets ? place(randomI32(k, k, rng)) : 0;
  const bOffsets = offsets ? place(randomI32(k, k, rng)) : 0;
  const c = place(randomF32(n * columns, rng));
  const work = arena.allocate(pool.workBytes(columns, k));
  for (let round = 0; round < 2; round++)
    await pool.cost(c, columns, begin, end, columns, k, a, k, aOffsets, b, k, bOffsets, 0, work);
  const result = kernels.f32(c, n * columns).slice();
  arena.release(mark);
  return result;
}

function firstDifference(got: Float32Array, want: Float32Array): string | null {
  const at = want.findIndex((value, i) => !Object.is(got[i], value));
  return at < 0 ? null : `element ${at} is ${got[at]}, expected ${want[at]}`;
}

const PROBLEMS: Problem[] = [
  { n: 2, columns: 3, k: 1, begin: 0, end: 2, offsets: false },
  { n: 5, columns: 5, k: 7, begin: 0, end: 5, offsets: true },
  { n: 33, columns: 65, k: 300, begin: 0, end: 33, offsets: false },
  { n: 131, columns: 131, k: 513, begin: 0, end: 131, offsets: true },
  { n: 257, columns: 257, k: 64, begin: 3, end: 250, offsets: true },
  { n: 1030, columns: 129, k: 40, begin: 0, end: 1030, offsets: false },
];

async function use<T>(kernels: Kernels | null, action: (kernels: Kernels) => Promise<T>): Promise<T> {
  assert.ok(kernels !== null, "no threaded kernels");
  try {
    return await action(kernels);
  } finally {
    kernels.pool.close();
  }
}

/** Kernels whose workers are awake: how long that takes is the machine's affair. */
async function awake(kernels: Kernels): Promise<Kernels> {
  const tiny: Problem = { n: 16, columns: 16, k: 8, begin: 0, end: 16, offsets: false };
  await compute(kernels, tiny);
  await new Promise((resolve) => setTimeout(resolve, 150));
  return kernels;
}

for (const simd of [true, false]) {
  threaded(`2, 3 and 4 threads give the bits of one (${simd ? "SIMD" : "scalar"})`, async () => {
    const alone = createKernels({ simd });
    const expected: Float32Array[] = [];
    for (const problem of PROBLEMS) expected.push(await compute(alone, problem));
    for (const threads of [2, 3, 4]) {
      await use(createThreadedKernels({ threads, simd, leastWork: 0 }), async (kernels) => {
        assert.is(kernels.pool.threads, threads);
        assert.is(kernels.simd, simd);
        await awake(kernels);
        for (let round = 0; round < 3; round++) {
          for (const [i, problem] of PROBLEMS.entries()) {
            const difference = firstDifference(await compute(kernels, problem), expected[i]!);
            assert.is(difference, null, `${threads} threads, ${JSON.stringify(problem)}`);
          }
        }
      });
    }
  });
}

threaded("workers do take part", async () => {
  await use(createThreadedKernels({ threads: 2, leastWork: 0 }), async (kernels) => {
    await awake(kernels);
    const { arena, pool } = kernels;
    const [n, k] = [256, 256];
    const a = arena.allocate(4 * n * k);
    const c = arena.allocate(4 * n * n);
    const work = arena.allocate(pool.workBytes(n, k));
    kernels.f32(a, n * k).fill(1);
    // Each thread packs into a work area of its own, and the second area is the worker's.
    const packed = () => kernels.f32(work + pool.workBytes(n, k) / 2, 1)[0];
    let jobs = 0;
    for (; jobs < 1000 && packed() !== 1; jobs++) await pool.cost(c, n, 0, n, n, k, a, k, 0, a, k, 0, 0, work);
    assert.is(packed(), 1, `no chunk of ${jobs} jobs was taken by the worker`);
  });
});

/** A pool of two threads, one of them played by `worker`, who takes a chunk while the calling thread is at another. */
async function withActor(worker: (events: WorkerEvents, finish: () => void) => void): Promise<void> {
  const kernels = createThreadedKernels({ threads: 2 })!;
  const { memory, arena } = kernels;
  const control = arena.allocate(CONTROL_BYTES);
  const words = new Int32Array(memory.buffer, control, WORDS);
  let events: WorkerEvents | undefined;
  let taken = false;
  const cost: KernelExports["cost"] = (...call) => {
    if (!taken) {
      taken = true;
      Atomics.sub(words, CLAIM, 1);
      setTimeout(() => worker(events!, () => Atomics.sub(words, PENDING, 1)));
    }
    kernels.wasm.cost(...call);
  };
  const pool = new WorkerPool({
    threads: 2,
    module: compileBuild().module,
    memory,
    wasm: { ...kernels.wasm, cost },
    control,
    leastWork: 0,
    start: (_, listeners) => {
      events = listeners;
      return { postMessage: () => listeners.onMessage(READY), terminate: () => undefined };
    },
  });
  try {
    await compute({ ...kernels, pool }, PROBLEMS[3]!);
  } finally {
    pool.close();
    kernels.pool.close();
  }
}

const failure = (run: Promise<void>): Promise<Error | null> =>
  run.then(
    () => null,
    (error) => error,
  );

threaded("a worker that dies with columns in hand fails the job, whatever it dies of", async () => {
  const byEvent = await failure(withActor(({ onDeath }) => onDeath("exit code 9")));
  assert.is(byEvent?.message, "worker thread died (exit code 9), expected it to finish its columns");
  const byMessage = await failure(withActor(({ onMessage }) => onMessage("RuntimeError: unreachable")));
  assert.is(byMessage?.message, "worker thread died (RuntimeError: unreachable), expected it to finish its columns");
});

threaded("a job is over when its last row is, not when a worker says so", async () => {
  let finished = false;
  const error = await failure(
    withActor(({ onMessage }, finish) => {
      onMessage(DONE);
      setTimeout(() => {
        finished = true;
        finish();
        onMessage(DONE);
      }, 30);
    }),
  );
  assert.is(error, null);
  assert.ok(finished);
});

threaded("what is copied out is ordinary memory", async () => {
  await use(createThreadedKernels({ threads: 2 }), async ({ arena, f32, f64, i32, u8, memory }) => {
    assert.instance(memory.buffer, SharedArrayBuffer);
    const pointer = arena.allocate(64);
    for (const view of [f32(pointer, 4), f64(pointer, 4), i32(pointer, 4), u8(pointer, 4)]) {
      assert.instance(view.slice().buffer, ArrayBuffer);
      assert.not.instance(view.slice().buffer, SharedArrayBuffer);
    }
  });
});

test("shared memory and workers are used wherever there are both", () => {
  const edge = (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent === "Cloudflare-Workers";
  assert.is(available, typeof SharedArrayBuffer !== "undefined" && !edge);
});

test("without shared memory there are no threaded kernels, and a matching takes one thread", async () => {
  const kept = scope.SharedArrayBuffer;
  const [one, two] = [1, 2].map((seed) => mlpNetwork(createRng(seed), [20, 65, 33, 10]));
  const [a, b] = [toModel(one!.tensors), toModel(two!.tensors)];
  const want = await matchWeights(a, b, one!.spec, { threads: 2 });
  assert.is(want.report.threads, available ? 2 : 1);
  delete scope.SharedArrayBuffer;
  try {
    assert.is(createThreadedKernels({ threads: 2 }), null);
    const { permutations, report } = await matchWeights(a, b, one!.spec, { threads: 2 });
    assert.is(report.threads, 1);
    assert.is(report.objective, want.report.objective);
    for (const [name, order] of want.permutations) assert.equal([...permutations.get(name)!], [...order]);
  } finally {
    if (kept !== undefined) scope.SharedArrayBuffer = kept;
  }
});

threaded("where workers cannot start, the calling thread does it all", async () => {
  const kept = Object.getOwnPropertyDescriptors(globalThis);
  const problem = PROBLEMS[3]!;
  const want = await compute(createKernels(), problem);
  Object.defineProperty(scope, "process", { value: undefined, configurable: true, writable: true });
  Object.defineProperty(scope, "Worker", { value: undefined, configurable: true, writable: true });
  let got: Float32Array;
  try {
    got = await use(createThreadedKernels({ threads: 4, leastWork: 0 }), (kernels) => compute(kernels, problem));
  } finally {
    for (const name of ["process", "Worker"] as const) {
      const before = kept[name];
      if (before === undefined) delete scope[name];
      else Object.defineProperty(scope, name, before);
    }
  }
  assert.is(firstDifference(got, want), null);
});

threaded("one thread, one processor and closed pools need no workers", async () => {
  assert.is(createThreadedKernels({ threads: 1 }), null);
  const problem = PROBLEMS[2]!;
  const want = await compute(createKernels(), problem);
  const kernels = createThreadedKernels({ threads: 2, leastWork: 0 })!;
  kernels.pool.close();
  kernels.pool.close();
  assert.is(firstDifference(await compute(kernels, problem), want), null);
});

test("a matching large enough for workers finds what one thread finds, by both methods", async () => {
  const [one, two] = [1, 2].map((seed) => mlpNetwork(createRng(seed), [40, 301, 250, 10]));
  const [a, b] = [toModel(one!.tensors), toModel(two!.tensors)];
  for (const method of ["frank-wolfe", "coordinate"] as const) {
    const want = await matchWeights(a, b, one!.spec, { method, threads: 1 });
    for (const threads of [2, 4, "auto"] as const) {
      const { permutations, report } = await matchWeights(a, b, one!.spec, { method, threads });
      assert.is(report.objective, want.report.objective);
      assert.is(report.sweeps, want.report.sweeps);
      for (const [name, order] of want.permutations) assert.equal([...permutations.get(name)!], [...order]);
    }
  }
});

test("an abort stops the workers too", async () => {
  const network = mlpNetwork(createRng(1), [40, 300, 300, 10]);
  const a = toModel(network.tensors);
  const b = toModel(mlpNetwork(createRng(2), [40, 300, 300, 10]).tensors);
  const controller = new AbortController();
  const reason = new Error("enough");
  const error = await matchWeights(a, b, network.spec, {
    threads: 2,
    signal: controller.signal,
    onProgress: ({ stage }) => stage === "frank-wolfe" && controller.abort(reason),
  }).then(
    () => null,
    (e) => e,
  );
  assert.is(error, reason);
});

test.run();
