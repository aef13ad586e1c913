/** Tensor bytes → float32, one element at a time: slow and obvious, for running models rather than merging them. */

import { type Dtype, isFloat } from "../../src/dtype.ts";
import { elementCount, type Model } from "../../src/tensor.ts";

/** A float tensor in memory, row-major. */
export interface FloatTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The value of an IEEE half: sign, 5 bits of exponent (bias 15), 10 bits of fraction. Exact. */
export function decodeHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

type ReadElement = (view: DataView, element: number) => number;

const scratch = new DataView(new ArrayBuffer(4));

// F64 is rounded to float32 by the array it goes into.
const READERS: ReadonlyMap<Dtype, ReadElement> = new Map<Dtype, ReadElement>([
  ["F16", (view, i) => decodeHalf(view.getUint16(2 * i, true))],
  [
    "BF16", // the upper half of a float32
    (view, i) => {
      scratch.setUint32(0, view.getUint16(2 * i, true) * 65536);
      return scratch.getFloat32(0);
    },
  ],
  ["F32", (view, i) => view.getFloat32(4 * i, true)],
  ["F64", (view, i) => view.getFloat64(8 * i, true)],
]);

/** Decodes the first `count` elements. Returns a copy. */
function decodeFloats(bytes: Uint8Array, readElement: ReadElement, count: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: count }, (_, i) => readElement(view, i));
}

/**
 * Reads every float tensor of a model into memory as float32; integers (counters) are left out.
 * Throws `RangeError` for 8-bit floats, and what reading throws.
 */
export async function readFloatTensors(model: Model): Promise<Map<string, FloatTensor>> {
  const tensors = new Map<string, FloatTensor>();
  for (const [name, { dtype, shape }] of model.tensors) {
    if (!isFloat(dtype)) continue;
    const readElement = READERS.get(dtype);
    if (readElement === undefined)
      throw new RangeError(`tensor ${name} is ${dtype}, expected one of ${[...READERS.keys()].join(", ")}`);
    tensors.set(name, { shape, values: decodeFloats(await model.read(name), readElement, elementCount(shape)) });
  }
  return tensors;
}
