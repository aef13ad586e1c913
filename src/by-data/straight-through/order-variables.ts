/**
 * The permutations of a search as variables, so that a checkpoint keeps them beside the tensors. Units are whole in
 * f32.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { Permutations } from "../../perm/alignment.ts";

const CURRENT = "current.";
const BEST = "best.";
const BEST_STEP = "best-step";

/** Variables for the current and the best permutations; dispose them. */
export function orderVariables(orders: Permutations): Map<string, tf.Variable> {
  const variables = new Map<string, tf.Variable>();
  const add = (name: string, size: number): void => {
    variables.set(
      name,
      tf.tidy(() => tf.variable(tf.zeros([size]), false)),
    );
  };
  for (const prefix of [CURRENT, BEST]) for (const [name, order] of orders) add(`${prefix}${name}`, order.length);
  add(BEST_STEP, 1);
  return variables;
}

export function setOrders(
  variables: ReadonlyMap<string, tf.Variable>,
  current: Permutations,
  best: Permutations,
  bestStep: number,
): void {
  const set = (name: string, values: ArrayLike<number>): void =>
    tf.tidy(() => variables.get(name)!.assign(tf.tensor1d(Float32Array.from(values))));
  for (const [name, order] of current) set(`${CURRENT}${name}`, order);
  for (const [name, order] of best) set(`${BEST}${name}`, order);
  set(BEST_STEP, [bestStep]);
}

export async function fromVariables(
  variables: ReadonlyMap<string, tf.Variable>,
): Promise<{ current: Map<string, Int32Array>; best: Map<string, Int32Array>; bestStep: number }> {
  const read = async (prefix: string): Promise<Map<string, Int32Array>> => {
    const orders = new Map<string, Int32Array>();
    for (const [name, variable] of variables)
      if (name.startsWith(prefix)) orders.set(name.slice(prefix.length), Int32Array.from(await variable.data()));
    return orders;
  };
  const [bestStep] = await variables.get(BEST_STEP)!.data();
  return { current: await read(CURRENT), best: await read(BEST), bestStep: bestStep! };
}
