/** What is known while a file's graph is described as a `Graph`. */

import { isFloat } from "../base/dtype.ts";
import type { Operator, OperatorGraph } from "../graph/operators.ts";
import type { ImageInput } from "./image-input.ts";
import type { Reading } from "./reading.ts";

/** Where a value of the file has its channels: axis 1, or the last. */
export type ChannelAxis = 1 | -1;

/** What operators are described with. */
export interface NetworkDraft {
  readonly reading: Reading;
  readonly graph: OperatorGraph;
  readonly readers: ReadonlyMap<string, readonly Operator[]>;
  /** How often a tensor is read, in bodies too. */
  readonly uses: ReadonlyMap<string, number>;
  readonly input: ImageInput;
  /** Names in `graph` of the file's values: several values that are the same have one. */
  readonly names: Map<string, string>;
  /** Where a value of the file has its channels, as far as operators before it show. */
  readonly sides: Map<string, ChannelAxis>;
  /** Values that are part of an operation behind them. */
  readonly later: Set<string>;
}

/** True for a tensor of floats of this rank that nothing else reads. */
export function isOwnTensor({ reading, uses }: NetworkDraft, value: string | undefined, rank: number): boolean {
  const name = reading.tensorOf.get(value ?? "");
  const info = name === undefined ? undefined : reading.model.tensors.get(name);
  return info !== undefined && isFloat(info.dtype) && info.shape.length === rank && uses.get(name!) === 1;
}
