/**
 * Two models and a resolved spec as a matching problem: what votes, its raw bytes, and where each permutation
 * occurs.
 */

import { cellsOf } from "../../axes/cells.ts";
import type { Cell, Dim, ResolvedPermutation, ResolvedSpec } from "../../axes/types.ts";
import { type Dtype, elementBytes } from "../../base/dtype.ts";
import { SpecError } from "../../base/errors.ts";
import { elementCount, type Model } from "../../base/model.ts";
import type { Running } from "../../base/options.ts";
import { type Choice, choosePermutations } from "./choose-permutations.ts";
import { heldValues, type ModelSide, type VotingValues } from "./voting-values.ts";

/** A tensor that votes, and its cells. */
export interface TensorOutline {
  readonly name: string;
  readonly dtype: Dtype;
  readonly elements: number;
  readonly cells: readonly VotingCell[];
}

/** A cell with the number of its dims that permutations act on: 1 is linear in them, 2 bilinear, more is held hard. */
export interface VotingCell extends Cell {
  readonly degree: number;
}

/** One place where a permutation acts: dimension `dim` of `cell` of tensor number `tensor`. */
export interface Occurrence {
  readonly tensor: number;
  readonly cell: VotingCell;
  readonly dim: number;
}

/** The dimensions of the cell beside the one that the permutation acts on: the columns of a cost matrix's operands. */
export const otherDims = ({ cell, dim }: Occurrence): Dim[] => cell.dims.toSpliced(dim, 1);

/** A permutation that is solved for by itself, with the permutations nested in it. Numbers index `permutations`. */
export interface Group {
  readonly root: number;
  readonly nested: readonly number[];
}

/** What is known of a problem from names and shapes alone. */
export interface Outline {
  readonly tensors: readonly TensorOutline[];
  readonly permutations: readonly ResolvedPermutation[];
  readonly groups: readonly Group[];
  /** Per permutation: whether it may move. */
  readonly free: readonly boolean[];
  /** Per permutation. */
  readonly occurrences: readonly (readonly Occurrence[])[];
  /** Per group: numbers of the tensors that any of its permutations acts on. */
  readonly touched: readonly (readonly number[])[];
  /** Per group: numbers of the groups whose cost depends on it (itself too, where it acts on two axes of a tensor). */
  readonly neighbours: readonly (readonly number[])[];
}

/** A problem that can be worked on. */
export interface Problem extends Outline {
  readonly values: VotingValues;
}

/** Highest degree that joint steps treat exactly: the objective along a step is then a quadratic. */
export const MAX_DEGREE = 2;

/**
 * Lays a problem out without reading any data; `choice` names what may move. Throws `SpecError` for a tensor that
 * 32-bit offsets do not reach.
 */
export function outlineProblem(resolved: ResolvedSpec, choice: Choice = {}): Outline {
  const voting = resolved.tensors.filter(({ votes }) => votes);
  const tensors = voting.map((tensor): TensorOutline => {
    const { name, info } = tensor;
    const elements = elementCount(info.shape);
    if (elements > 2 ** 31 - 1) throw new SpecError(`${name} has ${elements} elements, expected fewer than 2^31`);
    const cells = cellsOf(tensor).map((cell) => ({
      ...cell,
      degree: cell.dims.filter((dim) => dim.permutation >= 0).length,
    }));
    return { name, dtype: info.dtype, elements, cells };
  });
  const { permutations } = resolved;
  return { ...layOut(tensors, permutations), free: choosePermutations(permutations, choice) };
}

/** Reads the voting tensors of both models. */
export async function readProblem(a: Model, b: Model, outline: Outline, options: Running): Promise<Problem> {
  const held: Record<ModelSide, Uint8Array[]> = { a: [], b: [] };
  for (const tensor of outline.tensors) {
    options.signal?.throwIfAborted();
    held.a.push(await readTensor(a, tensor, options.signal));
    held.b.push(await readTensor(b, tensor, options.signal));
    options.onProgress?.({ stage: "read", done: held.a.length, total: outline.tensors.length });
  }
  return { ...outline, values: heldValues(held.a, held.b) };
}

/** Bytes of a tensor in either file. */
export const bytesOf = ({ elements, dtype }: TensorOutline): number => elements * elementBytes(dtype);

/** Throws `RangeError` when the model gives another number of bytes. */
export async function readTensor(model: Model, tensor: TensorOutline, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = await model.read(tensor.name, signal);
  if (bytes.length === bytesOf(tensor)) return bytes;
  throw new RangeError(`${tensor.name} of ${model.name} has ${bytes.length} bytes, expected ${bytesOf(tensor)}`);
}

/** Every permutation that is nested in none, with those nested in it. */
export function groupsOf(permutations: readonly ResolvedPermutation[]): Group[] {
  const nested = permutations.map((): number[] => []);
  for (const [p, { outer }] of permutations.entries()) nested[outer]?.push(p);
  const groups: Group[] = [];
  for (const [root, { outer }] of permutations.entries()) if (outer < 0) groups.push({ root, nested: nested[root]! });
  return groups;
}

function layOut(
  tensors: readonly TensorOutline[],
  permutations: readonly ResolvedPermutation[],
): Omit<Outline, "free"> {
  const occurrences = permutations.map((): Occurrence[] => []);
  for (const [tensor, { cells }] of tensors.entries())
    for (const cell of cells)
      for (const [dim, { permutation }] of cell.dims.entries())
        if (permutation >= 0) occurrences[permutation]!.push({ tensor, cell, dim });
  const groups = groupsOf(permutations);
  const groupOf: number[] = [];
  for (const [g, { root, nested }] of groups.entries()) for (const p of [root, ...nested]) groupOf[p] = g;
  const touched: number[][] = [];
  const neighbours: number[][] = [];
  for (const { root, nested } of groups) {
    const [acted, met] = [new Set<number>(), new Set<number>()];
    for (const p of [root, ...nested])
      for (const { tensor, cell, dim } of occurrences[p]!) {
        acted.add(tensor);
        for (const [at, { permutation }] of cell.dims.entries())
          if (at !== dim && permutation >= 0) met.add(groupOf[permutation]!);
      }
    touched.push([...acted]);
    neighbours.push([...met]);
  }
  return { tensors, permutations, groups, occurrences, touched, neighbours };
}
