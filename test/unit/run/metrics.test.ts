/** Loss, accuracy and calibration from logits, and the exponentials they stand on. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exp, log } from "../../../src/base/exact-math.ts";
import { createRng } from "../../../src/base/rng.ts";
import { calibrate, evaluateLogits, scoreLogits } from "../../../src/run/metrics.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("metrics");
const near = (actual: number, expected: number, relative: number, what = "value"): void =>
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.abs(expected) || Object.is(actual, expected),
    `${what} ${actual}, expected ${expected}`,
  );

test("exp and log agree with Math's to a few units in the last place", () => {
  const rng = createRng(1);
  for (let i = 0; i < 20000; i++) {
    const x = (rng.uniform() - 0.5) * 1400;
    near(exp(x), Math.exp(x), 1e-15, `exp(${x})`);
    const y = Math.exp(x);
    near(log(y), Math.log(y), 1e-15, `log(${y})`);
    const close = 1 + (rng.uniform() - 0.5) * 1e-3;
    near(log(close), Math.log(close), 1e-15, `log(${close})`);
  }
  assert.equal([exp(0), exp(-1000), exp(710), log(1), log(0)], [1, 0, Infinity, 0, -Infinity]);
  assert.ok(Number.isNaN(exp(Number.NaN)) && Number.isNaN(log(-1)) && Number.isNaN(log(Number.NaN)));
  near(log(5e-324), Math.log(5e-324), 1e-15);
});

/** Answers of random sureness. */
function randomAnswers(count: number, classes: number, seed = 2) {
  const rng = createRng(seed);
  const logits = gaussianArray(count * classes, rng, 2);
  const labels = Uint8Array.from({ length: count }, () => rng.below(classes));
  return { logits, classes, labels };
}

const softmax = (row: Float32Array): number[] => {
  const exponentials = [...row].map(Math.exp);
  const sum = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / sum);
};

test("loss and accuracy are those of the definition", () => {
  const answers = randomAnswers(500, 7);
  const rows = Array.from({ length: 500 }, (_, i) => answers.logits.subarray(7 * i, 7 * i + 7));
  const losses = rows.map((row, i) => -Math.log(softmax(row)[answers.labels[i]!]!));
  const right = rows.filter((row, i) => row.indexOf(Math.max(...row)) === answers.labels[i]).length;
  const { loss, accuracy } = evaluateLogits(answers);
  near(loss, losses.reduce((a, b) => a + b) / 500, 1e-12, "loss");
  assert.is(accuracy, right / 500);
  const half = { ...answers, labels: answers.labels.subarray(0, 250) };
  assert.is(scoreLogits(half).count, 250);
});

test("logits far apart do not overflow; of equal ones the first answers", () => {
  const logits = Float32Array.of(1e4, -1e4, -1e4, 1e4, 3, 3);
  const { loss, accuracy } = evaluateLogits({ logits, classes: 2, labels: Uint8Array.of(0, 0, 0) });
  near(loss, (0 + 2e4 + Math.log(2)) / 3, 1e-12);
  near(accuracy, 2 / 3, 1e-15);
});

test("calibration sorts answers by confidence, and its error is the definition's", () => {
  const answers = randomAnswers(2000, 5);
  for (const bins of [1, 4, 15]) {
    const table = Array.from({ length: bins }, () => [0, 0, 0] as [count: number, confidence: number, right: number]);
    for (let i = 0; i < 2000; i++) {
      const probabilities = softmax(answers.logits.subarray(5 * i, 5 * i + 5));
      const confidence = Math.max(...probabilities);
      const bin = table.findIndex((_, k) => confidence <= (k + 1) / bins)!;
      table[bin]![0]++;
      table[bin]![1] += confidence;
      table[bin]![2] += probabilities.indexOf(confidence) === answers.labels[i] ? 1 : 0;
    }
    const calibration = calibrate(answers, bins);
    assert.is(calibration.bins.length, bins);
    let error = 0;
    table.forEach(([count, confidence, right], k) => {
      const bin = calibration.bins[k]!;
      assert.equal([bin.from, bin.to, bin.count], [k / bins, (k + 1) / bins, count]);
      if (count === 0) assert.equal([bin.confidence, bin.accuracy], [0, 0]);
      else {
        near(bin.confidence, confidence / count, 1e-12, "confidence");
        near(bin.accuracy, right / count, 1e-12, "accuracy");
        error += (count / 2000) * Math.abs(right / count - confidence / count);
      }
    });
    near(calibration.error, error, 1e-12, "error");
  }
});

test("sure and right has no calibration error; sure and wrong has all of it", () => {
  const logits = Float32Array.of(100, 0, 100, 0);
  const sure = (labels: number[]) => calibrate({ logits, classes: 2, labels: Uint8Array.from(labels) });
  assert.is(sure([0, 0]).error, 0);
  near(sure([1, 1]).error, 1, 1e-12);
  assert.is(sure([0, 0]).bins.at(-1)!.count, 2);
  assert.is(calibrate({ logits: new Float32Array(0), classes: 2, labels: new Uint8Array(0) }).error, 0);
  for (const bins of [0, -1, 1.5, Number.NaN])
    assert.throws(() => calibrate(randomAnswers(1, 2), bins), /^bins .*, expected a positive integer$/);
});

test.run();
