/** RNN, GRU and LSTM: one order of the hidden units for every gate, every state and both sides of the recurrence. */

import type { Call, GraphValue, Kind, Labelled, Labels } from "./kind.ts";
import type { Size } from "./sizes.ts";

/**
 * Inputs: X, W, R, B, sequence lengths, first hidden state, first cell state, peepholes. Outputs: Y, last hidden state,
 * last cell state.
 */
const recurrent =
  (gates: number, cells: boolean): Kind =>
  (call) => {
    const last = call.number("layout", 0) !== 0;
    const [x, w, r] = [call.ranked(call.input(0), 3), call.ranked(call.input(1), 3), call.ranked(call.input(2), 3)];
    const sizes = new Map<string, Size>([
      ["g", gates],
      ["h", hiddenSize(call, r)],
      ["two", 2],
    ]);
    const ordered = orderedLabels(call);
    const state = (value: GraphValue, labels: Labels[]): Labelled => ({
      value: call.ranked(value, labels.length),
      labels,
    });
    const steps = last ? ["b", "t"] : ["t", "b"];
    const rows: Labels[] = last ? ["b", "d", "h"] : ["d", "b", "h"];
    const operands: Labelled[] = [
      { value: x, labels: [...steps, "i"] },
      { value: w, labels: ["d", ["g", "h"], "i"] },
      { value: r, labels: ["d", ["g", "h"], "h"] },
    ];
    const bias = call.inputs[3];
    if (bias !== undefined) operands.push(state(bias, ["d", ["two", "g", "h"]]));
    for (const at of cells ? [5, 6] : [5]) {
      const first = call.inputs[at];
      if (first !== undefined) operands.push(state(first, rows));
    }
    const peepholes = cells ? call.inputs[7] : undefined;
    if (peepholes !== undefined) {
      sizes.set("p", 3);
      operands.push(state(peepholes, ["d", ["p", "h"]]));
    }
    const all = last ? ["b", "t", "d", "h"] : ["t", "d", "b", "h"];
    return call.relate({ operands: apart(call, operands, sizes, ordered), outputs: [all, rows, rows], sizes, ordered });
  };

/** Directions, gates and steps keep their order. */
function orderedLabels(call: Call): Map<string, string> {
  const { kind } = call.operator;
  return new Map([
    ["d", `${kind} runs its directions in order`],
    ["g", `${kind} has its gates in order`],
    ["p", `${kind} has its peepholes in order`],
    ["two", `${kind} has biases of the input and of the recurrence`],
    ["t", `${kind} takes steps in order`],
  ]);
}

function hiddenSize(call: Call, recurrence: GraphValue): Size {
  const hidden = call.number("hidden_size", 0);
  return hidden > 0 ? hidden : recurrence.shape![2]!;
}

/**
 * The recurrence's rows and columns are one label, which would read as a diagonal: the rows are given by a separate
 * relation, as a value that has one.
 */
function apart(
  call: Call,
  operands: readonly Labelled[],
  sizes: ReadonlyMap<string, Size>,
  ordered: ReadonlyMap<string, string>,
): Labelled[] {
  return operands.flatMap((operand, at): Labelled[] => {
    if (at !== 2) return [operand];
    const [rows, columns] = call.relate({
      operands: [{ value: operand.value, labels: ["d", ["g", "h"], "k"] }],
      outputs: [
        ["d", "g", "h"],
        ["d", "k"],
      ],
      sizes,
      ordered,
    });
    return [
      { value: rows!, labels: ["d", "g", "h"] },
      { value: columns!, labels: ["d", "h"] },
    ];
  });
}

/** One entry for each kind. */
export const RECURRENT: readonly [string, Kind][] = [
  ["RNN", recurrent(1, false)],
  ["GRU", recurrent(3, false)],
  ["LSTM", recurrent(4, true)],
];
