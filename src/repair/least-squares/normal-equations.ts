/**
 * The least-squares problem of one linear operation: its normal equations, which grow batch by batch, and their
 * solution.
 *
 *     W = argmin ‖X·W − Y‖² + λ·‖W − W₀‖²,   λ = ridge · tr(G)/K,   G = XᵀX
 *
 * is solved for the change Δ = W − W₀, (G + λ)·Δ = Xᵀ(Y − X·W₀), in f64: Cholesky, and what remains is measured.
 */

import type { ExtraKernels } from "../../kernels/extra-kernels.ts";
import type { Patches } from "./patches.ts";

/** Rows of patches that are unfolded at a time: the block in which a Gram is summed. */
const ROWS = 256;

/** The tensors of an operation, in TensorFlow's layout. */
export interface LinearTensors {
  readonly weight: Float32Array;
  readonly bias: Float32Array | undefined;
}

/** A solution, and what it is worth on the rows it was found on. */
export interface Solution extends LinearTensors {
  readonly weight: Float32Array;
  /** ‖X·W − Y‖/‖Y‖ of the tensors as they were, and of the solution. */
  readonly before: number;
  readonly after: number;
  /** How far the solution is from solving the equations: ‖b − A·x‖/(‖A‖·‖x‖ + ‖b‖), in f64. */
  readonly residual: number;
}

/** Sums for one operation. */
export interface NormalEquations {
  /** Adds a batch: inputs and wanted outputs of `images` images. Throws `RangeError` for NaN or infinity. */
  add(inputs: Float32Array, outputs: Float32Array, images: number): void;
  /**
   * The tensors that fit best. Throws `RangeError` where the equations have no single solution, which only `ridge` 0
   * allows. The sums are used up.
   */
  solve(tensors: LinearTensors, ridge: number): Solution;
  /** Frees the memory. Safe to call twice. */
  release(): void;
}

/** Bytes of wasm memory that the equations of an operation take, work areas included, for batches of `images` images. */
export function equationsBytes(patches: Patches, hasBias: boolean, images: number): number {
  const { n, m, ld } = sizesOf(patches, hasBias);
  const values =
    images * (patches.size[0] * patches.size[1] * patches.input + patches.out[0] * patches.out[1] * patches.output);
  const panels = 8 * ROWS * (ld + m + 16);
  return 8 * patches.groups * n * ld + 8 * (n + 2 * n * m) + 4 * values + 4 * ROWS * ld + panels;
}

function sizesOf({ columns, output, groups }: Patches, hasBias: boolean): { n: number; m: number; ld: number } {
  const [n, m] = [columns + (hasBias ? 1 : 0), output / groups];
  return { n, m, ld: n + m };
}

/** Equations for an operation called `name` in messages. Every group has its own. */
export function createNormalEquations(
  kernels: ExtraKernels,
  name: string,
  patches: Patches,
  hasBias: boolean,
): NormalEquations {
  const { arena, wasm, f64 } = kernels;
  const sizes = sizesOf(patches, hasBias);
  const { n, ld } = sizes;
  const { groups } = patches;
  const start = arena.mark();
  const matrices = arena.allocate(8 * groups * n * ld);
  f64(matrices, groups * n * ld).fill(0);
  const top = arena.mark();
  const matrixOf = (group: number): number => matrices + 8 * group * n * ld;
  let squares = 0;

  return {
    add(inputs, outputs, images) {
      const mark = arena.mark();
      const [x, y] = [place(kernels, inputs), place(kernels, outputs)];
      const work = arena.allocate(wasm.gramWork(ld));
      const count = images * patches.out[0] * patches.out[1];
      eachRows(kernels, patches, hasBias, { x, y, count }, (group, rows, some) =>
        wasm.gram(matrixOf(group), ld, n, rows, ld, some, ld, work),
      );
      for (const value of outputs) squares += value * value;
      arena.release(mark);
      if (!Number.isFinite(squares)) throw notFinite(name);
    },
    solve(tensors, ridge) {
      return solveGroups(tensors, patches, squares, (group, from) =>
        solveGroup(kernels, { name, matrix: matrixOf(group), ...sizes, from, ridge }),
      );
    },
    release() {
      if (arena.mark() >= top) arena.release(start);
    },
  };
}

