/** Opens Flax's checkpoints (MessagePack) as models. */

import { listFirst } from "../../base/compare-tensors.ts";
import { describe } from "../../base/describe.ts";
import type { Dtype } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import type { BytePart, Model, TensorInfo } from "../../base/model.ts";
import { visible } from "../../base/visible.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { chooseVariables } from "./choose-variables.ts";
import { isNoNumber } from "./flax-dtypes.ts";
import { type FlaxArray, readFlaxTree } from "./flax-tree.ts";

export interface FlaxOptions {
  /** Which of several models or sets of parameters: "ema_params". */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly maxIndexBytes?: number | undefined;
}

/** An array of a type that is a dtype here. */
export type FlaxTensor = FlaxArray & { readonly dtype: Dtype };

/** What a model remembers of its file, for writing into a copy of it. */
export interface FlaxContainer {
  readonly source: ByteSource;
  readonly tensors: ReadonlyMap<string, FlaxTensor>;
  /** Arrays of the model in types that are none here. */
  readonly leftOut: readonly { readonly name: string; readonly what: string; readonly isNumeric: boolean }[];
  readonly training: readonly string[];
  readonly others: readonly string[];
}

/**
 * Opens a file that `flax.serialization.to_bytes` wrote: reads the tree, not the arrays. Names are the paths in it,
 * joined by `/`: `params/Dense_0/kernel`. `read` gives a *view* where the source gives one and the array is whole, else
 * a copy.
 *
 * @throws {FormatError} naming the file and the byte or the array: for what is malformed, and where the choice of a
 * model is open
 *
 * @example
 * const model = await openFlax(bytesSource(bytes, "flax_model.msgpack"));
 */
export async function openFlax(source: ByteSource, { key, signal, maxIndexBytes }: FlaxOptions = {}): Promise<Model> {
  const { name } = source;
  const root = await readFlaxTree(source, maxIndexBytes, signal);
  const { arrays, key: chosen, training, others } = chooseVariables(root, key, name);
  const tensors = new Map<string, FlaxTensor>();
  const leftOut: FlaxContainer["leftOut"][number][] = [];
  for (const [tensor, array] of arrays) {
    const { dtype, type } = array;
    if (dtype !== undefined) tensors.set(tensor, { ...array, dtype });
    else leftOut.push({ name: tensor, what: visible(type), isNumeric: !isNoNumber(type) });
  }
  const left = leftOut.map(({ name, what }) => `${name} (${what})`);
  if (tensors.size === 0) throw new FormatError(`${name} holds ${listFirst(left)}, expected arrays of numbers`);
  const container: FlaxContainer = { source, tensors, leftOut, training, others };
  const details: [string, string][] = [
    ["key", chosen],
    ["left as is", listFirst(left)],
    ["training", listFirst(training)],
    ["not read", listFirst(others)],
  ];
  return {
    name,
    tensors: new Map(
      Array.from(tensors, ([tensor, { dtype, shape }]): [string, TensorInfo] => [tensor, { dtype, shape }]),
    ),
    metadata: new Map(),
    origin: { format: "flax", details: details.filter(([, text]) => text !== ""), container },
    async read(tensor, readSignal, _into, part) {
      const placed = tensors.get(tensor);
      if (placed === undefined)
        throw new RangeError(`${name} has no tensor ${describe(tensor)}, expected one of its names`);
      return readPieces(source, placed, part, readSignal);
    },
    async close() {
      await source.close?.();
    },
  };
}

/** Of an array in one piece the part that is asked for, else all. */
async function readPieces(
  source: ByteSource,
  { pieces }: FlaxTensor,
  part: BytePart | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const [first] = pieces;
  if (pieces.length === 1) {
    const [begin, end] = part ?? [0, first!.length];
    return source.slice(first!.offset + begin, first!.offset + end, signal);
  }
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const { offset, length } of pieces) {
    whole.set(await source.slice(offset, offset + length, signal), at);
    at += length;
  }
  return whole;
}
