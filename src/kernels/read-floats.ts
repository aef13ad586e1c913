/** One tensor of a model as numbers. */

import { describe } from "../base/describe.ts";
import { elementCount, type Model } from "../base/model.ts";
import { withKernels } from "./idle.ts";

/**
 * The values of a float tensor as f32, row-major: F64 is rounded to nearest even, BF16, F16 and F8 are widened exactly.
 * A copy.
 *
 * @throws {RangeError} for a name that the model does not have.
 * @throws {TypeError} for a tensor that is no float.
 *
 * @example
 * const weight = await readFloats(model, [...model.tensors.keys()][0]!);
 * weight.length; // the product of the tensor's shape
 */
export async function readFloats(model: Model, name: string, signal?: AbortSignal): Promise<Float32Array> {
  const info = model.tensors.get(name);
  if (info === undefined)
    throw new RangeError(`${model.name} has no tensor ${describe(name)}, expected one of its names`);
  const bytes = await model.read(name, signal);
  const { decodeFloats } = await import("./float-values.ts");
  return withKernels({}, (kernels) => decodeFloats(kernels, bytes, info.dtype, elementCount(info.shape)));
}
