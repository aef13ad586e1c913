/** Between the values of an ONNX graph and those of networks here, whose channels come last. */

import type { ImageInput } from "../../infer/image-input.ts";
import type { Value } from "../executor.ts";
import type { OnnxRuntime, OnnxRuntimeTensor } from "./runtime.ts";

/** Images as the input takes them. Throws `RangeError` where they do not fit. */
export function feedOf(
  runtime: Pick<OnnxRuntime, "Tensor">,
  { rank, layout, dtype }: ImageInput,
  images: Value,
): OnnxRuntimeTensor {
  const [batch, height, width, channels] = images.shape as [number, number, number, number];
  const isFirst = layout === "nchw";
  const values = isFirst ? turned(images.data, [batch, height * width, channels]) : images.data;
  const sizes = isFirst ? [channels, height, width] : [height, width, channels];
  const dims = rank === 4 ? [batch, ...sizes] : [batch, height * width * channels];
  const data = dtype === "F64" ? Float64Array.from(values) : values;
  return new runtime.Tensor((dtype === "F64" ? "float64" : "float32") as never, data as never, dims);
}

/** Throws `RangeError` for images of another size than the input takes. */
export function checkImages(model: string, input: ImageInput, [height, width, channels]: readonly number[]): void {
  const { name, rank, layout, shape } = input;
  if (rank === 2 && layout === undefined && channels !== 1)
    throw new RangeError(
      `${model} input ${name} takes rows, expected --layout nchw or nhwc: the order of ${channels} channels in them`,
    );
  const sizes = layout === "nchw" ? [channels, height, width] : [height, width, channels];
  const given = rank === 4 ? sizes : [height! * width! * channels!];
  const wanted = shape.slice(1);
  if (wanted.some((size, i) => size !== undefined && size !== given[i]))
    throw new RangeError(
      `its input ${name} takes ${wanted.map((size) => size ?? "?").join("×")}${rank === 4 ? `, read as ${layout}` : " values"}`,
    );
}

/** What came out as floats, with the channels last: `axis` is 1 or the last. A copy. */
export function fromRuntime(what: string, { type, dims, data }: OnnxRuntimeTensor, axis: 1 | -1): Value {
  if (type !== "float32" && type !== "float64")
    throw new RangeError(`${what} is ${type}, expected 32-bit floats: export the network in them`);
  const floats = type === "float32" ? (data as Float32Array) : Float32Array.from(data as Float64Array);
  if (axis === -1 || dims.length < 3) return { shape: [...dims], data: floats };
  const [batch, channels, ...positions] = dims as [number, number, ...number[]];
  const count = positions.reduce((product, size) => product * size, 1);
  return { shape: [batch, ...positions, channels], data: turned(floats, [batch, channels, count]) };
}

/** The last two axes exchanged. */
function turned(values: Float32Array, [batch, rows, columns]: readonly [number, number, number]): Float32Array {
  if (rows === 1 || columns === 1) return values;
  const result = new Float32Array(values.length);
  for (let k = 0, at = 0; k < batch; k++) {
    const from = k * rows * columns;
    for (let j = 0; j < columns; j++) for (let i = 0; i < rows; i++) result[at++] = values[from + i * columns + j]!;
  }
  return result;
}

/** Values of several batches as one, of which the first `count` count. Throws `RangeError` for no batches. */
export function joinedValues(what: string, parts: readonly Value[], sizes: readonly number[], count: number): Value {
  const [first] = parts as [Value];
  const inner = first.shape.slice(1);
  const odd = parts.findIndex(
    ({ shape }, i) => shape.length === 0 || shape[0] !== sizes[i] || shape.slice(1).join() !== inner.join(),
  );
  if (odd >= 0)
    throw new RangeError(
      `${what} has shape [${parts[odd]!.shape.join(", ")}] for ${sizes[odd]} images, expected one row for each image`,
    );
  const row = inner.reduce((product, size) => product * size, 1);
  if (parts.length === 1 && sizes[0] === count) return first;
  const data = new Float32Array(count * row);
  let at = 0;
  for (const part of parts) {
    data.set(part.data.subarray(0, Math.min(part.data.length, data.length - at)), at);
    at += part.data.length;
    if (at >= data.length) break;
  }
  return { shape: [count, ...inner], data };
}
