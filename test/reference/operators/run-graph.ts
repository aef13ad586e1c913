/** Runs an operator graph from the operators' definitions: plain loops over f64. */

import type { AttributeValue, Operator, OperatorGraph } from "../../../src/graph/operators.ts";
import { type NdArray, ndArray } from "./arrays.ts";
import { channelsLast } from "./channels-last.ts";
import { CONVOLVING } from "./run-convolving.ts";
import { MOVING } from "./run-moving.ts";
import { REDUCING } from "./run-reducing.ts";
import { SUMMING } from "./run-summing.ts";

/** What an operator does: inputs that are left out are undefined. */
export type Run = (inputs: readonly (NdArray | undefined)[], attributes: Attributes, outputs: number) => NdArray[];

/** Attributes with defaults. */
export interface Attributes {
  number(name: string, otherwise: number): number;
  numbers(name: string): readonly number[] | undefined;
  text(name: string, otherwise: string): string;
  texts(name: string): readonly string[] | undefined;
}

const RUNS: ReadonlyMap<string, Run> = new Map([...SUMMING, ...CONVOLVING, ...MOVING, ...REDUCING]);

/** The kinds that can be run. */
export const RUN_KINDS: readonly string[] = [...RUNS.keys(), "If", "Loop"];

/** The outputs of a graph for these tensors and inputs. */
export function runGraph(
  graph: OperatorGraph,
  tensors: ReadonlyMap<string, NdArray>,
  inputs: ReadonlyMap<string, NdArray>,
): NdArray[] {
  const values = new Map(inputs);
  runInto(graph, tensors, values);
  return graph.outputs.map((name) => values.get(name)!);
}

function runInto(graph: OperatorGraph, tensors: ReadonlyMap<string, NdArray>, values: Map<string, NdArray>): void {
  for (const [name, { shape, values: elements }] of graph.constants) values.set(name, ndArray(shape, elements));
  for (const [name, tensor] of graph.tensors) values.set(name, tensors.get(tensor)!);
  for (const operator of graph.operators) {
    const inputs = operator.inputs.map((name) => (name === "" ? undefined : values.get(name)));
    const made =
      operator.bodies === undefined ? runOne(operator, inputs) : runBodies(operator, inputs, tensors, values);
    for (const [k, name] of operator.outputs.entries()) if (name !== "") values.set(name, made[k]!);
  }
}

function runOne(operator: Operator, inputs: readonly (NdArray | undefined)[]): NdArray[] {
  const run = RUNS.get(operator.kind);
  if (run === undefined) throw new Error(`the reference does not run ${operator.kind}`);
  return channelsLast(run, operator.kind)(inputs, attributesOf(operator.attributes), operator.outputs.length);
}

function attributesOf(attributes: ReadonlyMap<string, AttributeValue>): Attributes {
  return {
    number: (name, otherwise) => (attributes.get(name) as number | undefined) ?? otherwise,
    numbers: (name) => attributes.get(name) as readonly number[] | undefined,
    text: (name, otherwise) => (attributes.get(name) as string | undefined) ?? otherwise,
    texts: (name) => attributes.get(name) as readonly string[] | undefined,
  };
}

function runBodies(
  { kind, bodies }: Operator,
  inputs: readonly (NdArray | undefined)[],
  tensors: ReadonlyMap<string, NdArray>,
  values: Map<string, NdArray>,
): NdArray[] {
  if (kind === "If") {
    const body = bodies!.get(inputs[0]!.data[0] === 0 ? "else_branch" : "then_branch")!;
    runInto(body, tensors, values);
    return body.outputs.map((name) => values.get(name)!);
  }
  const body = bodies!.get("body")!;
  let carried = inputs.slice(2) as NdArray[];
  for (let step = 0; step < inputs[0]!.data[0]!; step++) {
    for (const [k, { name }] of body.inputs.entries())
      values.set(name, k === 0 ? ndArray([], [step]) : k === 1 ? ndArray([], [1]) : carried[k - 2]!);
    runInto(body, tensors, values);
    carried = body.outputs.slice(1).map((name) => values.get(name)!);
  }
  return carried;
}
