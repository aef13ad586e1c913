/** TensorFlow's layouts and paddings for the reference's operators: everything is turned to ONNX' order, and back. */

import { build, type NdArray } from "./arrays.ts";
import type { Attributes, Run } from "./run-graph.ts";

const at = ({ shape, data }: NdArray, position: readonly number[]): number =>
  data[position.reduce((index, each, axis) => index * shape[axis]! + each, 0)]!;

/** Axis k of the result is axis `perm[k]`. */
function turned(value: NdArray, perm: readonly number[]): NdArray {
  const place = perm.map((_, axis) => perm.indexOf(axis));
  return build(
    perm.map((axis) => value.shape[axis]!),
    (position) =>
      at(
        value,
        place.map((axis) => position[axis]!),
      ),
  );
}

const middle = (rank: number, first: number): number[] => Array.from({ length: rank - 2 }, (_, axis) => axis + first);

/** A filter as `[out, in/group, …]`; for transposed convolutions `[in, out/group, …]`. */
function filterOf(weight: NdArray, form: string): NdArray {
  const rank = weight.shape.length;
  if (form !== "hwim") return turned(weight, [rank - 1, rank - 2, ...middle(rank, 0)]);
  const [channels, many] = weight.shape.slice(-2) as [number, number];
  return build([channels * many, 1, ...weight.shape.slice(0, -2)], ([o, , ...offset]) =>
    at(weight, [...offset, Math.floor(o! / many), o! % many]),
  );
}

/** Positions that TensorFlow's SAME puts before and behind. */
function samePads(sizes: readonly number[], windows: readonly number[], strides: readonly number[]): number[] {
  const all = sizes.map((size, k) =>
    Math.max(0, (Math.ceil(size / strides[k]!) - 1) * strides[k]! + windows[k]! - size),
  );
  return [...all.map((pad) => Math.floor(pad / 2)), ...all.map((pad) => Math.ceil(pad / 2))];
}

/** The operator with the attributes `layout`, `filter` and `auto_pad`. */
export function channelsLast(run: Run, kind: string): Run {
  return (inputs, attributes, outputs) => {
    const layout = attributes.text("layout", "");
    const [input, weight, ...rest] = inputs;
    const rank = input?.shape.length ?? 0;
    const form = attributes.text("filter", "oihw");
    if (!["Conv", "ConvTranspose", "MaxPool", "AveragePool", "BatchNormalization", "GroupNormalization"].includes(kind))
      return run(inputs, attributes, outputs);
    const isLast = layout === "nhwc" && rank > 2;
    const image = isLast ? turned(input!, [0, rank - 1, ...middle(rank, 1)]) : input!;
    const filter = weight !== undefined && form !== "oihw" ? filterOf(weight, form) : weight;
    const windows = attributes.numbers("kernel_shape") ?? filter?.shape.slice(2) ?? [];
    const strides = attributes.numbers("strides") ?? windows.map(() => 1);
    const changed: Attributes = {
      ...attributes,
      numbers: (name) =>
        name === "pads" && attributes.text("auto_pad", "") === "SAME_UPPER"
          ? samePads(image.shape.slice(2), windows, strides)
          : attributes.numbers(name),
      number: (name, otherwise) =>
        name === "group" && form === "hwim" ? image.shape[1]! : attributes.number(name, otherwise),
    };
    const scalar = (value: NdArray | undefined): NdArray | undefined =>
      value?.shape.length === 0 ? build([image.shape[1]!], () => value.data[0]!) : value;
    const made = run(
      kind.endsWith("Normalization") ? [image, ...[filter, ...rest].map(scalar)] : [image, filter, ...rest],
      changed,
      outputs,
    );
    return isLast ? made.map((value) => turned(value, [0, ...middle(rank, 2), 1])) : made;
  };
}
