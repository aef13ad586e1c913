/**
 * The data types of permutation specs, before and after resolving against a model's shapes. Plain data, no
 * behaviour.
 */

import type { TensorInfo } from "../base/model.ts";

/**
 * `V/H`: the units inside one block of `V`, in the order of the block that the slot of `H` has. `H` is what `V` is
 * nested in, directly or not, and is elsewhere in the tensor: in the same product, on its first axis, or in its name.
 */
export interface BlockFactor {
  readonly block: string;
  readonly of: string;
}

/** `(64|64|V/H)`: a concatenation as one factor of a product. */
export interface ConcatFactor {
  readonly parts: Axis;
}

/** A factor without parts. */
export type PlainFactor = number | string | BlockFactor;

/**
 * A fixed size, the name of a permutation, `"_"` (a fixed size that is read from the tensor), or a structured factor.
 */
export type Factor = PlainFactor | ConcatFactor;

/** Row-major product of factors, the first the slowest. */
export type Segment = readonly Factor[];

/** Concatenation of segments. `3*H*64` is one segment of three factors, `P0|P1` two segments of one. */
export type Axis = readonly Segment[];

/** One tensor of a spec: what acts on each axis, and whether the tensor counts in the objective. */
export interface TensorSpec {
  readonly axes: readonly Axis[];
  readonly votes: boolean;
  /** For one of several tensors that a permutation exchanges as wholes. */
  readonly slice?: Slice | undefined;
  /** Only in specs of the reference form, until `resolveSpec`: the shape that `axes` refer to. */
  readonly reshape?: readonly number[] | undefined;
}

/** The tensor is slot `at` of permutation `of`, such as expert 3 of 8. Tensors that change places have one `series`. */
export interface Slice {
  readonly of: string;
  readonly at: number;
  readonly series: string;
}

/**
 * A permutation of `outer` blocks of `inner` units: blocks move by `outer`, units inside each block freely. `outer` may
 * be nested itself: groups of heads, heads, units of a head.
 */
export interface NestedPermutation {
  readonly outer: string;
  readonly inner: number;
}

/** A permutation spec: names, not yet integers. Axis sizes are settled by `resolveSpec` against a model's shapes. */
export interface Spec {
  readonly tensors: ReadonlyMap<string, TensorSpec>;
  /** Only permutations with an inner structure need an entry. */
  readonly permutations: ReadonlyMap<string, NestedPermutation>;
  /**
   * What permutations are for, by name: which `only` and `except` accept as well as names. Not part of the fingerprint.
   */
  readonly roles?: ReadonlyMap<string, UnitRole> | undefined;
  /** Sizes of permutations that are open on every axis, as those of `P0|P1` are. */
  readonly sizes?: ReadonlyMap<string, number> | undefined;
  /**
   * Tensors of the model that are not listed: an error, or fixed in place. Specs of the reference form list voting
   * tensors only: there BatchNorm statistics move with their norm.
   */
  readonly rest: "refused" | "fixed" | "reference";
  /** Its name in reports: `parseSpec` sets it when the caller names the source. Not part of the fingerprint. */
  readonly name?: string | undefined;
  /** Set by `detectSpec`: the family's name, why it was chosen, and symmetries it leaves frozen. */
  readonly family?: string | undefined;
  readonly why?: string | undefined;
  readonly frozen?: readonly string[] | undefined;
  /**
   * What it rests on: a graph, a known architecture whose complete list of names and shapes matches, a chain concluded
   * from names and shapes, or a spec file.
   */
  readonly basis?: SpecBasis | undefined;
  /** Assumptions that no file can prove, one line each. */
  readonly assumptions?: readonly string[] | undefined;
}

/** What a permutation renumbers, in networks whose parts have names. */
export type UnitRole = "residual" | "ffn" | "heads" | "head-inner" | "experts" | "embedding" | (string & {});

/** What a spec rests on. */
export type SpecBasis = "graph" | "architecture" | "chain" | "given";

/** One factor of a segment: `stride` in elements of the axis, `permutation` an index into `permutations`, or −1. */
export interface ResolvedFactor {
  readonly size: number;
  readonly stride: number;
  readonly permutation: number;
  /** Of one block of `permutation`: the permutation whose slot chooses the block. */
  readonly within?: number | undefined;
}

/**
 * A segment with its sizes: from `offset`, `length` elements of the axis, which follow each other unless the axis has a
 * `ConcatFactor`.
 */
export interface ResolvedSegment {
  readonly offset: number;
  readonly length: number;
  readonly factors: readonly ResolvedFactor[];
}

/** An axis with its sizes: segments in order, `length` elements together. */
export interface ResolvedAxis {
  readonly length: number;
  readonly segments: readonly ResolvedSegment[];
}

/**
 * A tensor with every axis settled. `votes` is false for dtypes other than floats, even if the spec has it as true.
 */
export interface ResolvedTensor {
  readonly name: string;
  readonly info: TensorInfo;
  readonly axes: readonly ResolvedAxis[];
  readonly votes: boolean;
  /** True when a permutation acts on some axis, or on its name. */
  readonly moves: boolean;
  /** Slot `at` of permutation number `permutation`; `names` are the tensors of all its slots. */
  readonly slice?: ResolvedSlice | undefined;
}

/** Which of several tensors it is that a permutation exchanges. */
export interface ResolvedSlice {
  readonly permutation: number;
  readonly at: number;
  readonly names: readonly string[];
}

/** A permutation of a resolved spec, and where it acts. */
export interface ResolvedPermutation {
  readonly name: string;
  readonly size: number;
  /**
   * Index of the outer permutation of a nested one (nested itself, maybe), else −1; `inner` is then the size of a
   * block, else 1.
   */
  readonly outer: number;
  readonly inner: number;
  readonly role?: UnitRole | undefined;
  /** Names of the tensors that name it on an axis, in model order: none for an outer one that only a nested one uses. */
  readonly tensors: readonly string[];
}

/** A spec that fits a model: integers only. */
export interface ResolvedSpec {
  /** Every tensor of the model, in model order. */
  readonly tensors: readonly ResolvedTensor[];
  /** In order of first appearance in the model. */
  readonly permutations: readonly ResolvedPermutation[];
  /** The spec it came from, fitted: no `reshape`, `rest` "refused" or "fixed". */
  readonly spec: Spec;
}

/** One dimension of a cell: `size` steps of `stride` elements of the flat tensor, moved by a permutation or not (−1). */
export interface Dim {
  readonly size: number;
  readonly stride: number;
  readonly permutation: number;
}

/**
 * A strided box of a tensor inside which every index factorises: one segment chosen on each axis. Element `(i0, i1, …)`
 * is at `base + Σ i·stride`. The cells of a tensor partition it.
 */
export interface Cell {
  readonly base: number;
  readonly dims: readonly Dim[];
}
