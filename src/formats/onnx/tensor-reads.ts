/** Which matrices and kernels a graph puts before which: the order of a network, its joins and branches. */

import type { GraphNode } from "./onnx-node.ts";

/** Operators with a matrix or a kernel, and how many first inputs may be it. */
const WEIGHTED: ReadonlyMap<string, number> = new Map([
  ["Conv", 2],
  ["ConvTranspose", 2],
  ["Gemm", 2],
  ["MatMul", 2],
  ["Gather", 1],
]);
/** Operators whose outputs depend on no value but their shapes. */
const VALUELESS = new Set(["Shape", "Size", "ConstantOfShape", "Range"]);
/** One is a chain, two are none: larger counts make no difference. */
const MOST = 2;

/** What a value comes from: names of tensors, "" for the data. Undefined where the graph does not show it. */
type Sources = readonly string[] | undefined;

/**
 * For each matrix and kernel of a model's own graph, the names of those whose outputs it reads directly, two at most;
 * "" is the data. Tensors of which this is not known (behind branches, loops, functions) are missing. `find` gives a
 * tensor's name by a value's, `shapesFrom` the first input of an operator that is a shape.
 */
export function tensorReads(
  nodes: readonly GraphNode[],
  find: (value: string) => string | undefined,
  shapesFrom: (operator: string) => number,
): Map<string, readonly string[]> {
  const values = new Map<string, Sources>();
  const reads = new Map<string, Sources>();
  for (const { operator, domain, inputs, outputs } of nodes) {
    let sources: Sources = [];
    let weight: string | undefined;
    for (const [at, input] of inputs.entries()) {
      if (input === "" || at >= shapesFrom(operator) || VALUELESS.has(operator)) continue;
      const tensor = find(input);
      if (tensor === undefined) sources = both(sources, values.has(input) ? values.get(input) : [""]);
      else if (at < (WEIGHTED.get(operator) ?? 0)) weight ??= tensor;
    }
    if (domain !== "" || operator === "If" || operator === "Loop" || operator === "Scan") sources = undefined;
    else if (weight !== undefined) {
      reads.set(weight, reads.has(weight) ? both(reads.get(weight), sources) : sources);
      sources = [weight];
    }
    for (const output of outputs) values.set(output, sources);
  }
  const known = new Map<string, readonly string[]>();
  for (const [name, sources] of reads) if (sources !== undefined) known.set(name, sources);
  return known;
}

function both(a: Sources, b: Sources): Sources {
  if (a === undefined || b === undefined) return undefined;
  return a === b ? a : [...new Set([...a, ...b])].slice(0, MOST);
}
