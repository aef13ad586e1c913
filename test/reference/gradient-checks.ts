/** Comparing gradients: on two backends, and with finite differences. */

import * as tf from "@tensorflow/tfjs-core";
import { createRng } from "../../src/base/rng.ts";

/** Numbers and their shape, of no backend yet. */
export interface Values {
  readonly shape: number[];
  readonly values: Float32Array;
}

/** Uniform in (-1, 1). The same for the same seed. */
export function uniformValues(shape: number[], seed: number): Values {
  const rng = createRng(seed);
  const count = shape.reduce((a, b) => a * b, 1);
  return { shape, values: Float32Array.from({ length: count }, () => 2 * rng.uniform() - 1) };
}

/** Starts the cpu backend, which advertises another one at its first tensor unless it is told that this is a test. */
export async function startQuietCpu(): Promise<void> {
  tf.env().set("IS_TEST", true);
  await tf.setBackend("cpu");
  tf.tensor1d([1]).dispose();
  tf.env().set("IS_TEST", false);
}

/** Runs `compute` on a backend with the inputs as tensors; its outputs. Leaves wasm as the backend, and no tensors. */
export async function computeOn(
  backend: string,
  inputs: readonly Values[],
  compute: (...tensors: tf.Tensor[]) => readonly tf.Tensor[],
): Promise<Values[]> {
  await tf.setBackend(backend);
  const outputs = tf.tidy(() => [...compute(...inputs.map(({ shape, values }) => tf.tensor(values, shape)))]);
  const values = outputs.map((y) => ({ shape: y.shape, values: Float32Array.from(y.dataSync()) }));
  tf.dispose(outputs);
  await tf.setBackend("wasm");
  return values;
}

/** max|a − b| / max|b|; infinite where shapes differ or something is no number. */
export function relativeDifference(a: Values, b: Values): number {
  if (a.shape.join() !== b.shape.join() || a.values.length !== b.values.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let largest = 0;
  for (const [i, value] of b.values.entries()) {
    const d = Math.abs(a.values[i]! - value);
    if (Number.isNaN(d)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, d);
    largest = Math.max(largest, Math.abs(value));
  }
  return difference === 0 ? 0 : difference / largest;
}

/**
 * Gradients of Σ c·f(inputs) for fixed weights c, by the tape and by central differences in f64 of f32 values: the worst
 * difference of any, in units of the largest.
 */
export function finiteDifferenceError(
  inputs: readonly Values[],
  f: (...tensors: tf.Tensor[]) => tf.Tensor,
  step: number = 1 / 64,
): number {
  const tensors = inputs.map(({ shape, values }) => tf.tensor(values, shape));
  const output = tf.tidy(() => f(...tensors));
  const weights = uniformValues(output.shape, 99);
  output.dispose();
  const c = tf.tensor(weights.values, weights.shape);
  const gradients = tf.tidy(() => tf.grads((...xs: tf.Tensor[]) => tf.sum(tf.mul(f(...xs), c)))(tensors));
  const evaluate = (changed: readonly Values[]): number =>
    tf.tidy(() => {
      const y = f(...changed.map(({ shape, values }) => tf.tensor(values, shape))).dataSync();
      return weights.values.reduce((sum, weight, i) => sum + weight * y[i]!, 0);
    });
  let worst = 0;
  for (const [which, input] of inputs.entries()) {
    const numeric = new Float32Array(input.values.length);
    for (let i = 0; i < numeric.length; i++) {
      const at = (delta: number): number => {
        const values = input.values.slice();
        values[i]! += delta;
        return evaluate(inputs.map((each, k) => (k === which ? { shape: each.shape, values } : each)));
      };
      numeric[i] = (at(step) - at(-step)) / (2 * step);
    }
    const gradient = gradients[which]!;
    const got = { shape: gradient.shape, values: Float32Array.from(gradient.dataSync()) };
    worst = Math.max(worst, relativeDifference(got, { shape: input.shape, values: numeric }));
  }
  tf.dispose([...tensors, ...gradients, c]);
  return worst;
}
