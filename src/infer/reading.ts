/** What is known while a graph is read. */

import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { Known } from "../graph/kinds/kind.ts";
import { type Size, unknownSize } from "../graph/kinds/sizes.ts";
import type { Operator } from "../graph/operators.ts";
import type { AxisValue } from "./axis-values.ts";
import type { Units } from "./units.ts";

/** Values of a graph in one course of the network; tensors and units of all courses. */
export interface Reading {
  readonly units: Units;
  readonly model: Pick<Model, "tensors">;
  /** By name of a value. */
  readonly values: Map<string, AxisValue>;
  readonly known: Map<string, KnownFrom>;
  /** Name of a value → name of the tensor that it is. */
  readonly tensorOf: Map<string, string>;
  /** By name of a tensor. */
  readonly tensors: Map<string, AxisValue>;
  /** Tensors that some operator reads. */
  readonly read: Set<string>;
  /** Tensors that hold running statistics. */
  readonly statistics: Set<string>;
  /** Names of sizes that nothing shows, by their number. */
  unknownSizes: number;
  readonly courses: Courses;
  /** The body that runs in this course, of operators that choose one. */
  readonly choices: Map<Operator, string>;
  /** How many loops are around what is read: their steps may choose differently. */
  loops: number;
}

/** Courses that a network may take: branches whose values have different shapes are read one after the other. */
export interface Courses {
  /** What those that are still to be read choose. */
  readonly waiting: ReadonlyMap<Operator, string>[];
  /** How many more there may be. */
  left: number;
}

/** An operator that fails in every runtime: the network never takes the course that led to it. */
export class NeverRuns extends SpecError {}

/** Known elements, and the tensors that they were read from. */
export interface KnownFrom extends Known {
  readonly from: ReadonlySet<string>;
}

/** A size that nothing shows. */
export function unknownOf(reading: Reading): Size {
  return unknownSize(`u${reading.unknownSizes++}`);
}
