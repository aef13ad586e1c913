/** A network of a caller's executor: its values are checked, so that mistakes show where they are made. */

import type { Model } from "../../base/model.ts";
import type { Graph } from "../../graph/graph.ts";
import { valueShapes } from "../../graph/value-shapes.ts";
import type { Network, Value } from "../executor.ts";

/**
 * As `network`, but `run` rejects with `RangeError` when a value is missing or does not have the shape of the
 * graph.
 */
export function checkedNetwork(network: Network, { name, tensors }: Model, graph: Graph): Network {
  return {
    inputs: network.inputs,
    values: network.values,
    async run(inputs, keep) {
      const values = await network.run(inputs, keep);
      const [batch, ...images] = inputs.get("input")!.shape as [number, number, number, number];
      const shapes = valueShapes(graph, tensors, images);
      for (const value of keep) checkValue(`${name} value ${value}`, values.get(value), [batch, ...shapes.get(value)!]);
      return values;
    },
    load: (model) => network.load(model),
    dispose: () => network.dispose(),
  };
}

function checkValue(what: string, value: Value | undefined, expected: readonly number[]): void {
  const wanted = `[${expected.join(", ")}] of the executor`;
  if (value === undefined) throw new RangeError(`${what} is missing, expected ${wanted}`);
  if (value.shape.join() !== expected.join())
    throw new RangeError(`${what} has shape [${value.shape.join(", ")}], expected ${wanted} (channels come last)`);
  const count = expected.reduce((product, size) => product * size, 1);
  if (!(value.data instanceof Float32Array) || value.data.length !== count)
    throw new RangeError(
      `${what} has ${value.data?.length} numbers, expected ${count} in a Float32Array of the executor`,
    );
}
