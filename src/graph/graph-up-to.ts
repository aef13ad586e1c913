/** The part of a graph that some of its values need. */

import type { Graph } from "./graph.ts";

/**
 * The operations that some of `values` need, in the graph's order; the output is the last of these values. Throws
 * `RangeError` for a name that no operation makes, and for no names.
 */
export function graphUpTo({ operations }: Graph, values: ReadonlySet<string>): Graph {
  const unknown = [...values].find((name) => !operations.some(({ output }) => output === name));
  if (unknown !== undefined) throw new RangeError(`value ${unknown} is unknown, expected the output of an operation`);
  if (values.size === 0) throw new RangeError("values are none, expected the output of an operation");
  const last = operations.findLastIndex(({ output }) => values.has(output));
  const needed = new Set(values);
  const kept = operations
    .slice(0, last + 1)
    .reverse()
    .filter(({ output, inputs }) => {
      if (!needed.has(output)) return false;
      for (const input of inputs) needed.add(input);
      return true;
    });
  return { operations: kept.reverse(), output: operations[last]!.output };
}
