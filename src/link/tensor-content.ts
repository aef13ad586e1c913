/** Tensors compared by what is in them, in any order of their axes. */

import { DTYPES } from "../base/dtype.ts";
import { elementCount, type Model } from "../base/model.ts";
import { readFloats } from "../kernels/read-floats.ts";

/** Orders of axes are tried up to that rank: 24 of them. */
const MAX_RANK = 4;

/**
 * A text that two float tensors share if one is the other with its axes in another order; undefined for constant
 * tensors, which any of the same size would share. Reads the tensor.
 */
export async function fingerprint(model: Model, name: string, signal?: AbortSignal): Promise<string | undefined> {
  const values = await readFloats(model, name, signal);
  if (values.length < 2 || values.every((value) => value === values[0])) return undefined;
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  let [sum, mixed] = [0, 0];
  for (const each of bits) {
    let z = Math.imul(each ^ (each >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    z ^= z >>> 16;
    // Sums do not depend on the order.
    sum = (sum + z) | 0;
    mixed = (mixed + Math.imul(z, z | 1)) | 0;
  }
  return `${values.length} ${sum} ${mixed}`;
}

/** Whether all elements of a tensor have the same bits: then no permutation changes it. Reads the tensor. */
export async function isUniform(model: Model, name: string, signal?: AbortSignal): Promise<boolean> {
  const { bits } = DTYPES[model.tensors.get(name)!.dtype];
  if (bits % 8 !== 0) return false;
  const bytes = await model.read(name, signal);
  return bytes.every((byte, i) => byte === bytes[i % (bits / 8)]);
}

/** Two tensors to compare. */
export interface TensorPlaceOf {
  readonly model: Model;
  readonly name: string;
}

/**
 * The orders of axes by which `from` is `to`: axis i of `from` is axis `order[i]` of `to`. The order as it is comes
 * first. None for tensors that are not the same.
 */
export async function turnings(from: TensorPlaceOf, to: TensorPlaceOf, signal?: AbortSignal): Promise<number[][]> {
  const [shape, other] = [from, to].map(({ model, name }) => model.tensors.get(name)!.shape) as [number[], number[]];
  if (shape.length !== other.length || elementCount(shape) !== elementCount(other)) return [];
  const a = await readFloats(from.model, from.name, signal);
  const b = await readFloats(to.model, to.name, signal);
  const orders = shape.length > MAX_RANK ? [[...shape.keys()]] : ordersOf(shape.length);
  return orders.filter((order) => order.every((at, i) => other[at] === shape[i]) && isTurned(a, b, other, order));
}

/** All orders of 0 … n−1, the first ascending. */
export function ordersOf(n: number): number[][] {
  if (n === 0) return [[]];
  return Array.from({ length: n }, (_, first) =>
    ordersOf(n - 1).map((rest) => [first, ...rest.map((each) => (each >= first ? each + 1 : each))]),
  ).flat();
}

/** The values with axes in another order: axis i of the result is axis `order[i]` of `shape`. A fresh array. */
export function turnedValues(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const turned = new Float32Array(values.length);
  let at = 0;
  for (const place of placesOf(shape, order)) turned[at++] = values[place]!;
  return turned;
}

/** Where the elements of a tensor with axes in another order are, in the order of its elements. */
function* placesOf(shape: readonly number[], order: readonly number[]): Generator<number> {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  const steps = order.map((at) => strides[at]!);
  const sizes = order.map((at) => shape[at]!);
  const index = new Array<number>(shape.length).fill(0);
  let place = 0;
  for (let left = elementCount(shape); left > 0; left--) {
    yield place;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      place += steps[axis]!;
      if (index[axis]! < sizes[axis]!) break;
      place -= steps[axis]! * sizes[axis]!;
      index[axis] = 0;
    }
  }
}

function isTurned(a: Float32Array, b: Float32Array, shape: readonly number[], order: readonly number[]): boolean {
  let at = 0;
  for (const place of placesOf(shape, order)) {
    const [value, other] = [a[at++]!, b[place]!];
    // NaN is itself here.
    if (value !== other && !Object.is(value, other)) return false;
  }
  return true;
}
