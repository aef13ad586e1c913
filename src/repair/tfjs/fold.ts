/** Folds a scale and a shift of each channel into the tensors that make a value. */

import * as tf from "@tensorflow/tfjs-core";
import type { TfNetwork } from "../../run/tfjs/network.ts";
import type { RepairPlace } from "../places.ts";
import type { ChannelAffine } from "../repairable.ts";

/** Folds what a place can take: a scale where it has a tensor for that, a shift where it has one for that. */
export function foldAffine({ variables }: TfNetwork, place: RepairPlace, { scale, shift }: ChannelAffine): void {
  tf.tidy(() => {
    const factors = tf.tensor1d(Float32Array.from(scale));
    if (place.scaled !== undefined) {
      const variable = variables.get(place.scaled)!;
      // The last axis is that of the channels, in TensorFlow's layout.
      variable.assign(tf.mul(variable as tf.Tensor, factors));
    }
    if (place.shifted === undefined) return;
    const variable = variables.get(place.shifted)!;
    const scaled = place.scaled === undefined ? variable : tf.mul(variable as tf.Tensor, factors);
    variable.assign(tf.add(scaled as tf.Tensor, tf.tensor1d(Float32Array.from(shift))));
  });
}
