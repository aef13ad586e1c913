/** The operator graph of a Keras model: its layers' calls, in an order in which every input exists before it is read. */

import { describe } from "../../../base/describe.ts";
import { FormatError } from "../../../base/errors.ts";
import type { OperatorGraph } from "../../../graph/operators.ts";
import { OperatorBuilder } from "./graph-builder.ts";
import type { LayerKind } from "./layer-call.ts";
import { PLAIN } from "./plain-layers.ts";
import type { KerasCall, KerasLayer, KerasModel, TensorAt } from "./read-config.ts";
import { SEQUENCES } from "./sequence-layers.ts";
import type { FindLayer } from "./variables.ts";
import { WEIGHTED } from "./weighted-layers.ts";

const LAYERS: ReadonlyMap<string, LayerKind> = new Map([...WEIGHTED, ...PLAIN, ...SEQUENCES]);

/** Calls of layers that are looked at, models in models and shared layers counted each time. */
const MAX_CALLS = 1_000_000;

interface Work {
  readonly file: string;
  readonly builder: OperatorBuilder;
  readonly find: FindLayer;
  calls: number;
}

/**
 * Makes the graph of a model whose tensors `find` knows. Throws `FormatError`, naming file and layer, for circles and
 * tensors that are missing.
 */
export function kerasGraph(model: KerasModel, find: FindLayer, file: string, producer?: string): OperatorGraph {
  const work: Work = { file, builder: new OperatorBuilder(), find, calls: 0 };
  const outputs = runModel(work, model, [], undefined);
  return work.builder.graph(outputs, producer);
}

/** The outputs of a model; its inputs are those of the graph where none are given. */
function runModel(
  work: Work,
  model: KerasModel,
  path: readonly KerasLayer[],
  given: readonly string[] | undefined,
): string[] {
  return model.isSequential ? runSequential(work, model, path, given) : runFunctional(work, model, path, given);
}

function runSequential(
  work: Work,
  { layers }: KerasModel,
  path: readonly KerasLayer[],
  given: readonly string[] | undefined,
): string[] {
  const [first] = layers;
  let values = given ?? [inputOf(work, first)];
  for (const layer of layers) if (layer.kind !== "InputLayer") values = runLayer(work, layer, path, values);
  return [...values];
}

/** The graph's input that a layer has or is. */
function inputOf({ builder }: Work, layer: KerasLayer | undefined): string {
  const { config = {}, inside } = layer ?? {};
  const shape = config.batch_shape ?? config.batch_input_shape;
  if (shape === undefined && inside !== undefined) return inputOf({ builder } as Work, inside.layers[0]);
  const sizes = Array.isArray(shape)
    ? shape.map((size) => (Number.isInteger(size) ? (size as number) : undefined))
    : undefined;
  const length = Number.isInteger(config.input_length) ? (config.input_length as number) : undefined;
  const named = layer?.kind === "InputLayer" ? layer.name : "input";
  const dtype = typeof config.dtype === "string" ? config.dtype : undefined;
  return builder.input(named, sizes ?? (layer?.kind === "Embedding" ? [undefined, length] : undefined), dtype);
}

interface Frame {
  readonly layer: KerasLayer;
  readonly node: number;
  readonly call: KerasCall;
  next: number;
}

const keyOf = (layer: string, node: number): string => `${node} ${layer}`;

/** The calls of one model. */
interface Calls {
  readonly work: Work;
  readonly path: readonly KerasLayer[];
  readonly layers: ReadonlyMap<string, KerasLayer>;
  readonly results: Map<string, readonly string[]>;
  /** What waits for its inputs. */
  readonly waiting: Set<string>;
}

function runFunctional(
  work: Work,
  model: KerasModel,
  path: readonly KerasLayer[],
  given: readonly string[] | undefined,
): string[] {
  const layers = new Map(model.layers.map((layer) => [layer.name, layer]));
  const calls: Calls = { work, path, layers, results: new Map(), waiting: new Set() };
  for (const [at, { layer, node }] of model.inputs.entries()) {
    const value = given === undefined ? inputOf(work, layers.get(layer)) : given[at];
    if (value === undefined)
      throw new FormatError(
        `${work.file} calls a model with ${given!.length} values, expected its ${model.inputs.length} inputs`,
      );
    calls.results.set(keyOf(layer, node), [value]);
  }
  return model.outputs.map((output) => {
    if (!calls.results.has(keyOf(output.layer, output.node))) runUpTo(calls, output);
    return inputValue(calls, output);
  });
}

/** Calls what an output needs, in order, without a stack of functions: chains of layers may be long. */
function runUpTo(calls: Calls, output: TensorAt): void {
  const { work, path, results, waiting } = calls;
  const stack: Frame[] = [begin(calls, output)];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { inputs } = top.call;
    if (top.next < inputs.length) {
      const input = inputs[top.next]!;
      if (typeof input === "number" || results.has(keyOf(input.layer, input.node))) top.next++;
      else stack.push(begin(calls, input));
      continue;
    }
    stack.pop();
    const values = inputs.map((input) => inputValue(calls, input));
    results.set(keyOf(top.layer.name, top.node), runLayer(work, top.layer, path, values));
    waiting.delete(keyOf(top.layer.name, top.node));
  }
}

function begin({ work: { file }, layers, waiting }: Calls, { layer: name, node }: TensorAt): Frame {
  const layer = layers.get(name)!;
  const call = layer.calls[node];
  if (call === undefined)
    throw new FormatError(
      `${file} reads call ${node} of the layer ${describe(name)}, expected one of its ${layer.calls.length}`,
    );
  const key = keyOf(name, node);
  if (waiting.has(key)) throw new FormatError(`${file} has the layer ${describe(name)} in a circle, expected none`);
  waiting.add(key);
  return { layer, node, call, next: 0 };
}

function inputValue({ work: { builder, file }, results }: Calls, input: TensorAt | number): string {
  if (typeof input === "number") return builder.constant(input, "float");
  const value = results.get(keyOf(input.layer, input.node))?.[input.tensor];
  if (value === undefined)
    throw new FormatError(
      `${file} reads output ${input.tensor} of the layer ${describe(input.layer)}, expected one that it has`,
    );
  return value;
}

/**
 * The outputs of a layer's call. One that is not known is an operator with the call's name, which reads all its inputs.
 */
function runLayer(
  work: Work,
  layer: KerasLayer,
  path: readonly KerasLayer[],
  inputs: readonly string[],
): readonly string[] {
  const { builder, file, find } = work;
  work.calls++;
  if (work.calls > MAX_CALLS)
    throw new FormatError(`${file} has more than ${MAX_CALLS} calls of layers, expected fewer`);
  const own = [...path, layer];
  if (layer.inside !== undefined) return runModel(work, layer.inside, own, inputs);
  const { config, kind } = layer;
  const known = inputs.length === 0 ? undefined : LAYERS.get(kind);
  const outputs = known?.({ builder, file, layer, config, inputs, find: (numbers) => find(own, numbers) });
  // How many outputs it has only those say that read them: eight are more than any has.
  return outputs ?? builder.ops(`keras.${kind}`, layer.name, inputs, 8, {}, undefined);
}
