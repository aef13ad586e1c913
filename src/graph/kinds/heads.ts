/** Values of attention by heads, and what attention does with them. */

import { SpecError } from "../../base/errors.ts";
import { joined } from "./elementwise.ts";
import type { Call, GraphValue } from "./kind.ts";
import { within } from "./normalisation.ts";
import { dividedSize, productSize, type Size } from "./sizes.ts";

/** `[batch, time, heads · inner]` as `[batch, heads, time, inner]`; a value of rank 4 is that already. */
export function byHeads(call: Call, value: GraphValue, heads: number): GraphValue {
  if (value.shape?.length === 4) return value;
  const [batch, time, width] = call.ranked(value, 3).shape as [Size, Size, Size];
  const inner = dividedSize(width, heads);
  if (inner === undefined || heads < 1)
    throw new SpecError(`${call.operator.name} has ${heads} heads of ${width}, expected them to divide`);
  return call.transpose(call.reshape(value, [batch, time, heads, inner]), [0, 2, 1, 3]);
}

/** Back to `[batch, time, heads · inner]`. */
export function sideBySide(call: Call, value: GraphValue): GraphValue {
  const [batch, heads, time, inner] = value.shape as [Size, Size, Size, Size];
  return call.reshape(call.transpose(value, [0, 2, 1, 3]), [batch, time, productSize([heads, inner])]);
}

/** Queries, keys and values by heads. */
export interface Attended {
  readonly q: GraphValue;
  readonly k: GraphValue;
  readonly v: GraphValue;
  /** Added to the scores `[batch, heads, time, keys]`, by broadcasting. */
  readonly added?: readonly (GraphValue | undefined)[] | undefined;
  /** Why steps keep their order. */
  readonly ordered?: string | undefined;
}

/** softmax(q · kᵀ) · v by heads, and the softmax. Several heads of queries may share one of keys. */
export function attend(call: Call, { q, k, v, added = [], ordered }: Attended): [GraphValue, GraphValue] {
  if (ordered !== undefined) for (const value of [q, k, v]) call.fix(value, ordered, [2]);
  const [heads, groups] = [q.shape![1]!, k.shape![1]!];
  const each = dividedSize(heads, groups);
  if (each === undefined)
    throw new SpecError(`${call.operator.name} has ${heads} heads of queries for ${groups}, expected a multiple`);
  const sizes = new Map<string, Size>([
    ["g", groups],
    ["r", each],
  ]);
  const rows = ["b", ["g", "r"], "s", "t"];
  const [scores] = call.relate({
    operands: [
      { value: q, labels: ["b", ["g", "r"], "s", "d"] },
      { value: k, labels: ["b", "g", "t", "d"] },
    ],
    outputs: [rows],
    sizes,
  });
  const others = added.filter((value) => value !== undefined);
  const whole = others.length === 0 ? scores! : joined(call, [scores!, ...others]);
  const weights = within(call, whole, [0, 1, 2]);
  const [mixed] = call.relate({
    operands: [
      { value: weights, labels: rows },
      { value: v, labels: ["b", "g", "t", "e"] },
    ],
    outputs: [["b", ["g", "r"], "s", "e"]],
    sizes,
  });
  return [mixed!, weights];
}

/** Steps of a cache before those of now. Their number depends on the data. */
export function withPast(call: Call, past: GraphValue | undefined, value: GraphValue): GraphValue {
  if (past === undefined) return value;
  for (const each of [past, value]) call.fix(each, "are steps in order", [2]);
  const [result] = call.relate({
    operands: [past, value].map((each, at) => ({ value: each, labels: ["b", "h", `t${at}`, "d"] })),
    outputs: [["b", "h", "t", "d"]],
    sizes: new Map<string, Size>([["t", call.unknown()]]),
    ordered: new Map([["t", "are steps in order"]]),
  });
  return result!;
}

/** What turns the inner positions of heads. */
export interface Angles {
  /** Cosines and sines, one a pair on their last axis; none where the operator makes them. */
  readonly tables: readonly GraphValue[];
  /** That many positions are turned, the first ones; 0 for all. */
  readonly count: number;
  /** Pairs are neighbours; otherwise one of the first half and one of the second. */
  readonly isInterleaved: boolean;
}

/** `[batch, heads, time, inner]` with inner positions turned in pairs, each pair by its own angles. */
export function turned(call: Call, value: GraphValue, { tables, count, isInterleaved }: Angles): GraphValue {
  const inner = value.shape![3]!;
  call.fix(value, "is turned by the numbers of its steps", [2]);
  if (typeof inner !== "number" || (count || inner) % 2 !== 0) {
    for (const each of [value, ...tables]) call.fix(each, `${call.operator.kind} turns positions in pairs`);
    return value;
  }
  if (count > 0 && count < inner) {
    const positions = [...Array(inner).keys()];
    const front = call.take(value, 3, positions.slice(0, count));
    const back = call.take(value, 3, positions.slice(count));
    return call.concat([turned(call, front, { tables, count: 0, isInterleaved }), back], 3);
  }
  const labels = ["b", "h", "s", isInterleaved ? ["pair", "two"] : ["two", "pair"]];
  const rows = (table: GraphValue, at: number): string[] => table.shape!.slice(1).map((_, k) => `row${at}.${k}`);
  const own = tables.filter(({ shape }) => shape !== undefined);
  const reason = `${call.operator.kind} turns positions in pairs`;
  const ordered = own.flatMap((table, at) => rows(table, at)).map((label) => [label, "are angles of steps"] as const);
  return call.relate({
    operands: [{ value, labels }, ...own.map((table, at) => ({ value: table, labels: [...rows(table, at), "pair"] }))],
    outputs: [labels],
    sizes: new Map<string, Size>([
      ["two", 2],
      ["pair", inner / 2],
    ]),
    ordered: new Map([...ordered, ["two", reason], ...(own.length === 0 ? [["pair", reason] as const] : [])]),
  })[0]!;
}