function place({ arena, f32 }: ExtraKernels, values: Float32Array): number {
  const pointer = arena.allocate(values.byteLength);
  f32(pointer, values.length).set(values);
  return pointer;
}

/** Unfolds the rows of each group, a block at a time, and hands them over. */
function eachRows(
  kernels: ExtraKernels,
  patches: Patches,
  hasBias: boolean,
  { x, y, count }: { x: number; y: number; count: number },
  use: (group: number, rows: number, count: number) => void,
): void {
  const rows = kernels.arena.allocate(4 * ROWS * sizesOf(patches, hasBias).ld);
  for (let group = 0; group < patches.groups; group++) {
    for (let first = 0; first < count; first += ROWS) {
      const some = Math.min(ROWS, count - first);
      unfoldRows(kernels, patches, hasBias, { rows, x, y, group, first, count: some });
      use(group, rows, some);
    }
  }
}

/** Rows [first, first + count) of one group, in wasm memory: patches, ones, wanted outputs. */
function unfoldRows(
  { wasm, f32 }: ExtraKernels,
  patches: Patches,
  hasBias: boolean,
  place: { rows: number; x: number; y: number; group: number; first: number; count: number },
): void {
  const { rows, x, y, group, first, count } = place;
  const { size, kernel, stride, dilation, pad, out, groups, columns, input, output } = patches;
  const { n, m, ld } = sizesOf(patches, hasBias);
  const depth = input / groups;
  const moves = [...kernel, ...stride, ...dilation, ...pad, ...out] as const;
  wasm.unfold(rows, ld, x, ...size, input, group * depth, depth, ...moves, first, count);
  if (hasBias) {
    const view = f32(rows, count * ld);
    for (let r = 0; r < count; r++) view[r * ld + columns] = 1;
  }
  wasm.unfold(rows + 4 * n, ld, y, 1, 1, output, group * m, m, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, first, count);
}

/** Solves group by group, and puts the solutions together. `squares` is ‖Y‖². */
function solveGroups(
  tensors: LinearTensors,
  patches: Patches,
  squares: number,
  solve: (group: number, from: Float64Array) => GroupSolution,
): Solution {
  const weight = new Float32Array(tensors.weight.length);
  const bias = tensors.bias === undefined ? undefined : new Float32Array(tensors.bias.length);
  let [before, after, residual] = [squares, squares, 0];
  for (let group = 0; group < patches.groups; group++) {
    const found = solve(group, columnsOf(tensors, patches, group));
    putColumns({ weight, bias }, patches, group, found.solution);
    before -= found.explained;
    after -= found.explained + found.gained;
    residual = Math.max(residual, found.residual);
  }
  const relative = (error: number): number => (squares === 0 ? 0 : Math.sqrt(Math.max(0, error) / squares));
  return { weight, bias, before: relative(before), after: relative(after), residual };
}

/** The tensors' columns of one group as f64[n, m]: the bias is the last row. */
function columnsOf({ weight, bias }: LinearTensors, { columns, output, groups }: Patches, group: number): Float64Array {
  const m = output / groups;
  const rows = columns + (bias === undefined ? 0 : 1);
  const values = new Float64Array(rows * m);
  for (let k = 0; k < columns; k++) for (let j = 0; j < m; j++) values[k * m + j] = weight[k * output + group * m + j]!;
  if (bias !== undefined) values.set(bias.subarray(group * m, (group + 1) * m), columns * m);
  return values;
}

function putColumns(
  { weight, bias }: LinearTensors,
  { columns, output, groups }: Patches,
  group: number,
  values: Float64Array,
): void {
  const m = output / groups;
  for (let k = 0; k < columns; k++) for (let j = 0; j < m; j++) weight[k * output + group * m + j] = values[k * m + j]!;
  bias?.set(values.subarray(columns * m), group * m);
}

