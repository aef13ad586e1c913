/**
 * A tensor of one model under soft permutations (doubly stochastic matrices), without ever building one. Soft
 * permutations are running mixtures of hard ones, and a tensor under them is the same mixture of gathered tensors. A
 * cell with two permutations is bilinear in them: it needs the tensor under both, and under either alone.
 */

import { enumerateOffsets, inPlace, type Lookup } from "../match/costs/offsets.ts";
import { MAX_DEGREE, type TensorOutline, type VotingCell } from "../match/costs/problem.ts";
import type { Orders } from "../perm/alignment.ts";

export interface SoftTensor {
  /** Under all its permutations; 0 in cells that take no part. */
  readonly whole: Float32Array;
  /**
   * `without[k]`: under all but that of the k-th permuted dimension of each cell; the tensor as it is where no cell has
   * two, and null.
   */
  readonly without: readonly [Float32Array, Float32Array] | null;
}

/** Cells that joint steps treat: of degree 1 or 2. The others add a constant, or are left to the descent. */
export function stepCells(tensor: TensorOutline): readonly VotingCell[] {
  return tensor.cells.filter(({ degree }) => degree >= 1 && degree <= MAX_DEGREE);
}

/** Positions of the permuted dimensions of a cell. */
export function permutedDims({ dims }: VotingCell): number[] {
  return dims.flatMap(({ permutation }, at) => (permutation < 0 ? [] : [at]));
}

/** The tensor of `values` under hard permutations. */
export function createSoftTensor(tensor: TensorOutline, values: Float32Array, orders: Orders): SoftTensor {
  const cells = stepCells(tensor);
  const bilinear = cells.some(({ degree }) => degree === 2);
  const fresh = (): Float32Array => new Float32Array(tensor.elements);
  const soft: SoftTensor = { whole: fresh(), without: bilinear ? [fresh(), fresh()] : null };
  mixTensor(soft, tensor, values, orders, 1);
  for (const cell of cells) mixCell(soft.whole, values, cell, gatherAll(cell, orders), 0, 1);
  return soft;
}

/** The tensor of `values` at a vertex: into `target`, whose other cells stay as they are. */
export function gatherVertex(target: Float32Array, tensor: TensorOutline, values: Float32Array, vertex: Orders): void {
  for (const cell of stepCells(tensor)) mixCell(target, values, cell, gatherAll(cell, vertex), 0, 1);
}

/**
 * The coefficient of γ(1−γ) in a step of γ to a vertex. It is the tensor with one permutation at the vertex and the
 * other soft, both ways; in linear cells, the soft tensor and the vertex.
 */
export function gatherCross(
  target: Float32Array,
  soft: SoftTensor,
  tensor: TensorOutline,
  values: Float32Array,
  vertex: Orders,
): void {
  for (const cell of stepCells(tensor)) {
    const [first, second] = permutedDims(cell);
    if (second === undefined) {
      mixCell(target, soft.whole, cell, noOrder, 0, 1);
      mixCell(target, values, cell, gatherAll(cell, vertex), 1, 1);
    } else {
      mixCell(target, soft.without![0], cell, gatherDim(cell, first!, vertex), 0, 1);
      mixCell(target, soft.without![1], cell, gatherDim(cell, second, vertex), 1, 1);
    }
  }
}

/** Moves the tensors under one soft permutation a step towards a vertex; `whole` is the caller's. */
export function mixTensor(
  { without }: SoftTensor,
  tensor: TensorOutline,
  values: Float32Array,
  vertex: Orders,
  step: number,
): void {
  if (without === null) return;
  for (const cell of stepCells(tensor)) {
    const [first, second] = permutedDims(cell);
    if (second === undefined) mixCell(without[0], values, cell, noOrder, 0, 1);
    else {
      mixCell(without[0], values, cell, gatherDim(cell, second, vertex), 1 - step, step);
      mixCell(without[1], values, cell, gatherDim(cell, first!, vertex), 1 - step, step);
    }
  }
}

type DimOrder = (dim: number) => Int32Array | null;

const noOrder: DimOrder = () => null;

const gatherAll =
  ({ dims }: VotingCell, orders: Orders): DimOrder =>
  (dim) =>
    orders[dims[dim]!.permutation] ?? null;

const gatherDim =
  (cell: VotingCell, one: number, orders: Orders): DimOrder =>
  (dim) =>
    dim === one ? gatherAll(cell, orders)(dim) : null;

/** target ← keep · target + add · (source with its dimensions gathered) over one cell. */
function mixCell(
  target: Float32Array,
  source: Float32Array,
  cell: VotingCell,
  orderOf: DimOrder,
  keep: number,
  add: number,
): void {
  const dims = cell.dims.map((dim, at) => ({ ...dim, permutation: at }));
  const lookup: Lookup = (at) => orderOf(at);
  const outer = dims.slice(0, -1);
  const rowsTo = enumerateOffsets(outer, cell.base, inPlace);
  const rowsFrom = enumerateOffsets(outer, cell.base, lookup);
  const last = dims.slice(-1);
  const columnsTo = enumerateOffsets(last, 0, inPlace);
  const columnsFrom = enumerateOffsets(last, 0, lookup);
  for (let row = 0; row < rowsTo.length; row++) {
    const [to, from] = [rowsTo[row]!, rowsFrom[row]!];
    for (let column = 0; column < columnsTo.length; column++) {
      const at = to + columnsTo[column]!;
      target[at] = keep * target[at]! + add * source[from + columnsFrom[column]!]!;
    }
  }
}
