/** Mean and standard deviation of every channel of a value, over all images and positions, in f64. */

import type { Value } from "../run/executor.ts";

/** One entry for each channel. */
export interface ChannelStatistics {
  readonly mean: Float64Array;
  /** Of the population: the square root of the mean squared distance from the mean. */
  readonly deviation: Float64Array;
}

/** Sums of what has been seen of one value. */
export interface ChannelSums {
  /** Adds a batch: `[…, channels]`. Throws `RangeError` for NaN or infinity. */
  add(value: Value): void;
  finish(): ChannelStatistics;
}

/**
 * Sums over one value, called `name` in messages. Values are taken relative to the first position seen, so that a
 * constant channel has a deviation of exactly 0, and batches change results by rounding alone.
 */
export function channelSums(name: string): ChannelSums {
  let pivot: Float32Array | undefined;
  let [sum, squares] = [new Float64Array(0), new Float64Array(0)];
  let rows = 0;
  return {
    add({ shape, data: values }) {
      const channels = shape.at(-1)!;
      if (pivot === undefined) {
        pivot = values.slice(0, channels);
        [sum, squares] = [new Float64Array(channels), new Float64Array(channels)];
      }
      addRows(values, pivot, sum, squares);
      rows += values.length / channels;
      const bad = squares.findIndex((each) => !Number.isFinite(each));
      if (bad >= 0) throw new RangeError(`${name} has NaN or infinity in channel ${bad}, expected finite activations`);
    },
    finish() {
      const mean = sum.map((each, i) => pivot![i]! + each / rows);
      const deviation = sum.map((each, i) => Math.sqrt(Math.max(0, squares[i]! / rows - (each / rows) ** 2)));
      return { mean, deviation };
    },
  };
}

function addRows(values: Float32Array, pivot: Float32Array, sum: Float64Array, squares: Float64Array): void {
  const channels = pivot.length;
  for (let at = 0; at < values.length; at += channels) {
    for (let i = 0; i < channels; i++) {
      const value = values[at + i]! - pivot[i]!;
      sum[i]! += value;
      squares[i]! += value * value;
    }
  }
}
