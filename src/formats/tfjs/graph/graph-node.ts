/** A node of a graph model, as the table of operators sees it. */

import type { ConstantValue } from "../../../graph/operators.ts";
import type { OperatorAttributes, OperatorBuilder } from "../../keras/graph/graph-builder.ts";
import { isObject } from "../manifest.ts";

export interface TensorflowNode {
  readonly name: string;
  readonly op: string;
  /** Names of nodes, with the number of their output; those that only order things are left out. */
  readonly inputs: readonly { readonly node: string; readonly output: number }[];
  readonly attr: Readonly<Record<string, unknown>>;
}

/** A node that is being turned into operators. */
export interface NodeCall {
  readonly builder: OperatorBuilder;
  readonly node: TensorflowNode;
  /** Values. */
  readonly inputs: readonly string[];
  /** How many outputs others read. */
  readonly outputs: number;
  /** The elements of an input, where they are known: whole numbers and scalars. */
  known(input: number): ConstantValue | undefined;
}

/** Makes a node's outputs; undefined where it is not known. */
export type NodeKind = (call: NodeCall) => readonly string[] | undefined;

/** Text is kept in base64. */
function decoded(text: unknown): string {
  if (typeof text !== "string") return "";
  try {
    return atob(text);
  } catch {
    return "";
  }
}

function attribute({ node }: NodeCall, key: string): Readonly<Record<string, unknown>> {
  const value = Object.hasOwn(node.attr, key) ? node.attr[key] : undefined;
  return isObject(value) ? value : {};
}

/** Whole numbers are text in JSON, as they may have 64 bits. */
const whole = (value: unknown): number | undefined => {
  const number = typeof value === "string" ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : undefined;
};

export const textOf = (call: NodeCall, key: string, otherwise: string): string =>
  decoded(attribute(call, key).s) || otherwise;
export const flagOf = (call: NodeCall, key: string): boolean => attribute(call, key).b === true;
export const wholeOf = (call: NodeCall, key: string, otherwise: number): number =>
  whole(attribute(call, key).i) ?? otherwise;
export const floatOf = (call: NodeCall, key: string, otherwise: number): number => {
  const { f } = attribute(call, key);
  return typeof f === "number" ? f : otherwise;
};

function list(call: NodeCall, key: string): Readonly<Record<string, unknown>> {
  const { list: found } = attribute(call, key);
  return isObject(found) ? found : {};
}

/** A list of whole numbers; undefined where there is none, or one of something else. */
export function numbersOf(call: NodeCall, key: string): number[] | undefined {
  const { i } = list(call, key);
  const numbers = Array.isArray(i) ? i.map(whole) : [];
  return numbers.length > 0 && !numbers.includes(undefined) ? (numbers as number[]) : undefined;
}

export function textsOf(call: NodeCall, key: string): string[] {
  const { s } = list(call, key);
  return Array.isArray(s) ? s.map(decoded) : [];
}

/** A node's operator, or one of several, named after it. */
export function op(
  { builder, node }: NodeCall,
  kind: string,
  inputs: readonly string[],
  attributes: OperatorAttributes = {},
  rank?: number,
): string {
  return builder.op(kind, node.name, inputs, attributes, rank ?? builder.rank(inputs[0]));
}

/** Whole numbers of an input; a scalar is a list of one. */
export function knownNumbers(call: NodeCall, input: number): readonly number[] | undefined {
  const found = call.known(input);
  return found?.dtype === "int" ? found.values : undefined;
}
