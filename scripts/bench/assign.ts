/** `bench assign`: exact linear assignment of f32 matrices, many kinds at many sizes. */

import { createKernels, type Kernels } from "../../src/kernels/kernels.ts";
import type { Assigner, Duals } from "./assign-entrants.ts";
import * as assigners from "./assign-entrants.ts";
import { KIND_NAMES, makeMatrix, realMatrices } from "./assign-kinds.ts";
import { partSeed } from "./data.ts";
import { type BenchOptions, type Pace, UsageError } from "./options.ts";
import { type Python, startPython } from "./python.ts";
import { digits, type Outcome, showRatio, table } from "./results.ts";
import { alternate, type Limits, median, ratioOf, type Timing } from "./timing.ts";

interface PaceLimits extends Limits {
  readonly sizes: readonly number[];
  /** Size up to which the npm packages take part. */
  readonly npmUpTo: number;
  /** Seconds that a run of theirs may take, as far as a smaller size can tell. */
  readonly npmSeconds: number;
}

const PACES: Readonly<Record<Pace, PaceLimits>> = {
  quick: { seconds: 0.5, least: 3, most: 40, patience: 2, sizes: [64, 256, 1024], npmUpTo: 256, npmSeconds: 1 },
  normal: {
    seconds: 0.7,
    least: 3,
    most: 60,
    patience: 5,
    sizes: [64, 128, 256, 512, 1024, 2048],
    npmUpTo: 1024,
    npmSeconds: 3,
  },
  full: {
    seconds: 8,
    least: 5,
    most: 200,
    patience: 60,
    sizes: [64, 128, 256, 512, 1024, 2048],
    npmUpTo: 2048,
    npmSeconds: 60,
  },
};

/** Of the sum of magnitudes: what rounding in f64 may do to an optimum. */
const TOLERANCE = 1e-12;

/** Seeds of kinds lie this far apart: a kind uses a few from its own on. */
const SEEDS_A_KIND = 8;

interface Matrix {
  /** Kind, and for a real one its file. */
  readonly kind: string;
  readonly name: string;
  readonly n: number;
  read(): Float32Array;
}

interface Row {
  readonly kind: string;
  readonly name: string;
  readonly n: number;
  readonly timings: readonly Timing[];
  readonly gap: number;
}

/** Times every kind at every size and describes what came out. */
export async function benchAssign(options: BenchOptions): Promise<Outcome> {
  const kernels = createKernels({ simd: true });
  const chosen = matrices(options, kernels);
  if (chosen.length === 0) throw new UsageError("no matrices of these kinds and sizes, expected at least one");
  const python = await startPython(options.python);
  const rows: Row[] = [];
  const faults: string[] = [];
  for (const matrix of chosen) {
    rows.push(await timeMatrix(matrix, rows, kernels, python, PACES[options.pace], faults));
    console.log([matrix.n, ...describeRow(rows.at(-1)!)].join("  "));
  }
  if (typeof python !== "string") python.stop();
  const scipy = typeof python === "string" ? `scipy skipped: ${python}` : `${python.versions}.`;
  return { body: describe(rows, options, scipy), faults };
}

/** The chosen kinds by size, then the real matrices of the chosen sizes, smaller ones first. */
function matrices({ sizes, kinds, pace, seed, real }: BenchOptions, kernels: Kernels): Matrix[] {
  const made = (sizes ?? PACES[pace].sizes).flatMap((n) =>
    (kinds ?? KIND_NAMES)
      .filter((kind) => kind !== "real")
      .map((kind) => {
        const kindSeed = partSeed(seed, n, SEEDS_A_KIND * KIND_NAMES.indexOf(kind));
        return { kind, name: kind, n, read: () => makeMatrix(kernels, kind, n, kindSeed) };
      }),
  );
  const dumped = real === undefined || !(kinds ?? ["real"]).includes("real") ? [] : realMatrices(real);
  const chosen = dumped.filter(({ n }) => n >= 64 && (sizes ?? [n]).includes(n));
  return [...made, ...chosen.map((matrix) => ({ ...matrix, kind: "real", name: `real: ${matrix.name}` }))].sort(
    (a, b) => a.n - b.n,
  );
}

async function timeMatrix(
  { kind, name, n, read }: Matrix,
  before: readonly Row[],
  kernels: Kernels,
  python: Python | string,
  pace: PaceLimits,
  faults: string[],
): Promise<Row> {
  const cost = read();
  const mark = kernels.arena.mark();
  const first = assigners.ours(kernels, cost, n);
  const entrants: Assigner[] = [first, assigners.oursFromArrays(cost, n)];
  if (typeof python !== "string") entrants.push(await assigners.scipy(python, cost, n));
  const smaller = before.filter((row) => row.kind === kind && row.n < n).at(-1);
  const bearable = (rival: string): boolean => {
    const seconds = smaller?.timings.find((timing) => timing.name === rival)?.best;
    if (smaller !== undefined && seconds === undefined) return false;
    return n <= pace.npmUpTo && (seconds ?? 0) * (n / (smaller?.n ?? n)) ** 3 <= pace.npmSeconds;
  };
  if (bearable("munkres")) entrants.push(assigners.npmMunkres(cost, n));
  if (bearable("linear-sum-assignment")) entrants.push(assigners.npmLinearSumAssignment(cost, n));
  const timings = await alternate(entrants, pace);
  const { gap, value } = certify(cost, n, first.columns(), first.duals());
  if (!(gap <= TOLERANCE)) faults.push(`ours on ${name} at ${n} leaves a duality gap of ${gap}, expected ${TOLERANCE}`);
  for (const entrant of entrants.slice(1)) {
    const other = chosenSum(cost, n, entrant.columns());
    const difference = Math.abs(other.sum - value.sum) / (value.magnitude || 1);
    if (!(difference <= TOLERANCE))
      faults.push(`${entrant.name} on ${name} at ${n} finds ${other.sum}, ours ${value.sum} (greater is better)`);
  }
  kernels.arena.release(mark);
  return { kind, name, n, timings, gap };
}

