/** The operations of a graph that work on data, in boxes: what makes sizes is in none. */

import type { Operator, OperatorGraph, OperatorInput } from "../graph/operators.ts";
import type { Reading } from "./reading.ts";

/** An operation with the data that it reads and makes, and the tensors that it reads. */
export interface DataOperation {
  /** An operator's kind, `input` or `output`. */
  readonly kind: string;
  readonly name: string;
  /** Names of values. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly tensors: readonly string[];
}

/** Boxes in order, and the box that makes each value. */
export interface BoxGraph {
  readonly boxes: readonly (readonly DataOperation[])[];
  readonly makers: ReadonlyMap<string, number>;
}

/**
 * All operations on data, those of bodies before the operator that they belong to. Operators that compute known
 * elements (sizes, positions) or read tensors alone are left out; what reads the latter reads their tensors.
 */
export function dataOperations(
  graph: OperatorGraph,
  { known }: Pick<Reading, "known">,
): { operations: DataOperation[]; hidden: number } {
  const operations: DataOperation[] = [];
  /** Values made of tensors and constants alone, and these tensors. */
  const still = new Map<string, readonly string[]>();
  let hidden = 0;
  const add = (kind: string, name: string, values: Pick<Operator, "inputs" | "outputs">): void => {
    const inputs = values.inputs.filter((value) => value !== "" && !still.has(value) && !known.has(value));
    const tensors = values.inputs.flatMap((value) => still.get(value) ?? []);
    const outputs = values.outputs.filter((value) => value !== "");
    const isKnown = outputs.length > 0 && outputs.every((value) => known.has(value));
    if (isKnown || (inputs.length === 0 && kind !== "input")) {
      for (const value of outputs) still.set(value, tensors);
      hidden++;
    } else operations.push({ kind, name, inputs, outputs, tensors: [...new Set(tensors)] });
  };
  const addInputs = (inputs: readonly OperatorInput[], tensors: ReadonlyMap<string, string>): void => {
    for (const { name } of inputs) if (!tensors.has(name)) add("input", name, { inputs: [], outputs: [name] });
  };
  const addGraph = (inner: OperatorGraph): void => {
    for (const [value, tensor] of inner.tensors) still.set(value, [tensor]);
    for (const value of inner.constants.keys()) if (!still.has(value)) still.set(value, []);
    addInputs(inner.inputs, inner.tensors);
    for (const { kind, name, inputs, outputs, bodies } of inner.operators) {
      for (const body of bodies?.values() ?? []) addGraph(body);
      const made = [...(bodies?.values() ?? [])].flatMap((body) => body.outputs);
      add(kind, name, { inputs: [...inputs, ...made], outputs });
    }
  };
  addGraph(graph);
  for (const name of graph.outputs) operations.push({ kind: "output", name, inputs: [name], outputs: [], tensors: [] });
  return { operations, hidden };
}

/**
 * One box for operations that follow each other: each reads one value, which nothing else reads, keeps its groups, and
 * reads no matrix.
 */
export function foldChains(
  operations: readonly DataOperation[],
  groupsOf: (value: string) => readonly number[],
  isMatrix: (tensor: string) => boolean,
): BoxGraph {
  const readers = new Map<string, number>();
  for (const { inputs } of operations)
    for (const value of new Set(inputs)) readers.set(value, (readers.get(value) ?? 0) + 1);
  const boxes: DataOperation[][] = [];
  const makers = new Map<string, number>();
  for (const operation of operations) {
    const before = boxBefore(operation);
    const at = before ?? boxes.push([]) - 1;
    boxes[at]!.push(operation);
    for (const value of operation.outputs) makers.set(value, at);
  }
  return { boxes, makers };

  function boxBefore({ kind, inputs, outputs, tensors }: DataOperation): number | undefined {
    const [value, ...others] = new Set(inputs);
    const [output, ...more] = outputs;
    if (value === undefined || output === undefined || others.length + more.length > 0) return undefined;
    const at = makers.get(value);
    const last = at === undefined ? undefined : boxes[at]!.at(-1)!;
    if (last === undefined || last.kind === "input" || kind === "input" || last.outputs.length > 1) return undefined;
    const isAlone = readers.get(value) === 1 && !tensors.some(isMatrix);
    return isAlone && keyOf(value) === keyOf(output) ? at : undefined;
  }

  function keyOf(value: string): string {
    return [...groupsOf(value)].sort((a, b) => a - b).join();
  }
}
