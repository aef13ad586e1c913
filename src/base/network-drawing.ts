/** A network as boxes and arrows, for charts: what `drawNetwork` makes of a graph and a spec. */

/** A permutation of the spec. */
export interface DrawnGroup {
  readonly name: string;
  readonly size: number;
  readonly role?: string | undefined;
  /** Name of the group that it is nested in. */
  readonly inside?: string | undefined;
  /** How many tensors it moves. */
  readonly tensors: number;
}

/** A tensor that a box reads. */
export interface DrawnTensor {
  readonly name: string;
  /** `[P1, P0, 3, 3]` */
  readonly axes: string;
}

/** Operations one after another, or an input or output of the network. */
export interface DrawnBox {
  /** Kinds of the operations, in order; `input` or `output`. */
  readonly kinds: readonly string[];
  /** Names of the operations, of the input or of the output. */
  readonly names: readonly string[];
  readonly tensors: readonly DrawnTensor[];
  /** Groups that number what it makes, as indices; none where every axis keeps its order. */
  readonly groups: readonly number[];
}

/** A value on its way. */
export interface DrawnArrow {
  /** Indices of boxes, the first before the second. */
  readonly from: number;
  readonly to: number;
  readonly value: string;
  /** Groups that number its axes, as indices; none where every axis keeps its order. */
  readonly groups: readonly number[];
}

/** A whole network; each box comes after those that it reads. */
export interface NetworkDrawing {
  readonly groups: readonly DrawnGroup[];
  readonly boxes: readonly DrawnBox[];
  readonly arrows: readonly DrawnArrow[];
  /** Operations that compute sizes and constants alone, which are in no box. */
  readonly hidden: number;
}
