/** The loss of a batch and its gradients. */

import * as tf from "@tensorflow/tfjs-core";
import type { Dataset } from "../../data/dataset.ts";
import type { Batch } from "../../data/select.ts";
import { type Score, scoreLogits } from "../metrics.ts";
import type { TfNetwork } from "./network.ts";

/**
 * Gradients of the mean cross-entropy of a batch with respect to every trainable tensor, and its score, of a network in
 * training. Needs `registerGradients`. The caller disposes the gradients; a tensor on which the loss does not depend
 * has none.
 */
export function lossGradients(
  network: Pick<TfNetwork, "runTraining">,
  { height, width, channels }: Pick<Dataset, "height" | "width" | "channels">,
  trainable: ReadonlyMap<string, tf.Variable>,
  { images, labels }: Batch,
): { score: Score; gradients: Map<string, tf.Tensor> } {
  let score: Score = { count: 0, loss: 0, right: 0 };
  const { value, grads } = tf.variableGrads(() => {
    const logits = network.runTraining(tf.tensor4d(images, [labels.length, height, width, channels]));
    const values = logits.dataSync<"float32">();
    score = scoreLogits({ logits: values, classes: logits.shape[1], labels });
    return crossEntropy(logits, labels, score);
  }, [...trainable.values()]);
  value.dispose();
  const gradients = new Map<string, tf.Tensor>();
  for (const [name, variable] of trainable) {
    const gradient = grads[variable.name];
    if (gradient !== undefined && gradient !== null) gradients.set(name, gradient);
  }
  return { score, gradients };
}

/** The mean cross-entropy, already computed in f64, with its gradient (softmax − one-hot) / batch. */
function crossEntropy(logits: tf.Tensor2D, labels: Uint8Array, score: Score): tf.Scalar {
  const loss = tf.customGrad((x, save) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor]);
    const gradFunc = (_: tf.Tensor, [saved]: tf.Tensor[]): tf.Tensor => {
      const right = tf.oneHot(tf.tensor1d(Int32Array.from(labels), "int32"), logits.shape[1]);
      return tf.div(tf.sub(tf.softmax(saved!), right), labels.length);
    };
    return { value: tf.scalar(score.loss / score.count), gradFunc };
  });
  return loss(logits) as tf.Scalar;
}
