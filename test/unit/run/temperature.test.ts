import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { fitTemperature, meanProbabilities } from "../../../src/run/temperature.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("temperature");

const CLASSES = 5;
const rows = (seed: number, scale = 1) => ({
  logits: gaussianArray(200 * CLASSES, createRng(seed), scale),
  classes: CLASSES,
});

test("logits that were multiplied come back", () => {
  const { logits } = rows(1, 2);
  const probabilities = meanProbabilities([{ logits, classes: CLASSES }], [1]);
  for (const factor of [0.25, 1, 3, 40]) {
    const found = fitTemperature({ logits: logits.map((z) => z * factor), classes: CLASSES }, probabilities);
    assert.ok(Math.abs(found / factor - 1) < 1e-5, `${factor}: ${found}`);
  }
});

test("no other temperature has a lower cross-entropy", () => {
  const [own, a, b] = [rows(2), rows(3, 3), rows(4, 2)];
  const probabilities = meanProbabilities([a, b], [0.25, 0.75]);
  for (let at = 0; at < probabilities.length; at += CLASSES) {
    const sum = probabilities.subarray(at, at + CLASSES).reduce((total, each) => total + each, 0);
    assert.ok(Math.abs(sum - 1) < 1e-12);
  }
  // Half of them agree with the targets, or nothing would be best.
  const logits = own.logits.map((z, i) => (i % 2 === 0 ? z : a.logits[i]! / 2));
  const entropy = (temperature: number): number => {
    let sum = 0;
    for (let at = 0; at < logits.length; at += CLASSES) {
      const row = Array.from(logits.subarray(at, at + CLASSES), (z) => z / temperature);
      const total = Math.log(row.reduce((all, z) => all + Math.exp(z), 0));
      row.forEach((z, c) => {
        sum += probabilities[at + c]! * (total - z);
      });
    }
    return sum;
  };
  const found = fitTemperature({ logits, classes: CLASSES }, probabilities);
  assert.ok(found > 1 / 64 && found < 64, `${found}`);
  for (const factor of [0.5, 0.99, 1.01, 2]) assert.ok(entropy(found * factor) > entropy(found), `${factor}`);
});

test("logits that are all the same have temperature 1", () => {
  assert.is(fitTemperature({ logits: new Float32Array(10), classes: 5 }, new Float64Array(10).fill(0.2)), 1);
});

test.run();
