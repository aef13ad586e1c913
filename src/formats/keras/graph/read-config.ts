/**
 * Keras' JSON of a model: its layers and which of them reads which, in the forms of Keras 2 and 3 and of TensorFlow.js.
 */

import { describe } from "../../../base/describe.ts";
import { FormatError } from "../../../base/errors.ts";

/** Where a call of a layer gets an input from: the output `tensor` of call `node` of a layer. */
export interface TensorAt {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
}

/** One call of a layer: its inputs in order; numbers are constants that it is called with. */
export interface KerasCall {
  readonly inputs: readonly (TensorAt | number)[];
}

/** A layer, or a model that is one. */
export interface KerasLayer {
  readonly kind: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly calls: readonly KerasCall[];
  readonly inside: KerasModel | undefined;
}

export interface KerasModel {
  readonly isSequential: boolean;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly TensorAt[];
  readonly outputs: readonly TensorAt[];
}

/** Models in models. */
const MAX_DEPTH = 32;
/** Far above any network's. */
const MAX_LAYERS = 1_000_000;

export type JsonObject = Readonly<Record<string, unknown>>;
export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/**
 * The model of a JSON value: `config.json`, `model_config`. Undefined for what is neither Sequential nor Functional: a
 * custom class, whose Python alone shows what it computes. Throws `FormatError` where layers are named that are not
 * there.
 */
export function readKerasConfig(json: unknown, file: string, depth = 0): KerasModel | undefined {
  if (!isObject(json) || typeof json.class_name !== "string" || depth > MAX_DEPTH) return undefined;
  const { config, class_name: kind } = json;
  // Keras 1 had the layers of a Sequential as its config.
  const listed = isObject(config) ? config.layers : config;
  if (!Array.isArray(listed) || listed.length > MAX_LAYERS) return undefined;
  const layers = listed.map((layer) => readLayer(layer, file, depth));
  if (kind === "Sequential") return { isSequential: true, layers, inputs: [], outputs: [] };
  if (!isObject(config) || config.input_layers === undefined || config.output_layers === undefined) return undefined;
  const model = {
    isSequential: false,
    layers,
    inputs: tensorsIn(config.input_layers),
    outputs: tensorsIn(config.output_layers),
  };
  const names = new Set(layers.map(({ name }) => name));
  const called = layers.flatMap(({ calls }) =>
    calls.flatMap(({ inputs }) => inputs.filter((each) => typeof each !== "number")),
  );
  for (const { layer } of [...model.inputs, ...model.outputs, ...called])
    if (!names.has(layer))
      throw new FormatError(`${file} reads the layer ${describe(layer)}, expected one of its layers`);
  return model;
}

function readLayer(layer: unknown, file: string, depth: number): KerasLayer {
  if (!isObject(layer) || typeof layer.class_name !== "string")
    throw new FormatError(`${file} has the layer ${describe(layer)}, expected one with a class`);
  const config = isObject(layer.config) ? layer.config : {};
  const name = typeof layer.name === "string" ? layer.name : config.name;
  return {
    kind: layer.class_name,
    name: typeof name === "string" ? name : layer.class_name,
    config,
    calls: listOf(layer.inbound_nodes).map((node) => ({ inputs: callInputs(node) })),
    inside: readKerasConfig(layer, file, depth + 1),
  };
}

/** `["dense", 0, 0]`, or lists and dictionaries of these. */
function tensorsIn(value: unknown): TensorAt[] {
  if (isObject(value)) return Object.values(value).flatMap(tensorsIn);
  if (!Array.isArray(value)) return [];
  const [layer, node, tensor] = value;
  if (typeof layer === "string" && Number.isInteger(node) && Number.isInteger(tensor)) return [{ layer, node, tensor }];
  return value.flatMap(tensorsIn);
}

/**
 * Keras 3: arguments as they were given, tensors by their history. Before: a list of tensors, with keywords behind
 * each.
 */
function callInputs(node: unknown): (TensorAt | number)[] {
  if (isObject(node))
    return [...argumentsIn(node.args), ...argumentsIn(node.kwargs).filter((each) => typeof each !== "number")];
  return listOf(node).flatMap((input) => {
    const [first, , value, keywords] = listOf(input);
    const more = isObject(keywords) ? tensorsIn(Object.values(keywords).filter(Array.isArray)) : [];
    if (first === "_CONSTANT_VALUE") return typeof value === "number" ? [value, ...more] : more;
    return [...tensorsIn(listOf(input).slice(0, 3)), ...more];
  });
}

function argumentsIn(value: unknown): (TensorAt | number)[] {
  if (typeof value === "number") return [value];
  if (Array.isArray(value)) return value.flatMap(argumentsIn);
  if (!isObject(value)) return [];
  if (value.class_name !== "__keras_tensor__") return Object.values(value).flatMap(argumentsIn);
  return isObject(value.config) ? tensorsIn(value.config.keras_history) : [];
}
