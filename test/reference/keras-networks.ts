/** Networks as Keras writes them: layers in JSON, and tensors by the names that files have. */

import type { Rng } from "../../src/base/rng.ts";
import { readKerasConfig } from "../../src/formats/keras/graph/read-config.ts";
import { graphOfConfig } from "../../src/formats/keras/read-graph.ts";
import type { OperatorGraph } from "../../src/graph/operators.ts";
import type { Tensors } from "./networks.ts";
import { gaussianArray } from "./random.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

/** A layer: class, name, configuration, what it reads (by name), and shapes of its variables in order. */
export type Layer = readonly [kind: string, name: string, config: object, reads: readonly string[], shapes?: Shapes];

/** Layers and the outputs of a network with one input, or with several. */
export interface KerasNetwork {
  readonly layers: readonly Layer[];
  readonly outputs: readonly string[];
}

/** How a file of Keras has it: its JSON's form, and its tensors' names. */
export type KerasStyle = "keras2" | "keras3" | "tfjs";

const snake = (kind: string): string =>
  kind
    .replaceAll(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replaceAll(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();

/** The JSON of a functional model. */
export function configOf({ layers, outputs }: KerasNetwork, style: KerasStyle): object {
  const tensor = (name: string): object => ({
    class_name: "__keras_tensor__",
    config: { keras_history: [name, 0, 0] },
  });
  const calls = (reads: readonly string[]): unknown[] => {
    if (reads.length === 0) return [];
    if (style !== "keras3") return [reads.map((name) => [name, 0, 0, {}])];
    return [{ args: reads.length > 1 ? [reads.map(tensor)] : reads.map(tensor), kwargs: { training: false } }];
  };
  const listed = layers.map(([kind, name, config, reads]) => ({
    module: "keras.layers",
    class_name: kind,
    name,
    config: { name, ...config },
    inbound_nodes: calls(reads),
  }));
  const at = (names: readonly string[]): unknown =>
    style === "keras3" && names.length === 1 ? [names[0], 0, 0] : names.map((name) => [name, 0, 0]);
  const inputs = layers.filter(([kind]) => kind === "InputLayer").map(([, name]) => name);
  return {
    class_name: "Functional",
    config: { name: "net", layers: listed, input_layers: at(inputs), output_layers: at(outputs) },
  };
}

/** Random tensors under the names of the style; variances are positive. */
export function tensorsOf({ layers }: KerasNetwork, style: KerasStyle, rng: Rng): Tensors {
  const tensors: Tensors = new Map();
  const counts = new Map<string, number>();
  for (const [kind, name, , , shapes = {}] of layers) {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    const group = `layers/${snake(kind)}${count === 0 ? "" : `_${count}`}`;
    for (const [k, [variable, shape]] of Object.entries(shapes).entries()) {
      const [part, leaf] = variable.includes("/") ? (variable.split("/") as [string, string]) : ["", variable];
      const inside = part === "" ? "" : `/${part}`;
      const number =
        part === ""
          ? k
          : Object.keys(shapes)
              .filter((each) => each.startsWith(`${part}/`))
              .indexOf(variable);
      const full = {
        keras3: `${group}${inside}/vars/${number}`,
        keras2: `${name}/${name}${inside}/${leaf}:0`,
        tfjs: `${name}${inside}/${leaf}`,
      }[style];
      const size = shape.reduce((product, each) => product * each, 1);
      const data = gaussianArray(size, rng, 1 / Math.sqrt(shape.length > 1 ? size / shape.at(-1)! : 1));
      tensors.set(full, {
        shape: [...shape],
        data: leaf.endsWith("variance") ? data.map((value) => 0.5 + Math.abs(value)) : data,
      });
    }
  }
  return tensors;
}

/** The graph that is read of it. */
export function graphOf(network: KerasNetwork, style: KerasStyle, tensors: Tensors): OperatorGraph {
  const config = JSON.parse(JSON.stringify(configOf(network, style))) as unknown;
  return graphOfConfig(readKerasConfig(config, "a.keras")!, tensors.keys(), "a.keras");
}
