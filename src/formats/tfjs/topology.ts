/** What the topology of a TensorFlow.js model contains: its operators, and which layer a kernel belongs to. */

import type { GraphUse } from "../../base/model.ts";
import { tensorName } from "../../base/tensor-names.ts";
import { isObject } from "./manifest.ts";

/** Layers in models in models. */
const MAX_DEPTH = 32;
/** Far above any network's. */
const MAX_LAYERS = 1_000_000;

/** A layer of a layers model. */
interface Layer {
  readonly kind: string;
  readonly channelsFirst: boolean;
}

export interface Topology {
  /** How often each operator or kind of layer is there. */
  readonly operators: ReadonlyMap<string, number>;
  /** Layers by their names; empty for graph models. */
  readonly layers: ReadonlyMap<string, Layer>;
}

/**
 * Reads `modelTopology`: a Keras model, or a graph. What is not understood is left out: nothing here is needed to
 * open a file.
 */
export function readTopology(topology: unknown): Topology {
  const operators = new Map<string, number>();
  const layers = new Map<string, Layer>();
  if (isObject(topology)) {
    for (const node of graphNodes(topology))
      if (isObject(node) && typeof node.op === "string") count(operators, node.op);
    addLayers(topology.model_config ?? topology, operators, layers, 0);
  }
  return { operators, layers };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function graphNodes(topology: Record<string, unknown>): unknown[] {
  const functions = isObject(topology.library) ? listOf(topology.library.function) : [];
  return [...listOf(topology.node), ...functions.flatMap((each) => (isObject(each) ? listOf(each.nodeDef) : []))];
}

function addLayers(model: unknown, operators: Map<string, number>, layers: Map<string, Layer>, depth: number): void {
  if (!isObject(model) || depth > MAX_DEPTH || layers.size > MAX_LAYERS) return;
  const { config } = model;
  // Keras 1 had the layers of a Sequential as its config.
  const inside = isObject(config) && Array.isArray(config.layers) ? config.layers : listOf(config);
  for (const layer of inside) {
    if (!isObject(layer) || typeof layer.class_name !== "string" || !isObject(layer.config)) continue;
    if (Array.isArray(layer.config.layers)) addLayers(layer, operators, layers, depth + 1);
    else count(operators, layer.class_name);
    if (typeof layer.config.name !== "string") continue;
    layers.set(layer.config.name, {
      kind: layer.class_name,
      channelsFirst: layer.config.data_format === "channels_first",
    });
  }
}

function count(operators: Map<string, number>, name: string): void {
  operators.set(name, (operators.get(name) ?? 0) + 1);
}

/** Kinds of layers whose `kernel` is [in, out], or […, in, out]. */
const PLAIN = /^(Dense|Conv[123]D|Convolution[123]D)$/;

/**
 * The use of a layer's kernel: transposed and other kinds have their own axes. Undefined where the topology does not
 * have the layer. Keras flattens its data in stored order; before that it turns channels-first data if the layer's
 * options ask for it.
 */
export function kernelUse({ layers }: Topology, tensor: string): GraphUse | undefined {
  const { path, leaf } = tensorName(tensor);
  const layer = layers.get(path.at(-1) ?? "");
  if (layer === undefined || leaf !== "kernel") return undefined;
  if (!PLAIN.test(layer.kind)) return { layout: "other" };
  const all = [...layers.values()];
  const some = (kind: RegExp): boolean => all.some((each) => each.channelsFirst && kind.test(each.kind));
  const channelMajor = some(/^Conv/) && !some(/^Flatten$/);
  return { layout: "in-out", flatten: channelMajor ? "channel-major" : "channel-minor" };
}
