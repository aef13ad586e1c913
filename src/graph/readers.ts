/** Which operations of a graph read each value. */

import type { Graph, Operation } from "./graph.ts";

/** The operations that read each value, in the order in which they run; a value that nothing reads has no entry. */
export function readersOf(graph: Graph): Map<string, Operation[]> {
  const readers = new Map<string, Operation[]>();
  for (const operation of graph.operations) {
    for (const input of operation.inputs) readers.set(input, [...(readers.get(input) ?? []), operation]);
  }
  return readers;
}
