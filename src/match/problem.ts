/** Two models and a resolved spec as a matching problem: raw bytes of what votes, and where each permutation occurs. */

import { type Dtype, elementBytes } from "../dtype.ts";
import { SpecError } from "../errors.ts";
import type { OnProgress } from "../progress.ts";
import { cellsOf } from "../spec/cells.ts";
import type { Cell, ResolvedPermutation, ResolvedSpec } from "../spec/types.ts";
import { elementCount, type Model } from "../tensor.ts";

/** A tensor that votes: the bytes of A and of B as the files hold them, and its cells. */
export interface VotingTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly elements: number;
  readonly a: Uint8Array;
  readonly b: Uint8Array;
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

/** A permutation that is solved for by itself, with the permutations nested in it. Numbers index `permutations`. */
export interface Group {
  readonly root: number;
  readonly nested: readonly number[];
}

export interface Problem {
  readonly tensors: readonly VotingTensor[];
  readonly permutations: readonly ResolvedPermutation[];
  readonly groups: readonly Group[];
  /** Per permutation. */
  readonly occurrences: readonly (readonly Occurrence[])[];
  /** Per group: numbers of the tensors that any of its permutations acts on. */
  readonly touched: readonly (readonly number[])[];
  /** Per group: numbers of the groups whose cost depends on it (itself too, where it acts on two axes of a tensor). */
  readonly neighbours: readonly (readonly number[])[];
}

/** Highest degree that joint steps treat exactly: the objective along a step is then a quadratic. */
export const MAX_DEGREE = 2;

/** Reads the voting tensors of both models and lays out the problem. */
export async function readProblem(
  a: Model,
  b: Model,
  resolved: ResolvedSpec,
  options: { signal?: AbortSignal | undefined; onProgress?: OnProgress | undefined },
): Promise<Problem> {
  const voting = resolved.tensors.filter(({ votes }) => votes);
  const tensors: VotingTensor[] = [];
  for (const tensor of voting) {
    options.signal?.throwIfAborted();
    const { dtype, shape } = tensor.info;
    const elements = elementCount(shape);
    if (elements > 2 ** 31 - 1)
      throw new SpecError(`${tensor.name} has ${elements} elements, expected fewer than 2^31`);
    const cells = cellsOf(tensor).map((cell) => ({
      ...cell,
      degree: cell.dims.filter((dim) => dim.permutation >= 0).length,
    }));
    const [bytesA, bytesB] = [await a.read(tensor.name, options.signal), await b.read(tensor.name, options.signal)];
    checkBytes(a, tensor.name, bytesA, elements * elementBytes(dtype));
    checkBytes(b, tensor.name, bytesB, elements * elementBytes(dtype));
    tensors.push({ name: tensor.name, dtype, elements, a: bytesA, b: bytesB, cells });
    options.onProgress?.({ stage: "read", done: tensors.length, total: voting.length });
  }
  return layOut(tensors, resolved.permutations);
}

function checkBytes(model: Model, tensor: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected)
    throw new RangeError(`${tensor} of ${model.name} has ${bytes.length} bytes, expected ${expected}`);
}

function layOut(tensors: readonly VotingTensor[], permutations: readonly ResolvedPermutation[]): Problem {
  const occurrences: Occurrence[][] = permutations.map(() => []);
  tensors.forEach(({ cells }, tensor) => {
    for (const cell of cells) {
      cell.dims.forEach(({ permutation }, dim) => {
        if (permutation >= 0) occurrences[permutation]!.push({ tensor, cell, dim });
      });
    }
  });
  const groups: Group[] = [];
  permutations.forEach(({ outer }, root) => {
    if (outer < 0) groups.push({ root, nested: permutations.flatMap((p, i) => (p.outer === root ? [i] : [])) });
  });
  const groupOf = new Map(groups.flatMap(({ root, nested }, g) => [root, ...nested].map((p) => [p, g] as const)));
  const touched = groups.map(({ root, nested }) => [
    ...new Set([root, ...nested].flatMap((p) => occurrences[p]!.map(({ tensor }) => tensor))),
  ]);
  const neighbours = groups.map(({ root, nested }) => {
    const found = new Set<number>();
    for (const p of [root, ...nested]) {
      for (const { cell, dim } of occurrences[p]!) {
        cell.dims.forEach((other, at) => {
          if (at !== dim && other.permutation >= 0) found.add(groupOf.get(other.permutation)!);
        });
      }
    }
    return [...found];
  });
  return { tensors, permutations, groups, occurrences, touched, neighbours };
}
