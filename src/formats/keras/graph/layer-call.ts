/** One call of a layer, as the tables of layers see it. */

import { describe } from "../../../base/describe.ts";
import { FormatError } from "../../../base/errors.ts";
import type { OperatorAttributes, OperatorBuilder } from "./graph-builder.ts";
import { isObject, type JsonObject, type KerasLayer, listOf } from "./read-config.ts";
import type { FindVariable } from "./variables.ts";

export interface LayerCall {
  readonly builder: OperatorBuilder;
  readonly file: string;
  readonly layer: KerasLayer;
  readonly config: JsonObject;
  /** Values. */
  readonly inputs: readonly string[];
  /** Finds the layer's tensors, of which `numbers` are the names in order. */
  readonly find: (numbers: readonly string[]) => FindVariable;
}

/** Makes the outputs of a layer from its inputs; undefined where its configuration is not known. */
export type LayerKind = (call: LayerCall) => readonly string[] | undefined;

/** A value of the configuration: a whole number, or one a list of one. */
export function wholeOf({ config }: Pick<LayerCall, "config">, key: string): number | undefined {
  const value = config[key];
  const one = Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;
  return Number.isInteger(one) ? (one as number) : undefined;
}

/** `[2, 2]`, or 2 for every axis. */
export function sizesOf({ config }: Pick<LayerCall, "config">, key: string, count: number): number[] | undefined {
  const value = config[key];
  if (typeof value === "number") return new Array<number>(count).fill(value);
  const list = listOf(value);
  return list.length === count && list.every(Number.isInteger) ? (list as number[]) : undefined;
}

export const flagOf = ({ config }: Pick<LayerCall, "config">, key: string, otherwise: boolean): boolean =>
  typeof config[key] === "boolean" ? config[key] : otherwise;

/** The tensor of a variable as a value. Throws `FormatError` where the file lacks it. */
export function variableOf(
  { builder, layer, find, file }: LayerCall,
  numbers: readonly string[],
  variable: string,
  part?: RegExp,
): string {
  const tensor = find(numbers)(variable, part);
  if (tensor === undefined)
    throw new FormatError(
      `${file} has no tensor ${describe(variable)} of the layer ${describe(layer.name)}, expected one`,
    );
  return builder.tensor(tensor);
}

/** Whether channels are the first axis behind the batch. */
export const isChannelsFirst = ({ config }: LayerCall): boolean => config.data_format === "channels_first";

export const layoutOf = (call: LayerCall): OperatorAttributes => ({ layout: isChannelsFirst(call) ? "nchw" : "nhwc" });

/** An operator of this layer with its name. */
export function op(
  call: LayerCall,
  kind: string,
  inputs: readonly string[],
  attributes: OperatorAttributes = {},
  rank?: number,
): string {
  const { builder, layer } = call;
  return builder.op(kind, layer.name, inputs, attributes, rank ?? builder.rank(inputs[0]));
}

const SIMPLE: Readonly<Record<string, readonly [string, OperatorAttributes]>> = {
  relu: ["Relu", {}],
  sigmoid: ["Sigmoid", {}],
  tanh: ["Tanh", {}],
  softmax: ["Softmax", { axis: -1 }],
  log_softmax: ["LogSoftmax", { axis: -1 }],
  elu: ["Elu", {}],
  selu: ["Selu", {}],
  celu: ["Celu", {}],
  softplus: ["Softplus", {}],
  softsign: ["Softsign", {}],
  swish: ["Swish", {}],
  silu: ["Swish", {}],
  mish: ["Mish", {}],
  gelu: ["Gelu", {}],
  exponential: ["Exp", {}],
  hard_swish: ["HardSwish", {}],
  hard_silu: ["HardSwish", {}],
  // Keras' has 0.2 where ONNX' default has it, too; Keras 3's is relu6(x + 3) / 6.
  hard_sigmoid: ["HardSigmoid", {}],
  leaky_relu: ["LeakyRelu", { alpha: 0.2 }],
};

/** The name of an activation: text, or a function or layer by its name. */
export function activationName(value: unknown): string {
  if (value === undefined || value === null) return "linear";
  if (typeof value === "string") return value;
  if (!isObject(value)) return "?";
  const { class_name: kind, config } = value;
  if (kind === "function" && typeof config === "string") return config;
  return typeof kind === "string" ? kind : "?";
}

/** A value behind an activation; of one that is not known, an operator that nothing is known of. */
export function activated(call: LayerCall, value: string, activation: unknown = call.config.activation): string {
  const name = activationName(activation);
  if (name === "linear") return value;
  if (name === "relu6") {
    const { builder } = call;
    return op(call, "Clip", [value, builder.constant(0, "float"), builder.constant(6, "float")]);
  }
  const known = Object.hasOwn(SIMPLE, name) ? SIMPLE[name] : undefined;
  return known === undefined ? op(call, `keras.activation.${name}`, [value]) : op(call, known[0], [value], known[1]);
}
