/** What a linear operation multiplies with its tensor: rows of patches, the same for matrices and for convolutions. */

import type { OperationKind } from "../../graph/graph.ts";

export type LinearKind = Extract<OperationKind, { op: "dense" | "conv" }>;

/** Sizes of one operation; `[height, width]`, `[y, x]` and `[top, left]` in pairs. */
export interface Patches {
  /** Channels of the input and of the output. A group reads its share of the former and makes its share of the latter. */
  readonly input: number;
  readonly output: number;
  readonly groups: number;
  /** Values that one output of a group reads. */
  readonly columns: number;
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pad: readonly [number, number];
  /** Positions of the output: one row each, for every image. */
  readonly out: readonly [number, number];
}

/**
 * The patches of an operation: `weight` is its tensor's shape in TensorFlow's order, `input` and `output` are those of
 * its values without the batch. A convolution that reads fewer channels than there are has groups.
 */
export function patchesOf(
  kind: LinearKind,
  weight: readonly number[],
  input: readonly number[],
  output: readonly number[],
): Patches {
  if (kind.op === "dense") {
    const [columns, outputs] = weight as [number, number];
    // Rows of tokens are positions, too.
    const rows = [input.slice(0, -1).reduce((product, size) => product * size, 1), 1] as const;
    return { ...ONE_POSITION, size: rows, out: rows, input: columns, output: outputs, groups: 1, columns };
  }
  const [kernelHeight, kernelWidth, depth, outputs] = weight as [number, number, number, number];
  const [height, width, channels] = input as [number, number, number];
  const [outHeight, outWidth] = output as [number, number];
  const before = (length: number, kernel: number, out: number): number =>
    kind.padding === "same" ? Math.floor(Math.max(0, (out - 1) * kind.stride + kernel - length) / 2) : kind.padding;
  const window = kind.window ?? {
    stride: [kind.stride, kind.stride],
    dilation: ONE,
    pad: [before(height, kernelHeight, outHeight), before(width, kernelWidth, outWidth)],
  };
  return {
    input: channels,
    output: outputs,
    groups: channels / depth,
    columns: kernelHeight * kernelWidth * depth,
    size: [height, width],
    kernel: [kernelHeight, kernelWidth],
    stride: window.stride,
    dilation: window.dilation,
    pad: window.pad,
    out: [outHeight, outWidth],
  };
}

const ONE = [1, 1] as const;
const ONE_POSITION = { size: ONE, kernel: ONE, stride: ONE, dilation: ONE, pad: [0, 0], out: ONE } as const;
