/**
 * What users state of a network is kept with the model, so that every function that reads or runs the model knows
 * it.
 */

import type { Model } from "../base/model.ts";
import { ACTIVATION, ASSUME, ORDER } from "../base/network-notes.ts";
import { NORM_GROUPS } from "../base/norm-groups.ts";
import type { DescribeOptions } from "./describe-graph.ts";

/**
 * A view of `model` whose metadata record `options`. Detection, `describeGraph` and everything that runs models read
 * them there, and merges of such a model keep them. Closing either closes both.
 *
 * @example
 * const order = ["layers.0", "layers.1", "layers.2"];
 * const model = withNetworkNotes(await openModel("a.safetensors"), { order, activation: "gelu" });
 * const { accuracy } = await evaluateModel(model, testSet);
 */
export function withNetworkNotes(model: Model, options: DescribeOptions): Model {
  const { order, normGroups, assume, activation } = options;
  const notes = [
    [ORDER, order && JSON.stringify(order)],
    [NORM_GROUPS, normGroups?.toString()],
    [ASSUME, assume],
    [ACTIVATION, activation],
  ] as const;
  const given = notes.flatMap(([key, text]) => (text === undefined ? [] : [[key, text] as const]));
  if (given.length === 0) return model;
  return {
    name: model.name,
    tensors: model.tensors,
    metadata: new Map([...model.metadata, ...given]),
    origin: model.origin,
    beside: model.beside,
    read: (...words) => model.read(...words),
    close: async () => model.close?.(),
  };
}
