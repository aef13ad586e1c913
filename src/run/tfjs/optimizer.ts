/** Steps down a gradient: SGD with momentum, and Adam, as PyTorch computes them. */

import * as tf from "@tensorflow/tfjs-core";

/** What a step needs to know beside the gradients. */
export interface OptimizerSettings {
  readonly kind: "sgd" | "adam";
  readonly momentum: number;
  /** Added to each gradient: `weightDecay` times the tensor (L2). */
  readonly weightDecay: number;
}

export interface Optimizer {
  /** By `velocity.NAME`, or `mean.NAME` and `square.NAME`: what it remembers between steps, zeros at first. */
  readonly state: ReadonlyMap<string, tf.Variable>;
  /** Changes the variables by their gradients. `step` counts from 1. Disposes neither. */
  apply(gradients: ReadonlyMap<string, tf.Tensor>, rate: number, step: number): void;
  dispose(): void;
}

/** Kingma and Ba 2015's defaults, PyTorch's too. */
const ADAM = { mean: 0.9, square: 0.999, epsilon: 1e-8 };

/** An optimizer of these variables. The state has to be disposed of. */
export function createOptimizer(
  variables: ReadonlyMap<string, tf.Variable>,
  { kind, momentum, weightDecay }: OptimizerSettings,
): Optimizer {
  const state = new Map<string, tf.Variable>();
  const slots = kind === "adam" ? ["mean", "square"] : momentum > 0 ? ["velocity"] : [];
  for (const slot of slots) {
    for (const [name, { shape }] of variables)
      state.set(
        `${slot}.${name}`,
        tf.tidy(() => tf.variable(tf.zeros(shape), false)),
      );
  }
  const change = kind === "adam" ? adam(state) : sgd(state, momentum);
  return {
    state,
    apply(gradients, rate, step) {
      tf.tidy(() => {
        for (const [name, gradient] of gradients) {
          const variable = variables.get(name)!;
          const decayed = weightDecay > 0 ? tf.add(gradient, tf.mul(variable, weightDecay)) : gradient;
          variable.assign(tf.sub(variable, change(name, decayed, rate, step)));
        }
      });
    },
    dispose: () => tf.dispose([...state.values()]),
  };
}

type Change = (name: string, gradient: tf.Tensor, rate: number, step: number) => tf.Tensor;

/** v ← momentum·v + g; the change is rate·v. */
function sgd(state: ReadonlyMap<string, tf.Variable>, momentum: number): Change {
  return (name, gradient, rate) => {
    const velocity = state.get(`velocity.${name}`);
    if (velocity === undefined) return tf.mul(gradient, rate);
    velocity.assign(tf.add(tf.mul(velocity, momentum), gradient));
    return tf.mul(velocity, rate);
  };
}

/** Kingma and Ba 2015, algorithm 1. */
function adam(state: ReadonlyMap<string, tf.Variable>): Change {
  return (name, gradient, rate, step) => {
    const mean = state.get(`mean.${name}`)!;
    const square = state.get(`square.${name}`)!;
    mean.assign(tf.add(tf.mul(mean, ADAM.mean), tf.mul(gradient, 1 - ADAM.mean)));
    square.assign(tf.add(tf.mul(square, ADAM.square), tf.mul(tf.square(gradient), 1 - ADAM.square)));
    const [first, second] = [1 - power(ADAM.mean, step), 1 - power(ADAM.square, step)];
    const root = tf.add(tf.mul(tf.sqrt(square), 1 / Math.sqrt(second)), ADAM.epsilon);
    return tf.mul(tf.div(mean, root), rate / first);
  };
}

/** base to a whole power by products: `**` differs between engines in the last bit. */
function power(base: number, exponent: number): number {
  let result = 1;
  for (let [square, rest] = [base, exponent]; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
