/** The operators that a graph's outputs depend on: what others read may be in any order. */

import type { Operator, OperatorGraph } from "../graph/operators.ts";

/** In the graph's order. */
export function liveOperators({ operators, outputs }: OperatorGraph): Operator[] {
  const needed = new Set(outputs);
  const live: Operator[] = [];
  for (const operator of operators.toReversed()) {
    if (!operator.outputs.some((name) => name !== "" && needed.has(name))) continue;
    live.push(operator);
    addReads(operator, needed);
  }
  return live.reverse();
}

/** What an operator may read: its inputs, and what its bodies name. */
function addReads({ inputs, bodies }: Operator, needed: Set<string>): void {
  for (const name of inputs) needed.add(name);
  for (const body of bodies?.values() ?? []) {
    for (const name of body.outputs) needed.add(name);
    for (const operator of body.operators) addReads(operator, needed);
  }
}
