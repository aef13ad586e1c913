/** Loss, accuracy and calibration from logits, in f64 and the same to the last bit in every runtime. */

import { exp, log } from "../base/exact-math.ts";

/** `loss` is the mean softmax cross-entropy in nats, `accuracy` the fraction of images classified right. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy: number;
}

/** Sums over images, to which batches are added. */
export interface Score {
  readonly count: number;
  /** Sum of cross-entropies in nats. */
  readonly loss: number;
  readonly right: number;
}

/** Logits `[count, classes]` and the right class of each row; all labels are below `classes`. */
export interface Answers {
  readonly logits: Float32Array;
  readonly classes: number;
  readonly labels: Uint8Array;
}

/** Cross-entropies and right answers of a batch. The first of equal logits is the answer. */
export function scoreLogits({ logits, classes, labels }: Answers): Score {
  let loss = 0;
  let right = 0;
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const best = highest(row);
    let sum = 0;
    for (const value of row) sum += exp(value - row[best]!);
    loss += row[best]! + log(sum) - row[labels[i]!]!;
    if (best === labels[i]) right++;
  }
  return { count: labels.length, loss, right };
}

/** Mean loss and accuracy of logits. */
export function evaluateLogits(answers: Answers): Evaluation {
  const { count, loss, right } = scoreLogits(answers);
  return { loss: loss / count, accuracy: right / count };
}

function highest(row: Float32Array): number {
  let best = 0;
  for (let c = 1; c < row.length; c++) if (row[c]! > row[best]!) best = c;
  return best;
}

/** Answers whose confidence is between two bounds. */
export interface ReliabilityBin {
  /** Bounds of the confidence: above `from` (the first bin: from 0 on), at most `to`. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean probability of the answer, and the fraction that was right; 0 where there are none. */
  readonly confidence: number;
  readonly accuracy: number;
}

/** How far a network's confidence can be believed. */
export interface Calibration {
  /** Expected calibration error: the mean of |accuracy − confidence| over bins, weighted by their counts. */
  readonly error: number;
  readonly bins: readonly ReliabilityBin[];
}

/** As many as Guo et al. use. */
const BINS = 15;

/**
 * Reliability of the answers in `bins` bins of equal width, and the expected calibration error (Guo et al. 2017, On
 * Calibration of Modern Neural Networks, equation 5). The confidence is the softmax probability of the answer.
 *
 * @throws {RangeError} unless `bins` is a positive integer.
 *
 * @example
 * const { error } = calibrate({ logits, classes: 10, labels });
 */
export function calibrate({ logits, classes, labels }: Answers, bins: number = BINS): Calibration {
  if (!Number.isSafeInteger(bins) || bins < 1) throw new RangeError(`bins ${bins}, expected a positive integer`);
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (let i = 0; i < labels.length; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const best = highest(row);
    let sum = 0;
    for (const value of row) sum += exp(value - row[best]!);
    const bin = sums[Math.min(Math.max(Math.ceil(bins / sum) - 1, 0), bins - 1)]!;
    bin.count++;
    bin.confidence += 1 / sum;
    if (best === labels[i]) bin.right++;
  }
  let error = 0;
  const table = sums.map(({ count, confidence, right }, k): ReliabilityBin => {
    error += Math.abs(right - confidence) / labels.length;
    const share = Math.max(count, 1);
    return { from: k / bins, to: (k + 1) / bins, count, confidence: confidence / share, accuracy: right / share };
  });
  return { error: labels.length === 0 ? 0 : error, bins: table };
}
