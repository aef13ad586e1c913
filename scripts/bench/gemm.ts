/** `bench gemm`: C = A·Bᵀ of f32 rows, as cost matrices need it. */

import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { createKernels, type Kernels } from "../../src/kernels/kernels.ts";
import { compileRelaxed } from "../../src/kernels/relaxed.ts";
import { gaussians, partSeed } from "./data.ts";
import type { BenchOptions, Pace } from "./options.ts";
import { bytesOf, type Python, startPython } from "./python.ts";
import { digits, type Outcome, showRatio, table } from "./results.ts";
import { alternate, type Entrant, type Limits, ratioOf, type Timing, time } from "./timing.ts";

const SIZES: Readonly<Record<Pace, readonly number[]>> = {
  quick: [64, 256, 512],
  normal: [64, 256, 512, 1024, 2048],
  full: [64, 256, 512, 1024, 2048],
};
const LIMITS: Readonly<Record<Pace, Limits>> = {
  quick: { seconds: 2, least: 3, most: 40, patience: 10 },
  normal: { seconds: 6, least: 3, most: 60, patience: 40 },
  full: { seconds: 30, least: 7, most: 300, patience: 300 },
};

/** Multiply-adds from which tfjs's `transposeB`, some twenty times slower than without, is not waited for. */
const TRANSPOSED_LIMIT = 2e8;

/** Largest error of an element, in units of |row of A|·|row of B|: f32 sums reach a tenth of it, wrong ones 10⁻³. */
const TOLERANCE = 2e-6;

interface Shape {
  readonly n: number;
  readonly k: number;
}

/** An entrant that can show its product, row-major n×n, for the check. */
interface Multiplier extends Entrant {
  product(): Promise<Float32Array>;
  end?(): void;
}

interface Row extends Shape {
  readonly timings: readonly Timing[];
}

/** Runs every shape and describes what came out. */
export async function benchGemm(options: BenchOptions): Promise<Outcome> {
  // Not startBackend of src/run: it puts matrix products of our own in place of the slow ones.
  await tf.setBackend("wasm");
  const python = await startPython(options.python);
  const kernels = { default: createKernels({ simd: true }), relaxed: relaxedKernels() };
  const rows: Row[] = [];
  const faults: string[] = [];
  for (const shape of shapes(options)) {
    rows.push(await timeShape(shape, kernels, python, options, faults));
    console.log(describeRow(rows.at(-1)!).join("  "));
  }
  const skipped = typeof python === "string" ? [`OpenBLAS skipped: ${python}`] : [`${python.versions}.`];
  if (typeof python !== "string") python.stop();
  return { body: describe(rows, options, skipped), faults };
}

function shapes({ sizes, pace }: BenchOptions): Shape[] {
  const all = (sizes ?? SIZES[pace]).flatMap((n) => [
    { n, k: n },
    { n, k: 9 * n },
  ]);
  return pace === "quick" ? all.filter(({ n, k }) => n * n * k < 2e10) : all;
}

interface Builds {
  readonly default: Kernels;
  /** Null where the engine has no relaxed SIMD. */
  readonly relaxed: Kernels | null;
}

function relaxedKernels(): Kernels | null {
  const module = compileRelaxed(false);
  return module && createKernels({ module });
}

