/** What a forward pass is. */

import type { Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";

/** `[batch, height, width, channels]` images → `[batch, classes]` logits. Call it inside `tf.tidy`. */
export type Network = (images: Tensor4D) => Tensor2D;
