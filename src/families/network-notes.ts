/** What people say of a network goes with the model, so that whatever is made of it and runs it knows it, too. */

import type { Model } from "../base/model.ts";
import { ACTIVATION, ASSUME, ORDER } from "../base/network-notes.ts";
import { NORM_GROUPS } from "../base/norm-groups.ts";
import type { DescribeOptions } from "./describe-graph.ts";

/**
 * A view of `model` whose metadata say what `options` do. Detection, `describeGraph` and all that runs models read it there;
 * merges of such a model say it, too. Closing either closes both.
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
    read: (...words) => model.read(...words),
    close: async () => model.close?.(),
  };
}
