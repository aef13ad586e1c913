/**
 * Two models and a resolved spec as a matching problem: what votes, its raw bytes, and where each permutation
 * occurs.
 */

import { cellsOf } from "../../axes/cells.ts";
import type { Cell, Dim, ResolvedPermutation, ResolvedSpec } from "../../axes/types.ts";
import type { View } from "../../axes/views.ts";
import { type Dtype, elementBytes } from "../../base/dtype.ts";
import { SpecError } from "../../base/errors.ts";
import { type BytePart, elementCount, type Model, readPart } from "../../base/model.ts";
import type { Running } from "../../base/options.ts";
import { type Choice, choosePermutations, rootOf } from "./choose-permutations.ts";
import type { Fibres, NestedCode } from "./nested-code.ts";
import { heldValues, type ModelSide, type VotingValues } from "./voting-values.ts";

/** Bytes that are those of several tensors, or in another order. */
export interface OutlineView extends Pick<View, "names" | "layout"> {
  read(bytesPerElement: number, read: ReadBytes): Promise<Uint8Array>;
}

/** Bytes of a tensor of a model, or a part of them. */
export type ReadBytes = (name: string, part?: BytePart) => Promise<Uint8Array>;

/** A tensor that votes, and its cells; some rows of one; or several that a permutation exchanges, as one. */
export interface TensorOutline {
  readonly name: string;
  readonly dtype: Dtype;
  readonly elements: number;
  readonly cells: readonly VotingCell[];
  /** Where it is not one tensor of the models as it is. */
  readonly view?: OutlineView | undefined;
  /** Where it is some rows: their bytes in the tensor. */
  readonly part?: BytePart | undefined;
  /**
   * Where it is the first of so many equal blocks of one tensor, which are tensors by themselves: `cells` are those of
   * the whole, the others have none.
   */
  readonly blocks?: number | undefined;
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

/**
 * A permutation that is solved for by itself, with the permutations nested in it, however deep. Numbers index
 * `permutations`.
 */
export interface Group {
  readonly root: number;
  readonly nested: readonly number[];
}

/** What is known of a problem from names and shapes alone. */
export interface Outline {
  readonly tensors: readonly TensorOutline[];
  /** Those of the spec, and then those of `fibres`. */
  readonly permutations: readonly ResolvedPermutation[];
  readonly fibres: Fibres;
  /** What specs with blocks and slices need. */
  readonly nested: NestedCode | null;
  readonly groups: readonly Group[];
  /** Per permutation: whether it may move, or one that it is nested in or that is nested in it. */
  readonly free: readonly boolean[];
  /** Per permutation: whether it may itself. Where it may not, its units stay in place inside their blocks. */
  readonly chosen: readonly boolean[];
  /** Per permutation: rows of its cost matrix; of one block where there is one at a time, 0 where there is none. */
  readonly sides: readonly number[];
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

/** How a problem is solved, as far as its outline shows it. */
export interface Solving {
  /** Frank–Wolfe steps, for which every matrix is there as a whole. */
  readonly jointly: boolean;
  /** Per permutation: whether it has a linear term. */
  readonly terms?: readonly boolean[] | undefined;
  /** Whether what may not move is elsewhere than in place. */
  readonly starts: boolean;
}

/**
 * Lays a problem out without reading any data; `choice` names what may move, `nested` is what `loadNested` gives. With
 * `solving`, what stays in place is no permutation any more. Throws `SpecError` for a
 * tensor that 32-bit offsets do not reach.
 */
export function outlineProblem(
  resolved: ResolvedSpec,
  choice: Choice = {},
  nested: NestedCode | null = null,
  solving?: Solving,
): Outline {
  const { terms = [], starts = true } = solving ?? {};
  const own = choosePermutations(resolved.permutations, choice);
  const roots = new Set(own.flatMap((moves, p) => (moves ? [rootOf(resolved.permutations, p)] : [])));
  const isFree = (all: readonly ResolvedPermutation[], p: number): boolean => roots.has(rootOf(all, p));
  const inPlace = own.map((_, p) => !starts && !isFree(resolved.permutations, p) && !terms[p]);
  const list = nested?.listFibres(resolved.permutations);
  const seen = new Set<readonly string[]>();
  const tensors: TensorOutline[] = [];
  for (const given of resolved.tensors) {
    const tensor = nested?.fix(given, inPlace) ?? given;
    const { info, slice } = tensor;
    if (!tensor.votes || (slice !== undefined && seen.has(slice.names))) continue;
    if (slice !== undefined) seen.add(slice.names);
    const view = nested?.viewOf(tensor, resolved.permutations, list!.number);
    const elements = (slice?.names.length ?? 1) * elementCount(info.shape);
    if (elements > 2 ** 31 - 1)
      throw new SpecError(`${tensor.name} has ${elements} elements, expected fewer than 2^31`);
    const cells = (view?.cells ?? cellsOf(tensor)).map(({ base, dims: all }) => {
      const dims = all.map((dim) => (inPlace[dim.permutation] ? { ...dim, permutation: -1 } : dim));
      return { base, dims, degree: dims.filter(({ permutation }) => permutation >= 0).length };
    });
    tensors.push({ name: tensor.name, dtype: info.dtype, elements, cells, view: view && viewed(view, nested!) });
  }
  const { permutations, fibres } = list ?? { permutations: resolved.permutations, fibres: new Map() };
  const free = permutations.map((_, p) => isFree(permutations, p));
  const chosen = permutations.map((_, p) => own[p] ?? true);
  const sides = permutations.map(({ size }, p) => (solving === undefined || free[p] || terms[p] ? size : 0));
  return { ...layOut(tensors, permutations), fibres, nested, free, chosen, sides };
}

/** Undefined for a tensor as it is. */
function viewed(view: View, { readView }: NestedCode): OutlineView | undefined {
  if (view.names.length === 1 && view.layout === null) return undefined;
  const { names, layout } = view;
  return { names, layout, read: (bytesPerElement, read) => readView(view, bytesPerElement, read) };
}

/** True where no cell is moved by two permutations: one assignment per group solves the problem. */
export function isLinear({ occurrences }: Pick<Outline, "occurrences">): boolean {
  return occurrences.every((all) => all.every(({ cell }) => cell.degree === 1));
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

/** The bytes of a tensor as the outline has it. Throws `RangeError` when the model gives another number of them. */
export async function readTensor(model: Model, tensor: TensorOutline, signal?: AbortSignal): Promise<Uint8Array> {
  const { name, view, part } = tensor;
  const read: ReadBytes = (from, some = part) =>
    some === undefined ? model.read(from, signal) : readPart(model, from, some, model.tensors.get(from)!, signal);
  const bytes = await (view?.read(elementBytes(tensor.dtype), read) ?? read(name));
  if (bytes.length === bytesOf(tensor)) return bytes;
  throw new RangeError(`${name} of ${model.name} has ${bytes.length} bytes, expected ${bytesOf(tensor)}`);
}

/** Every permutation that is nested in none, with those nested in it. */
export function groupsOf(permutations: readonly ResolvedPermutation[]): Group[] {
  const nested = permutations.map((): number[] => []);
  for (const [p, { outer }] of permutations.entries()) if (outer >= 0) nested[rootOf(permutations, p)]!.push(p);
  const groups: Group[] = [];
  for (const [root, { outer }] of permutations.entries()) if (outer < 0) groups.push({ root, nested: nested[root]! });
  return groups;
}

/** Where permutations act on `tensors`, and what depends on what. */
export function layOut(
  tensors: readonly TensorOutline[],
  permutations: readonly ResolvedPermutation[],
): Omit<Outline, "fibres" | "nested" | "free" | "chosen" | "sides"> {
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
