/** Which activation a network has: no tensor shows it. */

import type { Activation, Graph } from "../graph/graph.ts";

/** How people call them. */
export const ACTIVATION_WORDS: Readonly<Record<Activation, string>> = {
  relu: "ReLU",
  gelu: "GELU (by erf)",
  tanh: "tanh",
  silu: "SiLU",
};

/** The graph with another activation in place of each ReLU; values that are named after it are renamed. */
export function withActivation(graph: Graph, activation: string): Graph {
  if (!Object.hasOwn(ACTIVATION_WORDS, activation))
    throw new RangeError(
      `activation ${JSON.stringify(activation)}, expected one of ${Object.keys(ACTIVATION_WORDS).join(", ")}`,
    );
  if (activation === "relu") return graph;
  const names = new Map(
    graph.operations.flatMap(({ output, kind }) =>
      kind.op === "relu" ? [[output, output.replace(/relu$/, activation)] as const] : [],
    ),
  );
  const named = (value: string): string => names.get(value) ?? value;
  const operations = graph.operations.map(({ output, inputs, kind }) => ({
    output: named(output),
    inputs: inputs.map(named),
    kind: kind.op === "relu" ? { op: activation as Activation } : kind,
  }));
  return { ...graph, operations, output: named(graph.output) };
}