interface GroupProblem {
  readonly name: string;
  /** [G | XᵀY], f64[n, ld]. */
  readonly matrix: number;
  readonly n: number;
  readonly m: number;
  readonly ld: number;
  /** W₀. */
  readonly from: Float64Array;
  readonly ridge: number;
}

interface GroupSolution {
  readonly solution: Float64Array;
  /** How much of ‖Y‖² W₀ explains: ‖Y‖² − ‖Y − X·W₀‖²; and how much more W does. */
  readonly explained: number;
  readonly gained: number;
  readonly residual: number;
}

function solveGroup({ arena, wasm, f64 }: ExtraKernels, problem: GroupProblem): GroupSolution {
  const { name, matrix, n, m, ld, from, ridge } = problem;
  const mark = arena.mark();
  const diagonal = arena.allocate(8 * n);
  const [x, r] = [arena.allocate(8 * n * m), arena.allocate(8 * n * m)];
  const work = arena.allocate(Math.max(wasm.choleskyWork(ld), wasm.subtractProductWork(n, m)));
  try {
    // All memory is there: views stay whole.
    const [all, right] = [f64(matrix, n * ld), f64(r, n * m)];
    wasm.mirror(matrix, ld, n, diagonal);
    const trace = f64(diagonal, n).reduce((sum, each) => sum + each, 0);
    if (!Number.isFinite(trace)) throw notFinite(name);
    if (!from.every(Number.isFinite))
      throw new RangeError(`${name} has NaN or infinity in its tensors, expected finite numbers`);
    // Xᵀ(Y − X·W₀)
    f64(x, n * m).set(from);
    for (let i = 0; i < n; i++) right.set(all.subarray(i * ld + n, (i + 1) * ld), i * m);
    let explained = dot(from, right);
    wasm.subtractProduct(r, m, matrix, ld, diagonal, n, x, m, m, work);
    explained += dot(from, right);
    const lambda = (ridge * trace) / n;
    const none = { solution: from, explained, gained: 0, residual: 0 };
    if (trace === 0) return none;
    const wanted = right.slice();
    for (let i = 0; i < n; i++) {
      all.set(wanted.subarray(i * m, (i + 1) * m), i * ld + n);
      f64(diagonal, n)[i]! += lambda;
      all[i * ld + i]! += lambda;
    }
    const bad = wasm.cholesky(matrix, ld, n, ld, work);
    if (bad >= 0)
      throw new RangeError(
        `${name} has no single best tensor (column ${bad} of ${n} follows from those before), expected ridge above 0 or more images`,
      );
    wasm.backSolve(matrix, ld, n, ld, work);
    const change = new Float64Array(n * m);
    for (let i = 0; i < n; i++) change.set(all.subarray(i * ld + n, (i + 1) * ld), i * m);
    f64(x, n * m).set(change);
    wasm.subtractProduct(r, m, matrix, ld, diagonal, n, x, m, m, work);
    const size = symmetricNorm(all, f64(diagonal, n), n, ld) * norm(change) + norm(wanted);
    const residual = size === 0 ? 0 : norm(right) / size;
    requireSolved(name, residual, n);
    const gained = dot(change, wanted) + lambda * dot(change, change);
    return { solution: change.map((each, i) => each + from[i]!), explained, gained, residual };
  } finally {
    arena.release(mark);
  }
}

const notFinite = (name: string): RangeError =>
  new RangeError(`${name} has NaN or infinity, expected finite activations`);

/** What rounding in f64 leaves is a hundred times smaller: more means that the equations were not solved. */
const RESIDUAL = 1e-12;

function requireSolved(name: string, residual: number, n: number): void {
  if (!(residual <= RESIDUAL * n))
    throw new RangeError(
      `${name} least squares left a residual of ${residual.toPrecision(2)}, expected at most ${(RESIDUAL * n).toPrecision(2)}`,
    );
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

/** Frobenius norm of the matrix of a lower triangle and a diagonal. */
function symmetricNorm(lower: Float64Array, diagonal: Float64Array, n: number, ld: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) sum += 2 * lower[i * ld + j]! ** 2;
  return Math.sqrt(sum + dot(diagonal, diagonal));
}
