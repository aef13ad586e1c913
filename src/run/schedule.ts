/** Learning rates over the course of a training, the same to the last bit in every runtime. */

import { cosPi } from "../base/exact-math.ts";
import { checkOptions } from "../base/options.ts";

/** The learning rate at `progress`, the fraction of all steps that are done: from 0 to just below 1. */
export type Schedule = (progress: number) => number;

/** A warm-up and a cosine. */
export interface CosineSchedule {
  /** The highest rate. */
  readonly peak: number;
  /** Fraction of all steps over which the rate rises linearly to the peak. Default 0.1. */
  readonly warmup?: number | undefined;
  /** The rate at the end, as a fraction of the peak. Default 0. */
  readonly end?: number | undefined;
}

/**
 * Rises linearly from 0 to `peak`, then falls along half a cosine (Loshchilov and Hutter 2017, equation 5, without
 * restarts).
 *
 * @throws {RangeError} for a peak that is not positive, a warm-up outside of [0, 1) and an end outside of [0, 1].
 *
 * @example
 * const schedule = cosineSchedule({ peak: 0.1, warmup: 0.05 });
 * schedule(0.05); // 0.1
 */
export function cosineSchedule(options: CosineSchedule): Schedule {
  checkOptions("cosineSchedule", options, { peak: "number", warmup: "number", end: "number" });
  const { peak, warmup = 0.1, end = 0 } = options;
  if (!(Number.isFinite(peak) && peak > 0)) throw new RangeError(`peak ${peak}, expected a positive number`);
  if (!(warmup >= 0 && warmup < 1)) throw new RangeError(`warmup ${warmup}, expected a fraction from 0 to below 1`);
  if (!(end >= 0 && end <= 1)) throw new RangeError(`end ${end}, expected a fraction from 0 to 1`);
  return (progress) => {
    if (progress < warmup) return (peak * progress) / warmup;
    const share = (1 + cosPi((progress - warmup) / (1 - warmup))) / 2;
    return peak * (end + (1 - end) * share);
  };
}
