/**
 * One temperature for logits, fitted to probabilities: the first thing to try where answers are right and too
 * unsure.
 */

import { exp } from "../base/exact-math.ts";

/** Logits `[rows, classes]`, row by row. */
export interface LogitRows {
  readonly logits: Float32Array;
  readonly classes: number;
}

/** Temperatures outside of these mean that there was nothing to fit. */
const LEAST = 1 / 64;
const MOST = 64;
/** Halvings of the interval: what is left of it is below the last bit of an f32. */
const HALVINGS = 60;

/**
 * Mean of the softmax probabilities of several networks, f64 `[rows, classes]`: a fresh array. `weights`, one for each,
 * add up to 1.
 *
 * @example
 * const ofOne = meanProbabilities([{ logits: Float32Array.of(0, 0), classes: 2 }], [1]); // [0.5, 0.5]
 */
export function meanProbabilities(parts: readonly LogitRows[], weights: readonly number[]): Float64Array {
  const sum = new Float64Array(parts[0]!.logits.length);
  const row = new Float64Array(parts[0]!.classes);
  parts.forEach(({ logits, classes }, k) => {
    for (let at = 0; at < logits.length; at += classes) {
      softmax(logits, at, 1, row);
      for (let c = 0; c < classes; c++) sum[at + c]! += weights[k]! * row[c]!;
    }
  });
  return sum;
}

/**
 * The temperature T at which softmax(z/T) has the least cross-entropy against `probabilities`, which are those of
 * `meanProbabilities`; between 1/64 and 64, and 1 where no temperature makes a difference. The cross-entropy is convex
 * in 1/T, so halving finds it (Guo et al. 2017, section 4.2, with probabilities in place of labels).
 *
 * @example
 * const rows = { logits: Float32Array.of(4, 0, 0, 2), classes: 2 };
 * const halved = { logits: rows.logits.map((z) => z / 2), classes: 2 };
 * const temperature = fitTemperature(rows, meanProbabilities([halved], [1])); // 2
 */
export function fitTemperature({ logits, classes }: LogitRows, probabilities: Float64Array): number {
  const row = new Float64Array(classes);
  /** Derivative by β = 1/T: Σ (softmax(βz) − p)·z. */
  const slope = (beta: number): number => {
    let sum = 0;
    for (let at = 0; at < logits.length; at += classes) {
      softmax(logits, at, beta, row);
      for (let c = 0; c < classes; c++) sum += (row[c]! - probabilities[at + c]!) * logits[at + c]!;
    }
    return sum;
  };
  let [low, high] = [1 / MOST, 1 / LEAST];
  if (slope(low) === slope(high)) return 1;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = Math.sqrt(low * high);
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return 1 / Math.sqrt(low * high);
}

/** softmax(beta · z) of the row at `at`. */
function softmax(logits: Float32Array, at: number, beta: number, row: Float64Array): void {
  let highest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < row.length; c++) highest = Math.max(highest, logits[at + c]!);
  let sum = 0;
  for (let c = 0; c < row.length; c++) {
    row[c] = exp(beta * (logits[at + c]! - highest));
    sum += row[c]!;
  }
  for (let c = 0; c < row.length; c++) row[c]! /= sum;
}
