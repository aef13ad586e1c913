/** A model made of arrays in memory. */

import { describe } from "./describe.ts";
import type { Model, TensorInfo } from "./model.ts";
import { tensorBytes } from "./tensor-bytes.ts";

/** A tensor with its raw little-endian bytes. */
export interface TensorData extends TensorInfo {
  readonly data: Uint8Array;
}

/**
 * A model from tensors in memory, in the map's order. Nothing is copied: `read` gives a *view* of `data`.
 *
 * @throws {TypeError} for data that is no `Uint8Array`.
 * @throws {RangeError} naming the tensor, for an unknown dtype, an invalid shape, or a number of bytes that is not
 * shape × dtype.
 *
 * @example
 * const weight = new Float32Array([1, 2, 3, 4]);
 * const model = memoryModel(
 *   new Map([["fc.weight", { dtype: "F32", shape: [2, 2], data: new Uint8Array(weight.buffer) }]]),
 * );
 */
export function memoryModel(
  tensors: ReadonlyMap<string, TensorData>,
  options: { readonly name?: string | undefined; readonly metadata?: ReadonlyMap<string, string> | undefined } = {},
): Model {
  const { name = "model", metadata } = options;
  const infos = new Map<string, TensorInfo>();
  const contents = new Map<string, Uint8Array>();
  for (const [tensor, { dtype, shape, data }] of tensors) {
    const where = (): string => `${name} tensor ${describe(tensor)}`;
    const bytes = tensorBytes({ dtype, shape }, (message) => new RangeError(`${where()} ${message}`));
    if (!(data instanceof Uint8Array)) throw new TypeError(`${where()} data is ${typeof data}, expected a Uint8Array`);
    if (data.length !== bytes) {
      const what = `${describe(shape)} of ${dtype}`;
      throw new RangeError(`${where()} has ${data.length} bytes, expected ${bytes} (${what})`);
    }
    infos.set(tensor, { dtype, shape: [...shape] });
    contents.set(tensor, data);
  }
  return {
    name,
    tensors: infos,
    metadata: new Map(metadata),
    async read(tensor, signal) {
      signal?.throwIfAborted();
      const data = contents.get(tensor);
      if (data === undefined)
        throw new RangeError(`${name} has no tensor ${describe(tensor)}, expected one of its names`);
      return data;
    },
  };
}