async function timeShape(
  shape: Shape,
  builds: Builds,
  python: Python | string,
  { seed, pace }: BenchOptions,
  faults: string[],
): Promise<Row> {
  const { n, k } = shape;
  const a = gaussians(n * k, partSeed(seed, n, k, 0));
  const b = gaussians(n * k, partSeed(seed, n, k, 1));
  const { default: kernels, relaxed } = builds;
  const marks = [kernels, relaxed].map((each) => each?.arena.mark());
  const entrants: Multiplier[] = [ours(kernels, shape, a, b), xnnpack(shape, a, transposed(b, shape), false)];
  if (relaxed !== null) entrants.push({ ...ours(relaxed, shape, a, b), name: "relaxed" });
  if (n * n * k <= TRANSPOSED_LIMIT) entrants.push(xnnpack(shape, a, b, true));
  if (typeof python !== "string") entrants.push(await openblas(python, shape, a, b));
  const bounds = { a: rowNorms(a, shape), b: rowNorms(b, shape) };
  const expected = await entrants[0]!.product();
  const sampled = worstSample(expected, a, b, bounds, shape);
  if (!(sampled <= TOLERANCE)) faults.push(`ours at ${n}×${k} is off by ${sampled} of the bound from f64 sums`);
  for (const entrant of entrants.slice(1)) {
    const worst = worstDifference(await entrant.product(), expected, bounds, n);
    if (!(worst <= TOLERANCE)) faults.push(`${entrant.name} at ${n}×${k} differs from ours by ${worst} of the bound`);
  }
  const timings = await alternate(entrants, LIMITS[pace]);
  for (const entrant of entrants) entrant.end?.();
  kernels.arena.release(marks[0]!);
  relaxed?.arena.release(marks[1]!);
  if (typeof python !== "string") await python.ask({ request: "forget" });
  return { ...shape, timings };
}

/** The raw kernel on rows that lie in its memory. It adds to C, which is zeroed between samples, outside the timing. */
function ours({ arena, wasm, f32 }: Kernels, { n, k }: Shape, a: Float32Array, b: Float32Array): Multiplier {
  const [pa, pb, pc] = [arena.allocate(4 * n * k), arena.allocate(4 * n * k), arena.allocate(4 * n * n)];
  const work = arena.allocate(wasm.costWork(n, k) >>> 0);
  f32(pa, n * k).set(a);
  f32(pb, n * k).set(b);
  const run = (calls: number): number => {
    f32(pc, n * n).fill(0);
    return time(() => {
      for (let call = 0; call < calls; call++) wasm.cost(pc, n, 0, n, n, k, pa, k, 0, pb, k, 0, 0, work);
    });
  };
  const product = async (): Promise<Float32Array> => {
    run(1);
    return f32(pc, n * n).slice();
  };
  return { name: "ours", run, product };
}

/** TensorFlow.js on its wasm backend: of `bT` (k×n) as it lies, or of `b` (n×k) with its flag for transposing. */
function xnnpack({ n, k }: Shape, a: Float32Array, b: Float32Array, transposeB: boolean): Multiplier {
  const left = tf.tensor2d(a, [n, k]);
  const right = tf.tensor2d(b, transposeB ? [n, k] : [k, n]);
  const once = (): tf.Tensor2D => tf.matMul(left, right, false, transposeB);
  const run = (calls: number): number =>
    time(() => {
      for (let call = 0; call < calls; call++) once().dispose();
    });
  const product = async (): Promise<Float32Array> => {
    const c = once();
    const values = (await c.data()) as Float32Array;
    c.dispose();
    return values.slice();
  };
  const end = (): void => tf.dispose([left, right]);
  return transposeB ? { name: "tfjs transposeB", run, product, end, aside: true } : { name: "tfjs", run, product, end };
}

async function openblas(python: Python, { n, k }: Shape, a: Float32Array, b: Float32Array): Promise<Multiplier> {
  await python.ask({ request: "put", name: "a", shape: [n, k] }, bytesOf(a));
  await python.ask({ request: "put", name: "b", shape: [n, k] }, bytesOf(b));
  const run = async (calls: number): Promise<number> =>
    Number((await python.ask({ request: "matmul", calls })).fields.seconds);
  const product = async (): Promise<Float32Array> => {
    await run(1);
    return new Float32Array((await python.ask({ request: "product" })).data.buffer);
  };
  return { name: "OpenBLAS", run, product };
}

function transposed(b: Float32Array, { n, k }: Shape): Float32Array {
  const bT = new Float32Array(n * k);
  const BLOCK = 64;
  for (let k0 = 0; k0 < k; k0 += BLOCK)
    for (let j = 0; j < n; j++) for (let kk = k0; kk < Math.min(k, k0 + BLOCK); kk++) bT[kk * n + j] = b[j * k + kk]!;
  return bT;
}

