/**
 * Two models and a resolved spec as a matching problem: what votes, its raw bytes, and where each permutation
 * occurs.
 */

import { cellsOf } from "../../axes/cells.ts";
import type { Cell, Dim, ResolvedPermutation, ResolvedSpec } from "../../axes/types.ts";
import type { View } from "../../axes/views.ts";
import { type Dtype, elementBytes } from "../../base/dtype.ts";
import { SpecError } from "../../base/errors.ts";
import { elementCount, type Model } from "../../base/model.ts";
import type { Running } from "../../base/options.ts";
import { type Choice, choosePermutations, rootOf } from "./choose-permutations.ts";
import type { Fibres, NestedCode } from "./nested-code.ts";
import { heldValues, type ModelSide, type VotingValues } from "./voting-values.ts";

/** Bytes that are those of several tensors, or in another order. */
export interface OutlineView {
  read(bytesPerElement: number, read: (name: string) => Promise<Uint8Array>): Promise<Uint8Array>;
}

/** A tensor that votes, and its cells; or several that a permutation exchanges, as one. */
export interface TensorOutline {
  readonly name: string;
  readonly dtype: Dtype;
  readonly elements: number;
  readonly cells: readonly VotingCell[];
  /** Where it is not one tensor of the models as it is. */
  readonly view?: OutlineView | undefined;
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
 * Lays a problem out without reading any data; `choice` names what may move, `nested` is what `loadNested` gives.
 * Throws `SpecError` for a tensor that 32-bit offsets do not reach.
 */
export function outlineProblem(resolved: ResolvedSpec, choice: Choice = {}, nested: NestedCode | null = null): Outline {
  const list = nested?.listFibres(resolved.permutations);
  const seen = new Set<readonly string[]>();
  const tensors: TensorOutline[] = [];
  for (const tensor of resolved.tensors) {
    const { info, slice } = tensor;
    if (!tensor.votes || (slice !== undefined && seen.has(slice.names))) continue;
    if (slice !== undefined) seen.add(slice.names);
    const view = nested?.viewOf(tensor, resolved.permutations, list!.number);
    const elements = (slice?.names.length ?? 1) * elementCount(info.shape);
    if (elements > 2 ** 31 - 1)
      throw new SpecError(`${tensor.name} has ${elements} elements, expected fewer than 2^31`);
    const cells = (view?.cells ?? cellsOf(tensor)).map((cell) => ({
      ...cell,
      degree: cell.dims.filter((dim) => dim.permutation >= 0).length,
    }));
    tensors.push({ name: tensor.name, dtype: info.dtype, elements, cells, view: view && viewed(view, nested!) });
  }
  const { permutations, fibres } = list ?? { permutations: resolved.permutations, fibres: new Map() };
  return { ...layOut(tensors, permutations), fibres, nested, ...mayMove(resolved.permutations, permutations, choice) };
}

/** Undefined for a tensor as it is. */
function viewed(view: View, { readView }: NestedCode): OutlineView | undefined {
  if (view.names.length === 1 && view.layout === null) return undefined;
  return { read: (bytesPerElement, read) => readView(view, bytesPerElement, read) };
}

/** What `choice` leaves free: of `permutations`, the first of which are `given`. */
function mayMove(
  given: readonly ResolvedPermutation[],
  permutations: readonly ResolvedPermutation[],
  choice: Choice,
): Pick<Outline, "free" | "chosen"> {
  const own = choosePermutations(given, choice);
  const roots = new Set(own.flatMap((moves, p) => (moves ? [rootOf(permutations, p)] : [])));
  return {
    free: permutations.map((_, p) => roots.has(rootOf(permutations, p))),
    chosen: permutations.map((_, p) => own[p] ?? true),
  };
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
  const read = (name: string): Promise<Uint8Array> => model.read(name, signal);
  const bytes = await (tensor.view?.read(elementBytes(tensor.dtype), read) ?? read(tensor.name));
  if (bytes.length === bytesOf(tensor)) return bytes;
  throw new RangeError(`${tensor.name} of ${model.name} has ${bytes.length} bytes, expected ${bytesOf(tensor)}`);
}

/** Every permutation that is nested in none, with those nested in it. */
export function groupsOf(permutations: readonly ResolvedPermutation[]): Group[] {
  const nested = permutations.map((): number[] => []);
  for (const [p, { outer }] of permutations.entries()) if (outer >= 0) nested[rootOf(permutations, p)]!.push(p);
  const groups: Group[] = [];
  for (const [root, { outer }] of permutations.entries()) if (outer < 0) groups.push({ root, nested: nested[root]! });
  return groups;
}

function layOut(
  tensors: readonly TensorOutline[],
  permutations: readonly ResolvedPermutation[],
): Omit<Outline, "fibres" | "nested" | "free" | "chosen"> {
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
