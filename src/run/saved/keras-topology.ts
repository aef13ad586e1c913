/** Keras' JSON, of any version, as `@tensorflow/tfjs-layers` reads it: that of Keras 2. */

import { describe } from "../../base/describe.ts";
import { activationName } from "../../formats/keras/graph/layer-call.ts";
import {
  isObject,
  type JsonObject,
  type KerasLayer,
  type KerasModel,
  type TensorAt,
} from "../../formats/keras/graph/read-config.ts";
import { activationThere, allLayers, hasLayer, layerFault, type NamedLayer, noLayer, useOf } from "./keras-layers.ts";
import { RESET_AFTER_GRU } from "./reset-after-gru.ts";

/** The tensors come afterwards: drawing them first would take long. */
const ZEROS = { class_name: "Zeros", config: {} };

/** Where a key is left out, Keras has another value than the package; its first recurrent tensors take long to make. */
const DEFAULTS: ReadonlyMap<string, JsonObject> = new Map<string, JsonObject>([
  ["LSTM", { activation: "tanh", recurrent_activation: "sigmoid", recurrent_initializer: ZEROS }],
  ["GRU", { activation: "tanh", recurrent_activation: "sigmoid", recurrent_initializer: ZEROS }],
  ["SimpleRNN", { activation: "tanh", recurrent_initializer: ZEROS }],
  ["Softmax", { axis: -1 }],
]);

interface Reading {
  readonly file: string;
  readonly isKeras3: boolean;
}

/**
 * The topology of a model. Throws `RangeError`, naming file and layer, for what `@tensorflow/tfjs-layers` lacks, and
 * for options that it would pass over in silence.
 */
export function kerasTopology(model: KerasModel, file: string): JsonObject {
  const isKeras3 = allLayers(model).some(({ config }) => "batch_shape" in config || isObject(config.dtype));
  return modelJson({ file, isKeras3 }, model, "model");
}

function modelJson(reading: Reading, model: KerasModel, name: string): JsonObject {
  const layers = model.layers.map((layer) => layerJson(reading, layer));
  if (model.isSequential) return { class_name: "Sequential", config: { name, layers } };
  const places = (tensors: readonly TensorAt[]): unknown[] => tensors.map(placeOf);
  const config = { name, layers, input_layers: places(model.inputs), output_layers: places(model.outputs) };
  return { class_name: "Model", config };
}

const placeOf = ({ layer, node, tensor }: TensorAt): unknown[] => [layer, node, tensor];

function layerJson(reading: Reading, layer: KerasLayer): JsonObject {
  const { name, inside, calls, config } = layer;
  const nodes = calls.map(({ inputs }) =>
    inputs.map((input) => {
      if (typeof input === "number")
        throw fault(reading, layer, `reads the number ${input}, expected outputs of layers`);
      return [...placeOf(input), {}];
    }),
  );
  const json = inside === undefined ? plainJson(reading, layer, config) : modelJson(reading, inside, name);
  return { ...json, name, inbound_nodes: nodes };
}

const fault = ({ file }: Reading, layer: NamedLayer, what: string): RangeError => layerFault(file, layer, what);

/** A layer without a model in it; of a wrapper, with the layer that it has. */
function plainJson(
  reading: Reading,
  layer: NamedLayer,
  config: JsonObject,
): { class_name: string; config: JsonObject } {
  const { kind, name } = layer;
  if (kind === "GRU" && config.reset_after === true) return resetAfter(reading, layer, config);
  if (!hasLayer(kind)) throw noLayer(reading.file, layer);
  const made: Record<string, unknown> = { name, ...DEFAULTS.get(kind) };
  for (const [key, value] of Object.entries(config)) {
    if (key === "name") continue;
    if (key.endsWith("_initializer")) made[key] = ZEROS;
    else if (key === "batch_shape" || key === "batch_input_shape") made.batch_input_shape = value;
    else if (key === "dtype") Object.assign(made, dtypeOf(kind, value));
    else if (/_(regularizer|constraint)$/.test(key)) continue;
    else if (key === "activation" || key === "recurrent_activation") made[key] = activation(reading, layer, value);
    else if (kind === "LeakyReLU" && key === "negative_slope") made.alpha = value;
    else if (key === "layer") made.layer = innerLayer(reading, layer, value);
    else if (key === "backward_layer") checkBackward(reading, layer, config.layer, value);
    else if (useOf(kind, key, value) === "read") made[key] = simplified(kind, key, value);
    else if (useOf(kind, key, value) === "unknown")
      throw fault(reading, layer, `has ${key} ${describe(value)}, expected what @tensorflow/tfjs-layers has`);
  }
  return { class_name: kind, config: made };
}

const OF_CELLS = new Set("name units activation recurrent_activation use_bias".split(" "));

/** A recurrent layer around the cell of this package. */
function resetAfter(
  reading: Reading,
  layer: NamedLayer,
  { reset_after: _, ...config }: JsonObject,
): { class_name: string; config: JsonObject } {
  const { class_name, config: all } = plainJson(reading, layer, config);
  const own = Object.entries(all).filter(([key]) => OF_CELLS.has(key));
  const rest = Object.entries(all).filter(([key]) => key === "name" || !OF_CELLS.has(key));
  const cell = { class_name: RESET_AFTER_GRU, config: { ...Object.fromEntries(own), name: `${class_name}_cell` } };
  return { class_name: "RNN", config: { ...Object.fromEntries(rest), cell } };
}

/** Keras lists the one axis of a batch norm. */
const simplified = (kind: string, key: string, value: unknown): unknown =>
  kind === "BatchNormalization" && key === "axis" && Array.isArray(value) && value.length === 1 ? value[0] : value;

/** It matters for inputs only: what is computed is float32. */
function dtypeOf(kind: string, value: unknown): JsonObject {
  if (kind !== "InputLayer" || typeof value !== "string") return {};
  return { dtype: /^u?int/.test(value) ? "int32" : value === "bool" ? "bool" : "float32" };
}

function activation(reading: Reading, layer: NamedLayer, value: unknown): string {
  const name = activationName(value);
  const found = activationThere(name, reading.isKeras3);
  if (found === undefined) throw fault(reading, layer, `has the activation ${describe(name)}, expected a usual one`);
  return found;
}

function innerLayer(reading: Reading, outer: NamedLayer, value: unknown): JsonObject {
  if (!isObject(value) || typeof value.class_name !== "string" || !isObject(value.config))
    throw fault(reading, outer, `has the layer ${describe(value)}, expected one with a class`);
  const { class_name: kind, config } = value;
  return plainJson(reading, { kind, name: typeof config.name === "string" ? config.name : outer.name }, config);
}

/** The way back is made of the way there: another one would be passed over. */
function checkBackward(reading: Reading, layer: NamedLayer, ahead: unknown, back: unknown): void {
  const plain = (value: unknown): string => {
    const { name: _, go_backwards: __, ...rest } = isObject(value) && isObject(value.config) ? value.config : {};
    return JSON.stringify(rest);
  };
  if (back !== null && plain(back) !== plain(ahead))
    throw fault(reading, layer, "goes back by another layer than ahead, expected the same");
}
