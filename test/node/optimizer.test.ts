/** Optimizers step as PyTorch's do. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { createOptimizer } from "../../src/run/tfjs/optimizer.ts";

const test = suite("optimizers");

test.before(startBackend);

test("weight decay and both optimizers are PyTorch's, over three steps", () => {
  const before = tf.memory().numTensors;
  const rng = createRng(7);
  const start = Float32Array.from({ length: 6 }, () => 2 * rng.uniform() - 1);
  const gradients = [1, 2, 3].map(() => Float32Array.from({ length: 6 }, () => 2 * rng.uniform() - 1));
  for (const [kind, momentum] of [
    ["sgd", 0],
    ["sgd", 0.5],
    ["adam", 0],
  ] as const) {
    const variable = tf.tidy(() => tf.variable(tf.tensor2d(start, [2, 3])));
    const optimizer = createOptimizer(new Map([["x", variable]]), { kind, momentum, weightDecay: 0.1 });
    for (const [i, values] of gradients.entries()) {
      const gradient = tf.tensor2d(values, [2, 3]);
      optimizer.apply(new Map([["x", gradient]]), 0.125, i + 1);
      gradient.dispose();
    }
    const expected = descend(kind, momentum, start, gradients);
    for (const [i, value] of variable.dataSync().entries())
      assert.ok(Math.abs(value - expected[i]!) < 1e-6, `${kind} ${i}: ${value}, expected ${expected[i]}`);
    optimizer.dispose();
    variable.dispose();
  }
  assert.is(tf.memory().numTensors, before);
});

/** PyTorch's SGD and Adam, rate 1/8, decay .1, in f64. */
function descend(kind: "sgd" | "adam", momentum: number, start: Float32Array, gradients: Float32Array[]): number[] {
  const values = [...start];
  const [first, second] = [start.map(() => 0), start.map(() => 0)].map((zeros) => [...zeros]) as [number[], number[]];
  for (const [k, gradient] of gradients.entries()) {
    for (const [i, each] of gradient.entries()) {
      const g = each + 0.1 * values[i]!;
      if (kind === "sgd") {
        first[i] = momentum * first[i]! + g;
        values[i]! -= 0.125 * first[i]!;
      } else {
        first[i] = 0.9 * first[i]! + 0.1 * g;
        second[i] = 0.999 * second[i]! + 0.001 * g * g;
        const root = Math.sqrt(second[i]! / (1 - 0.999 ** (k + 1))) + 1e-8;
        values[i]! -= (0.125 * first[i]!) / (1 - 0.9 ** (k + 1)) / root;
      }
    }
  }
  return values;
}

test.run();
