/** Layers of Keras over sequences: recurrent ones and attention. */

import {
  activated,
  activationName,
  flagOf,
  type LayerCall,
  type LayerKind,
  op,
  variableOf,
  wholeOf,
} from "./layer-call.ts";
import { isObject, type JsonObject } from "./read-config.ts";

const CELL = ["kernel", "recurrent_kernel", "bias"];
/** What Keras calls the group of a cell's variables, and layers inside of wrappers. */
const ANY = /./;

/** Which of Keras' gates each of ONNX' is: i, f, c, o there and i, o, f, c here; z, r, h in both. */
const GATES: Readonly<Record<string, readonly number[]>> = { LSTM: [0, 3, 1, 2], GRU: [0, 1, 2], SimpleRNN: [0] };
const KINDS: Readonly<Record<string, string>> = { LSTM: "LSTM", GRU: "GRU", SimpleRNN: "RNN" };

/** One direction: its outputs at all steps and at the last, `[batch, time, units]` and `[batch, units]`. */
function direction(
  call: LayerCall,
  kind: string,
  config: JsonObject,
  part: RegExp,
  reverse: boolean,
): [string, string] | undefined {
  const units = wholeOf({ config }, "units");
  const gates = Object.hasOwn(GATES, kind) ? GATES[kind]! : undefined;
  const isUsual =
    activationName(config.activation ?? "tanh") === "tanh" &&
    ["sigmoid", "hard_sigmoid"].includes(activationName(config.recurrent_activation ?? "sigmoid"));
  if (units === undefined || gates === undefined || !isUsual) return undefined;
  const resetAfter = kind === "GRU" && flagOf({ config }, "reset_after", false);
  const { builder } = call;
  const rows = (variable: string): string => {
    const turned = op(call, "Transpose", [variableOf(call, CELL, variable, part)], { perm: [1, 0] }, 2);
    return op(call, "Unsqueeze", [reordered(call, turned, gates), builder.constant([0])], {}, 3);
  };
  const bias = flagOf({ config }, "use_bias", true) ? [biasOf(call, gates, resetAfter, part)] : [];
  const recurrent = activationName(config.recurrent_activation ?? "sigmoid") === "sigmoid" ? "Sigmoid" : "HardSigmoid";
  const activations = kind === "LSTM" ? [recurrent, "Tanh", "Tanh"] : kind === "GRU" ? [recurrent, "Tanh"] : ["Tanh"];
  const attributes = {
    hidden_size: units,
    layout: 1,
    direction: reverse ? "reverse" : "forward",
    activations,
    linear_before_reset: kind === "GRU" ? Number(resetAfter) : undefined,
  };
  const inputs = [call.inputs[0]!, rows("kernel"), rows("recurrent_kernel"), ...bias];
  const [all, last] = builder.ops(KINDS[kind]!, call.layer.name, inputs, 2, attributes, 4);
  return [
    op(call, "Squeeze", [all!, builder.constant([2])], {}, 3),
    op(call, "Squeeze", [last!, builder.constant([1])], {}, 2),
  ];
}

/** Gates along the first axis in another order. */
function reordered(call: LayerCall, value: string, gates: readonly number[]): string {
  if (gates.every((gate, at) => gate === at)) return value;
  const { builder, layer } = call;
  const parts = builder.ops("Split", layer.name, [value], gates.length, { axis: 0, num_outputs: gates.length });
  return op(
    call,
    "Concat",
    gates.map((gate) => parts[gate]!),
    { axis: 0 },
  );
}

/** ONNX has a bias of the input and one of the recurrence; Keras has the first, or with `reset_after` both as rows. */
function biasOf(call: LayerCall, gates: readonly number[], isBoth: boolean, part: RegExp): string {
  const own = variableOf(call, CELL, "bias", part);
  const { builder } = call;
  if (isBoth) return op(call, "Reshape", [own, builder.constant([1, -1])], {}, 2);
  const one = reordered(call, own, gates);
  const both = op(call, "Concat", [one, op(call, "Sub", [one, one])], { axis: 0 }, 1);
  return op(call, "Unsqueeze", [both, builder.constant([0])], {}, 2);
}

const recurrent: LayerKind = (call) => {
  const { layer, config, inputs } = call;
  const backwards = flagOf(call, "go_backwards", false);
  const sequences = flagOf(call, "return_sequences", false);
  // States that are given or returned, and sequences that are returned backwards, are rare.
  if (inputs.length !== 1 || flagOf(call, "return_state", false) || (backwards && sequences)) return undefined;
  const found = direction(call, layer.kind, config, ANY, backwards);
  return found && [sequences ? found[0] : found[1]];
};

