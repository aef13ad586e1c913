/** What is known while a graph is read. */

import type { Model } from "../base/model.ts";
import type { Known } from "../graph/kinds/kind.ts";
import { type Size, unknownSize } from "../graph/kinds/sizes.ts";
import type { AxisValue } from "./axis-values.ts";
import type { Units } from "./units.ts";

/** Values, tensors and units of one graph. */
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
}

/** Known elements, and the tensors that they were read from. */
export interface KnownFrom extends Known {
  readonly from: ReadonlySet<string>;
}

/** A size that nothing shows. */
export function unknownOf(reading: Reading): Size {
  return unknownSize(`u${reading.unknownSizes++}`);
}
