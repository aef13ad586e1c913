/** LSTM, GRU and RNN of PyTorch in plain loops, from the formulas of its documentation. */

import { numbers, type SequenceNetwork, VOCABULARY } from "./sequence-network.ts";
import { embed, linear, relu, type Sequence, tiedHead, type Weights } from "./sequences.ts";

type Kind = "LSTM" | "GRU" | "RNN";

interface Options {
  readonly kind: Kind;
  readonly module: string;
  readonly units?: number;
  readonly layers?: number;
  readonly both?: boolean;
  readonly projected?: number;
  readonly biased?: boolean;
}

const GATES: Record<Kind, number> = { LSTM: 4, GRU: 3, RNN: 1 };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** W x + b of all gates, one list of units for each gate. */
function gatesOf(w: Weights, x: readonly number[], names: [string, string], options: Required<Options>): number[][] {
  const gates = GATES[options.kind];
  const [all] = linear(w, [[...x]], "", gates * options.units, { bias: options.biased, names });
  return numbers(gates).map((gate) => all!.slice(gate * options.units, (gate + 1) * options.units));
}

/** One step: the hidden units and, of LSTM, the cell after it. */
function step(
  kind: Kind,
  i: number[][],
  h: number[][],
  cell: number[],
  before: readonly number[],
): [number[], number[]] {
  const sum = (gate: number, u: number): number => i[gate]![u]! + h[gate]![u]!;
  if (kind === "RNN") return [cell.map((_, u) => Math.tanh(sum(0, u))), cell];
  if (kind === "GRU") {
    const next = cell.map((_, u) => {
      const [r, z] = [sigmoid(sum(0, u)), sigmoid(sum(1, u))];
      const n = Math.tanh(i[2]![u]! + r * h[2]![u]!);
      return (1 - z) * n + z * before[u]!;
    });
    return [next, cell];
  }
  const c = cell.map((old, u) => sigmoid(sum(1, u)) * old + sigmoid(sum(0, u)) * Math.tanh(sum(2, u)));
  return [c.map((value, u) => sigmoid(sum(3, u)) * Math.tanh(value)), c];
}

/** Outputs of one layer in one direction, in the order of time. */
function direction(w: Weights, x: Sequence, end: string, options: Required<Options>, back: boolean): Sequence {
  const { module, units, projected, kind } = options;
  let state = numbers(projected || units).map(() => 0);
  let cell = numbers(units).map(() => 0);
  const rows = (back ? [...x].reverse() : x).map((row) => {
    const i = gatesOf(w, row, [`${module}weight_ih${end}`, `${module}bias_ih${end}`], options);
    const h = gatesOf(w, state, [`${module}weight_hh${end}`, `${module}bias_hh${end}`], options);
    let hidden: number[];
    [hidden, cell] = step(kind, i, h, cell, state);
    const names: [string, string] = [`${module}weight_hr${end}`, ""];
    state = projected ? linear(w, [hidden], "", projected, { bias: false, names })[0]! : hidden;
    return state;
  });
  return back ? rows.reverse() : rows;
}

function recurrent(w: Weights, x: Sequence, given: Options): Sequence {
  const options = { units: 9, layers: 2, both: false, projected: 0, biased: true, ...given };
  let rows = x;
  for (let l = 0; l < options.layers; l++) {
    const ahead = direction(w, rows, `_l${l}`, options, false);
    const back = options.both ? direction(w, rows, `_l${l}_reverse`, options, true) : ahead.map(() => []);
    rows = ahead.map((row, t) => [...row, ...back[t]!]);
  }
  return rows;
}

const signal = (tokens: readonly number[]): Sequence =>
  tokens.map((token) => numbers(5).map((at) => Math.sin(token * 1.7 + at * 2.3)));

/** A network that reads numbers, and classes from the last output. */
const onNumbers = (options: Options, head: string): SequenceNetwork => ({
  family: "recurrent",
  config: {},
  run: (w, tokens) => linear(w, [recurrent(w, signal(tokens), options).at(-1)!], head, 4).flat(),
});

/** A network that reads words, and has an output for every position. */
const onWords = (options: Options, embedding: string, head: string): SequenceNetwork => ({
  family: "recurrent",
  config: {},
  run: (w, tokens) =>
    linear(w, recurrent(w, embed(w, tokens, `${embedding}.weight`, VOCABULARY, 7), options), head, 4).flat(),
});

/** By name. */
export const RECURRENT_NETWORKS: Readonly<Record<string, SequenceNetwork>> = {
  LSTM: onNumbers({ kind: "LSTM", module: "lstm." }, "fc"),
  "LSTM, no bias": onNumbers({ kind: "LSTM", module: "rnn.", biased: false }, "linear"),
  "LSTM, bidirectional, words": onWords({ kind: "LSTM", module: "lstm.", both: true }, "embedding", "fc"),
  "LSTM, projected": onNumbers({ kind: "LSTM", module: "lstm.", projected: 6 }, "fc"),
  GRU: onNumbers({ kind: "GRU", module: "gru." }, "fc"),
  "GRU, bidirectional, words": onWords({ kind: "GRU", module: "rnn.", both: true }, "encoder", "decoder"),
  "RNN, one layer": onNumbers({ kind: "RNN", module: "rnn.", layers: 1 }, "fc"),
  "LSTM, words, perhaps tied": {
    family: "recurrent",
    config: {},
    run: (w, tokens) => {
      const x = embed(w, tokens, "encoder.weight", VOCABULARY, 9);
      const y = recurrent(w, x, { kind: "LSTM", module: "rnn." });
      // Stored twice, read once: the copy must move with the original.
      w.tensors.set("decoder.weight", w.tensors.get("decoder.weight") ?? w.tensors.get("encoder.weight")!);
      const copy = tiedHead(w, y, "decoder.weight", VOCABULARY);
      return [...copy.flat(), ...tiedHead(w, y, "encoder.weight", VOCABULARY).flat().map(relu)];
    },
  },
};
