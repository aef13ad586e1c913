/** Gradients of operations that only move elements. */

import * as tf from "@tensorflow/tfjs-core";
import { sumToShape } from "./broadcasting.ts";

/** A kernel of one input `x` whose gradient needs its shape and the attributes. */
function move(
  kernelName: string,
  back: (dy: tf.Tensor, shape: number[], attributes: Record<string, unknown>) => tf.Tensor,
): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attributes) => ({
      x: () => back(dy as tf.Tensor, x!.shape, attributes as Record<string, unknown>),
    }),
  };
}

function axisOf(attributes: Record<string, unknown>, shape: readonly number[], name = "axis"): number {
  return tf.util.parseAxisParam(attributes[name] as number, [...shape])[0]!;
}

/** dY cut along an axis into parts of the given sizes; the parts are made when asked for. */
function cut(dy: tf.Tensor, axis: number, sizes: readonly number[]): (() => tf.Tensor)[] {
  let at = 0;
  return sizes.map((size) => {
    const begin = dy.shape.map((_, i) => (i === axis ? at : 0));
    at += size;
    return () =>
      tf.slice(
        dy,
        begin,
        dy.shape.map((length, i) => (i === axis ? size : length)),
      );
  });
}

/** Rows of dY added to the rows of X they were gathered from. */
function ungather(dy: tf.Tensor, indices: tf.Tensor, shape: readonly number[], axis: number): tf.Tensor {
  const axes = shape.map((_, i) => i);
  const first = [axis, ...axes.filter((i) => i !== axis)];
  const others = shape.filter((_, i) => i !== axis);
  // dY has the axes of `indices` in the place of `axis`.
  const flat = tf.reshape(dy, [...shape.slice(0, axis), indices.size, ...shape.slice(axis + 1)]);
  const rows = tf.transpose(flat, first);
  const sums = tf.scatterND(tf.reshape(tf.cast(indices, "int32"), [indices.size, 1]), rows, [shape[axis]!, ...others]);
  const undo = axes.map((i) => first.indexOf(i));
  return tf.transpose(sums, undo);
}

function untile(dy: tf.Tensor, shape: readonly number[], reps: readonly number[]): tf.Tensor {
  const split = tf.reshape(
    dy,
    shape.flatMap((size, i) => [reps[i]!, size]),
  );
  return tf.sum(
    split,
    shape.map((_, i) => 2 * i),
  );
}

function pack(kernelName: string, back: (dy: tf.Tensor, attributes: Record<string, unknown>) => tf.Tensor[]) {
  return {
    kernelName,
    saveAllInputs: true,
    gradFunc: (dy: tf.Tensor | tf.Tensor[], _: tf.Tensor[], attributes: object) => {
      const parts = back(dy as tf.Tensor, attributes as Record<string, unknown>);
      return Object.fromEntries(parts.map((part, i) => [i, () => part]));
    },
  };
}

/** Gradients of reshaping, slicing, padding, joining, gathering. */
export const shapeGradients: readonly tf.GradConfig[] = [
  move(tf.Reshape, (dy, shape) => tf.reshape(dy, shape)),
  {
    kernelName: tf.ExpandDims,
    inputsToSave: ["input"],
    gradFunc: (dy, [input]) => ({ input: () => tf.reshape(dy as tf.Tensor, input!.shape) }),
  },
  move(tf.BroadcastTo, (dy, shape) => sumToShape(dy, shape)),
  move(tf.Tile, (dy, shape, { reps }) => untile(dy, shape, reps as number[])),
  move(tf.Reverse, (dy, shape, { dims }) => tf.reverse(dy, tf.util.parseAxisParam(dims as number[], shape))),
  move(tf.Transpose, (dy, _, { perm }) =>
    tf.transpose(
      dy,
      (perm as number[]).map((__, i) => (perm as number[]).indexOf(i)),
    ),
  ),
  move(tf.PadV2, (dy, shape, { paddings }) =>
    tf.slice(
      dy,
      (paddings as number[][]).map(([before]) => before!),
      shape,
    ),
  ),
  move(tf.Slice, (dy, shape, { begin, size }) => {
    const [starts, sizes] = tf.slice_util.parseSliceParams({ shape } as tf.Tensor, begin as number[], size as number[]);
    return tf.pad(
      dy,
      shape.map((length, i) => [starts![i]!, length - starts![i]! - sizes![i]!] as [number, number]),
    );
  }),
  {
    kernelName: tf.GatherV2,
    inputsToSave: ["x", "indices"],
    gradFunc: (dy, [x, indices], attributes) => {
      const { batchDims } = attributes as unknown as { batchDims: number };
      if (batchDims !== 0) throw new RangeError(`gradient of GatherV2 with ${batchDims} batch axes, expected 0`);
      const axis = axisOf(attributes as Record<string, unknown>, x!.shape);
      return {
        x: () => ungather(dy as tf.Tensor, indices!, x!.shape, axis),
        indices: () => tf.zeros(indices!.shape),
      };
    },
  },
  {
    kernelName: tf.Concat,
    saveAllInputs: true,
    gradFunc: (dy, saved, attributes) => {
      const axis = axisOf(attributes as Record<string, unknown>, saved[0]!.shape);
      const sizes = saved.map((x) => x.shape[axis]!);
      return Object.fromEntries(cut(dy as tf.Tensor, axis, sizes).map((part, i) => [i, part]));
    },
  },
  {
    kernelName: tf.SplitV,
    gradFunc: (dys, _, attributes) => ({
      x: () => tf.concat(dys as tf.Tensor[], (attributes as unknown as { axis: number }).axis),
    }),
  },
  pack(tf.Pack, (dy, { axis }) => tf.unstack(dy, axis as number)),
  {
    kernelName: tf.Unpack,
    gradFunc: (dys, _, attributes) => ({
      value: () => tf.stack(dys as tf.Tensor[], (attributes as unknown as { axis: number }).axis),
    }),
  },
];
