/** What gradients of broadcasting operations share. */

import * as tf from "@tensorflow/tfjs-core";

/** The sum of `dy` over the axes along which a tensor of `shape` was broadcast, in that shape. */
export function sumToShape(dy: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes([...shape], dy.shape);
  return tf.reshape(axes.length > 0 ? tf.sum(dy, axes) : dy, [...shape]);
}

/**
 * `dy` of a reduction, repeated along the axes that were reduced. By a product: `tile` is fifty times slower on
 * wasm.
 */
export function repeatTo(dy: tf.Tensor, shape: readonly number[], axes: number | readonly number[]): tf.Tensor {
  return tf.mul(tf.reshape(dy, keptShape(shape, axes)), tf.ones([...shape]));
}

/** A shape with 1 for each reduced axis. */
export function keptShape(shape: readonly number[], axes: number | readonly number[]): number[] {
  const reduced = new Set(tf.util.parseAxisParam(axes as number | number[], [...shape]));
  return shape.map((size, axis) => (reduced.has(axis) ? 1 : size));
}

/** 1 where true, as float32. */
export function asFloat(condition: tf.Tensor): tf.Tensor {
  return tf.cast(condition, "float32");
}
