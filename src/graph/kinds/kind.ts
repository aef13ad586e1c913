/**
 * What a kind of operator declares about its axes: which axis of which input is which axis of which output, which axes
 * meet, and which cannot be renumbered. A kind calls the methods of `Call`; `src/infer/` draws the conclusions.
 */

import type { Operator, OperatorGraph } from "../operators.ts";
import type { Size } from "./sizes.ts";

/** A value of the graph. `shape` is undefined where not even its rank is known. */
export interface GraphValue {
  readonly shape: readonly Size[] | undefined;
}

/** Elements of a value that are known before the network runs, the last axis fastest; NaN-free numbers, or sizes. */
export interface Known {
  readonly shape: readonly number[];
  /** Undefined elements depend on data. */
  readonly values: readonly (Size | undefined)[];
  /** True for floats: quotients of whole numbers are not cut to whole ones. */
  readonly isFloat?: boolean | undefined;
}

/** The label of an axis, or those of an axis that is a product, the slowest first. */
export type Labels = string | readonly string[];

/** A value whose axes have labels, one entry an axis. An axis of size 1 meets any other. */
export interface Labelled {
  readonly value: GraphValue;
  readonly labels: readonly Labels[];
}

/**
 * An operator as index arithmetic: every output element is made from the input elements with the same values of shared
 * labels. The rule does not depend on the labels' positions. `C[i, j] = Σ A[i, k] B[k, j]` has operands `ik` and `kj`
 * and the output `ij`.
 */
export interface Relation {
  readonly operands: readonly Labelled[];
  readonly outputs: readonly (readonly Labels[])[];
  /** Sizes of labels that share an axis, or that only outputs have. */
  readonly sizes?: ReadonlyMap<string, Size> | undefined;
  /** Labels within whose positions the operator works: of a softmax all but its own axis. */
  readonly inside?: readonly (readonly string[])[] | undefined;
  /** Labels whose positions the operator distinguishes, and why. */
  readonly ordered?: ReadonlyMap<string, string> | undefined;
}

/** One operator at work. Methods throw `SpecError` where the graph is malformed. */
export interface Call {
  readonly operator: Operator;
  readonly inputs: readonly (GraphValue | undefined)[];
  /** Input number `at`, which must be there. */
  input(at: number): GraphValue;
  /** Elements of an input if they are known; the caller relies on them, so tensors behind them are fixed. */
  known(at: number): Known | undefined;
  number(attribute: string, otherwise: number): number;
  numbers(attribute: string): readonly number[] | undefined;
  text(attribute: string, otherwise: string): string;
  /** A size that nothing shows. */
  unknown(): Size;
  relate(relation: Relation): GraphValue[];
  /** The same elements in the same order. */
  reshape(value: GraphValue, shape: readonly Size[]): GraphValue;
  /** Axis k of the result is axis `axes[k]`. */
  transpose(value: GraphValue, axes: readonly number[]): GraphValue;
  /** These positions of an axis; a number instead of a list drops the axis. */
  take(value: GraphValue, axis: number, positions: readonly number[] | number): GraphValue;
  concat(values: readonly GraphValue[], axis: number): GraphValue;
  /** Fixes these axes of a value, or all. */
  fix(value: GraphValue, reason: string, axes?: readonly number[]): void;
  /** A value whose axes are fixed. */
  fixed(shape: readonly Size[], reason: string): GraphValue;
  /** A value whose elements are all alike. */
  uniform(shape: readonly Size[]): GraphValue;
  /** A value of unknown rank that is fixed. */
  opaque(reason: string): GraphValue;
  /** The same value with this rank, where it was unknown. */
  ranked(value: GraphValue, rank: number): GraphValue;
  /** The body that runs in the course of the network that is read now, where that is known. */
  decided(): string | undefined;
  /**
   * Has the first of these bodies run in this course, and the network read once more for each other. False where that
   * would be too often, or steps of a loop may differ.
   */
  decide(bodies: readonly string[]): boolean;
  /** Runs a body on these values; its outputs. */
  body(name: string, inputs: readonly GraphValue[]): GraphValue[];
  /** The value that is one of these. */
  either(values: readonly GraphValue[]): GraphValue;
  /** Declares that input number `at` is a running statistic: it moves and does not vote. */
  statistic(at: number): void;
}

/** The outputs of an operator, in order; those that are left out at the end need not be made. */
export type Kind = (call: Call) => readonly (GraphValue | undefined)[];

/** The bodies of an operator, by name. */
export type Bodies = ReadonlyMap<string, OperatorGraph>;