interface Norms {
  readonly a: Float64Array;
  readonly b: Float64Array;
}

function rowNorms(rows: Float32Array, { n, k }: Shape): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let at = i * k; at < (i + 1) * k; at++) sum += rows[at]! ** 2;
    return Math.sqrt(sum);
  });
}

/** The worst of some hundred elements against sums in f64, in units of the bound. */
function worstSample(c: Float32Array, a: Float32Array, b: Float32Array, norms: Norms, { n, k }: Shape): number {
  let worst = 0;
  const step = Math.max(1, Math.floor((n * n) / 331));
  for (let at = 0; at < n * n; at += step) {
    const [i, j] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let kk = 0; kk < k; kk++) sum += a[i * k + kk]! * b[j * k + kk]!;
    worst = worse(worst, Math.abs(sum - c[at]!) / (norms.a[i]! * norms.b[j]!));
  }
  return worst;
}

function worstDifference(c: Float32Array, expected: Float32Array, norms: Norms, n: number): number {
  if (c.length !== n * n) return Number.NaN;
  let worst = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const at = i * n + j;
      worst = worse(worst, Math.abs(c[at]! - expected[at]!) / (norms.a[i]! * norms.b[j]!));
    }
  }
  return worst;
}

/** The greater of two; NaN, which is no match, is the worst of all. */
const worse = (a: number, b: number): number => (b > a || Number.isNaN(b) ? b : a);

const HEADER = [
  "n",
  "k",
  "ours GF/s",
  "tfjs GF/s",
  "tfjs transposeB GF/s",
  "OpenBLAS GF/s",
  "relaxed GF/s",
  "ours / tfjs",
  "ours / transposeB",
  "ours / OpenBLAS",
  "relaxed / OpenBLAS",
  "rounds",
];

function describeRow({ n, k, timings }: Row): string[] {
  const find = (name: string): Timing | undefined => timings.find((timing) => timing.name === name);
  const mine = find("ours")!;
  const rivals = [find("tfjs"), find("tfjs transposeB"), find("OpenBLAS")];
  const speed = (timing: Timing | undefined): string => {
    const flops = 2e-9 * n * n * k;
    return timing ? `${digits(flops / timing.best)} (${digits(flops / timing.median)})` : "–";
  };
  const relaxed = find("relaxed");
  const ratio = (rival: Timing | undefined, own: Timing | undefined = mine): string =>
    rival && own ? showRatio(ratioOf(rival, own)) : "–";
  const ratios = [...rivals.map((rival) => ratio(rival)), relaxed ? ratio(find("OpenBLAS"), relaxed) : "–"];
  return [n, k, ...[mine, ...rivals, relaxed].map(speed), ...ratios, mine.rounds.size].map(String);
}

function describe(rows: readonly Row[], options: BenchOptions, entrants: readonly string[]): string {
  const least = (name: string, from: number): string => {
    const ratios = rows.flatMap(({ n, timings }) => {
      const rival = timings.find((timing) => timing.name === name);
      return rival && n >= from ? [ratioOf(rival, timings[0]!).best] : [];
    });
    return ratios.length > 0 ? `${digits(Math.min(...ratios))}` : "–";
  };
  return [
    `C = A·Bᵀ, A and B n×k f32 gaussians (seed ${options.seed}), one thread each, data in place; every product is checked first.`,
    `tfjs is tfjs-backend-wasm ${tf.version_core} \`matMul(a, bT)\`, B transposed outside the timing; \`transposeB\` is`,
    "`matMul(a, b, false, true)`, which takes a slow path: the fair rival is the first. OpenBLAS is `numpy.matmul(a, b.T, out=c)`.",
    ...entrants,
    "",
    table(HEADER, rows.map(describeRow)),
    "",
    `Least ratio, best of runs: ${least("tfjs", 1)} of tfjs, ${least("OpenBLAS", 256)} of OpenBLAS from n = 256.`,
  ].join("\n");
}