/** The sum of the chosen costs in f64, in row order; NaN where the columns are not a permutation. */
function chosenSum(cost: Float32Array, n: number, columns: ArrayLike<number>): { sum: number; magnitude: number } {
  const taken = new Uint8Array(n);
  let [sum, magnitude] = [columns.length === n ? 0 : Number.NaN, 0];
  for (let i = 0; i < n; i++) {
    const j = columns[i]!;
    if (!(j >= 0 && j < n) || taken[j]) return { sum: Number.NaN, magnitude: 0 };
    taken[j] = 1;
    sum += cost[i * n + j]!;
    magnitude += Math.abs(cost[i * n + j]!);
  }
  return { sum, magnitude };
}

/** By how much the duals fail to prove the optimum: their sum beyond the value, or a cost beyond its duals, relative. */
function certify(cost: Float32Array, n: number, columns: ArrayLike<number>, duals: Duals) {
  const value = chosenSum(cost, n, columns);
  let [bound, largest, beyond] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    bound += duals.rows[i]! + duals.columns[i]!;
    for (let j = 0; j < n; j++) {
      const at = cost[i * n + j]!;
      largest = Math.max(largest, Math.abs(at));
      beyond = Math.max(beyond, at - duals.rows[i]! - duals.columns[j]!);
    }
  }
  const gap = Math.max(Math.abs(bound - value.sum) / (value.magnitude || 1), beyond / (largest || 1));
  return { gap, value };
}

const RIVALS = ["scipy", "munkres", "linear-sum-assignment"];

const HEADER = [
  "kind",
  "ours ms",
  "solveAssignment ms",
  ...RIVALS.map((name) => `${name} ms`),
  ...RIVALS.map((name) => `${name} / ours`),
  "gap",
  "rounds",
];

function describeRow({ name, timings, gap }: Row): string[] {
  const find = (wanted: string): Timing | undefined => timings.find((timing) => timing.name === wanted);
  const mine = find("ours")!;
  const rivals = RIVALS.map(find);
  const show = (timing: Timing | undefined): string =>
    timing ? `${digits(1e3 * timing.best)} (${digits(1e3 * timing.median)})` : "–";
  return [
    name,
    ...[mine, find("solveAssignment"), ...rivals].map(show),
    ...rivals.map((rival) => (rival ? showRatio(ratioOf(rival, mine)) : "–")),
    gap === 0 ? "0" : gap.toExponential(0),
    String(mine.rounds.size),
  ];
}

function describe(rows: readonly Row[], options: BenchOptions, scipy: string): string {
  const sizes = [...new Set(rows.map(({ n }) => n))];
  return [
    `Maximal assignments of n×n f32 matrices (seed ${options.seed}). \`ours\` is the wasm kernel on a matrix in its memory,`,
    "`solveAssignment` the public function from arrays to arrays; scipy is `linear_sum_assignment(cost, maximize=True)`; the",
    "npm packages get rows of doubles made beforehand, and are left out where a smaller size says that they take too long.",
    "All optima are compared (10⁻¹² relative) and ours is certified by its duals (`gap`). unrelated: A·Bᵀ of gaussians,",
    "k = 2n; rank-k: the same with that k; dead: 30 % of the rows and of the columns 0; integers: 0 to 9; trained: B is A",
    "permuted, with noise of twice its size; real: costs of real pairs. Median over kinds: real ones count as one.",
    scipy,
    ...sizes.map((n) => {
      const own = rows.filter((row) => row.n === n);
      return `\n### n = ${n}\n\n${table(HEADER, own.map(describeRow))}\n\n${summary(own)}`;
    }),
  ].join("\n");
}

/** Median and least over kinds of the ratio to each rival, by best runs; a kind of several matrices counts once. */
function summary(rows: readonly Row[]): string {
  return RIVALS.flatMap((rival) => {
    const byKind = new Map<string, number[]>();
    for (const { kind, timings } of rows) {
      const other = timings.find(({ name }) => name === rival);
      if (other) byKind.set(kind, [...(byKind.get(kind) ?? []), ratioOf(other, timings[0]!).best]);
    }
    if (byKind.size === 0) return [];
    const ratios = [...byKind.values()].map(median);
    const least = Math.min(...[...byKind.values()].flat());
    return [`${rival} / ours over kinds: median ${digits(median(ratios))}, least ${digits(least)}.`];
  }).join(" ");
}
