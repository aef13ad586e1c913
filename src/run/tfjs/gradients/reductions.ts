/** Gradients of sums, means, extremes and softmax. */

import * as tf from "@tensorflow/tfjs-core";
import { asFloat, keptShape, repeatTo } from "./broadcasting.ts";

type Axes = number | number[];

function reduction(
  kernelName: string,
  axesName: string,
  back: (dy: tf.Tensor, x: tf.Tensor, axes: Axes, y: tf.Tensor | undefined) => tf.Tensor,
  savesOutput = false,
): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: ["x"],
    outputsToSave: [savesOutput],
    gradFunc: (dy, [x, y], attributes) => ({
      x: () => back(dy as tf.Tensor, x!, (attributes as unknown as Record<string, Axes>)[axesName]!, y),
    }),
  };
}

/** dY where the input is the extreme; all of several equals get it. */
function extreme(dy: tf.Tensor, x: tf.Tensor, axes: Axes, y: tf.Tensor | undefined): tf.Tensor {
  const shape = keptShape(x.shape, axes);
  return tf.mul(tf.reshape(dy, shape), asFloat(tf.equal(x, tf.reshape(y!, shape))));
}

/** Gradients of `Sum`, `Mean`, `Max`, `Min` and `Softmax`. */
export const reductionGradients: readonly tf.GradConfig[] = [
  reduction(tf.Sum, "axis", (dy, x, axes) => repeatTo(dy, x.shape, axes)),
  reduction(tf.Mean, "axis", (dy, x, axes) => repeatTo(tf.div(dy, x.size / dy.size), x.shape, axes)),
  reduction(tf.Max, "reductionIndices", extreme, true),
  reduction(tf.Min, "axis", extreme, true),
  {
    kernelName: tf.Softmax,
    outputsToSave: [true],
    gradFunc: (dy, [y], attributes) => ({
      logits: () => {
        const { dim } = attributes as unknown as { dim: number };
        const weighted = tf.mul(dy as tf.Tensor, y!);
        return tf.sub(weighted, tf.mul(tf.sum(weighted, dim, true), y!));
      },
    }),
  },
];
