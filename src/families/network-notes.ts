/**
 * What users state of a network is kept with the model, so that every function that reads or runs the model knows
 * it.
 */

import type { Model } from "../base/model.ts";
import { ACTIVATION, ASSUME, INPUT, LAYOUT, ORDER } from "../base/network-notes.ts";
import { NORM_GROUPS } from "../base/norm-groups.ts";
import type { DescribeOptions } from "./describe-graph.ts";

/** What users state of a network. */
export interface NetworkNotes extends DescribeOptions {
  /** Of an ONNX network: the input that takes the images. Default: the one 4-D float input. */
  readonly input?: string | undefined;
  /** Of an ONNX network: channels before positions or after them. Default: by the sizes of that input. */
  readonly layout?: "nchw" | "nhwc" | undefined;
}

/**
 * A view of `model` whose metadata record `options`. Detection, `describeGraph` and everything that runs models read
 * them there, and merges of such a model keep them. Closing either closes both.
 *
 * @throws {RangeError} for `input` and `layout` of a model that came from no ONNX file.
 *
 * @example
 * const order = ["layers.0", "layers.1", "layers.2"];
 * const model = withNetworkNotes(await openModel("a.safetensors"), { order, activation: "gelu" });
 * const { accuracy } = await evaluateModel(model, testSet);
 */
export function withNetworkNotes(model: Model, options: NetworkNotes): Model {
  const { order, normGroups, assume, activation, input, layout } = options;
  const stated = input === undefined ? "layout" : "input";
  if ((input ?? layout) !== undefined && model.origin?.format !== "onnx")
    throw new RangeError(`${model.name} is no ONNX network, expected no ${stated} of one: leave --${stated} out`);
  const notes = [
    [ORDER, order && JSON.stringify(order)],
    [NORM_GROUPS, normGroups?.toString()],
    [ASSUME, assume],
    [ACTIVATION, activation],
    [INPUT, input],
    [LAYOUT, layout],
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