/** How a wrapper joins both directions. */
const JOINS: Readonly<Record<string, string>> = { concat: "Concat", sum: "Add", mul: "Mul", ave: "Mean" };

const bidirectional: LayerKind = (call) => {
  const { config, inputs } = call;
  const inner = config.layer;
  const mode = config.merge_mode ?? "concat";
  if (!isObject(inner) || typeof inner.class_name !== "string" || !isObject(inner.config) || inputs.length !== 1)
    return undefined;
  const join = typeof mode === "string" && Object.hasOwn(JOINS, mode) ? JOINS[mode] : undefined;
  if (join === undefined) return undefined;
  const sequences = inner.config.return_sequences === true;
  if (inner.config.return_state === true || inner.config.go_backwards === true) return undefined;
  const [ahead, back] = ["forward", "backward"].map((word, at) =>
    direction(call, inner.class_name as string, inner.config as JsonObject, new RegExp(`/${word}_`), at === 1),
  );
  if (ahead === undefined || back === undefined) return undefined;
  const both = [ahead, back].map(([all, last]) => (sequences ? all : last));
  return [op(call, join, both, join === "Concat" ? { axis: -1 } : {})];
};

/** A dense layer at every step is a dense layer. */
const timeDistributed: LayerKind = (call) => {
  const inner = call.config.layer;
  if (!isObject(inner) || inner.class_name !== "Dense" || !isObject(inner.config)) return undefined;
  const KERNEL = ["kernel", "bias"];
  // In its own group, or under its own name in that of the wrapper.
  const part = call.find(KERNEL)("kernel") === undefined ? ANY : undefined;
  const product = op(call, "MatMul", [call.inputs[0]!, variableOf(call, KERNEL, "kernel", part)]);
  const sum =
    inner.config.use_bias === false ? product : op(call, "Add", [product, variableOf(call, KERNEL, "bias", part)]);
  return [activated(call, sum, inner.config.activation)];
};

/** Query, value, key: `[batch, time, dim]`; heads are an axis of the kernels. */
const multiHeadAttention: LayerKind = (call) => {
  const { config, inputs, builder } = call;
  const [query, value, key = value] = inputs;
  const size = wholeOf(call, "key_dim");
  const hasBias = flagOf(call, "use_bias", true);
  const { attention_axes: axes, output_shape: shape } = config;
  const isUsual =
    (axes === null || axes === undefined || String(axes) === "1") && (shape === null || shape === undefined);
  if (query === undefined || value === undefined || inputs.length > 3 || size === undefined || !isUsual)
    return undefined;
  const KERNEL = ["kernel", "bias"];
  const projected = (input: string, part: RegExp): string => {
    const product = op(
      call,
      "Einsum",
      [input, variableOf(call, KERNEL, "kernel", part)],
      { equation: "abc,cde->abde" },
      4,
    );
    return hasBias ? op(call, "Add", [product, variableOf(call, KERNEL, "bias", part)]) : product;
  };
  const [q, k, v] = [projected(query, /\/query/), projected(key!, /\/key/), projected(value, /\/value/)];
  const scaled = op(call, "Mul", [q, builder.constant(1 / Math.sqrt(size), "float")]);
  const scores = op(call, "Einsum", [k, scaled], { equation: "aecd,abcd->acbe" }, 4);
  const masked = flagOf(call, "use_causal_mask", false) ? op(call, "keras.CausalMask", [scores]) : scores;
  const weights = op(call, "Softmax", [masked], { axis: -1 });
  const mixed = op(call, "Einsum", [weights, v], { equation: "acbe,aecd->abcd" }, 4);
  const part = /\/(attention_)?output/;
  const out = op(call, "Einsum", [mixed, variableOf(call, KERNEL, "kernel", part)], { equation: "abcd,cde->abe" }, 3);
  return [hasBias ? op(call, "Add", [out, variableOf(call, KERNEL, "bias", part)]) : out];
};

/** By class. */
export const SEQUENCES: readonly [string, LayerKind][] = [
  ["LSTM", recurrent],
  ["GRU", recurrent],
  ["SimpleRNN", recurrent],
  ["Bidirectional", bidirectional],
  ["TimeDistributed", timeDistributed],
  ["MultiHeadAttention", multiHeadAttention],
];
