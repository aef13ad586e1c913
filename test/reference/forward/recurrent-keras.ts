/** LSTM, GRU and SimpleRNN of Keras in plain loops, from `keras/src/layers/rnn/`. */

import { numbers, type SequenceNetwork, VOCABULARY } from "./sequence-network.ts";
import { embed, linear, relu, type Sequence, type Weights } from "./sequences.ts";

type Kind = "lstm" | "gru" | "simple_rnn";
/** How a file names tensors: by variables, or by their numbers. */
type Style = "named" | "numbered";

interface Options {
  readonly kind: Kind;
  readonly style: Style;
  readonly layers?: number;
  readonly units?: number;
  readonly biased?: boolean;
  /** GRU: the reset gate acts after the product. */
  readonly resetAfter?: boolean;
  /** Both directions, side by side or added. */
  readonly both?: "concat" | "sum" | "";
}

const GATES: Record<Kind, number> = { lstm: 4, gru: 3, simple_rnn: 1 };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const numbered = (word: string, at: number): string => (at === 0 ? word : `${word}_${at}`);

/** The names of a cell's tensors. */
function namesOf({ kind, style, both }: Required<Options>, layer: number, side: string): [string, string, string] {
  const name = numbered(both === "" ? kind : "bidirectional", layer);
  const inside = both === "" ? "" : style === "named" ? `${side}_${numbered(kind, layer)}/` : `${side}_layer/`;
  const prefix = style === "named" ? `${name}/${name}/${inside}${kind}_cell/` : `layers/${name}/${inside}cell/vars/`;
  const ends = style === "named" ? ["kernel:0", "recurrent_kernel:0", "bias:0"] : ["0", "1", "2"];
  return ends.map((end) => prefix + end) as [string, string, string];
}

/** Columns of gate g: x W, plus a row of a bias. */
function columns(row: readonly number[], weight: Float32Array, units: number, gates: number, gate: number): number[] {
  return numbers(units).map((unit) =>
    row.reduce((sum, value, i) => sum + value * weight[i * gates * units + gate * units + unit]!, 0),
  );
}

/** Outputs of one direction, in the order of time. */
function direction(w: Weights, x: Sequence, layer: number, side: string, options: Required<Options>): Sequence {
  const { kind, units, biased, resetAfter } = options;
  const [gates, names] = [GATES[kind], namesOf(options, layer, side)];
  const kernel = w.get(names[0], x[0]!.length, gates * units);
  const recurrent = w.get(names[1], units, gates * units);
  const two = kind === "gru" && resetAfter;
  const bias = biased ? w.get(names[2], ...(two ? [2, gates * units] : [gates * units])) : undefined;
  const shift = (from: number, gate: number, unit: number): number =>
    bias?.[from * gates * units + gate * units + unit] ?? 0;
  let [state, cell] = [numbers(units).map(() => 0), numbers(units).map(() => 0)];
  const rows = (side === "backward" ? [...x].reverse() : x).map((row) => {
    const i = numbers(gates).map((gate) =>
      columns(row, kernel, units, gates, gate).map((value, u) => value + shift(0, gate, u)),
    );
    const product = (from: readonly number[], gate: number): number[] =>
      columns(from, recurrent, units, gates, gate).map((value, u) => value + (two ? shift(1, gate, u) : 0));
    const h = numbers(gates).map((gate) => product(state, gate));
    const sum = (gate: number, u: number): number => i[gate]![u]! + h[gate]![u]!;
    const before = state;
    if (kind === "simple_rnn") state = before.map((_, u) => Math.tanh(sum(0, u)));
    else if (kind === "lstm") {
      // Gates i, f, c, o.
      cell = cell.map((old, u) => sigmoid(sum(1, u)) * old + sigmoid(sum(0, u)) * Math.tanh(sum(2, u)));
      state = cell.map((value, u) => sigmoid(sum(3, u)) * Math.tanh(value));
    } else {
      // Gates z, r, h.
      const reset = before.map((_, u) => sigmoid(sum(1, u)));
      const own = two
        ? h[2]!.map((value, u) => value * reset[u]!)
        : product(
            before.map((value, u) => value * reset[u]!),
            2,
          );
      state = before.map((old, u) => {
        const z = sigmoid(sum(0, u));
        return z * old + (1 - z) * Math.tanh(i[2]![u]! + own[u]!);
      });
    }
    return state;
  });
  return side === "backward" ? rows.reverse() : rows;
}

function recurrent(w: Weights, x: Sequence, given: Options): Sequence {
  const options: Required<Options> = {
    units: 9,
    layers: 2,
    biased: true,
    resetAfter: true,
    both: "" as const,
    ...given,
  };
  let rows = x;
  for (let layer = 0; layer < options.layers; layer++) {
    const ahead = direction(w, rows, layer, "forward", options);
    const back = options.both === "" ? undefined : direction(w, rows, layer, "backward", options);
    rows = ahead.map((row, t) => {
      if (back === undefined) return row;
      return options.both === "concat" ? [...row, ...back[t]!] : row.map((value, u) => value + back[t]![u]!);
    });
  }
  return rows;
}

const signal = (tokens: readonly number[]): Sequence =>
  tokens.map((token) => numbers(5).map((at) => Math.sin(token * 1.7 + at * 2.3)));

/** Dense layers of these widths behind the last output. */
function dense(w: Weights, rows: Sequence, style: Style, widths: readonly number[]): number[] {
  let values = rows.at(-1)!;
  for (const [at, width] of widths.entries()) {
    const name = numbered("dense", at);
    const names: [string, string] =
      style === "named"
        ? [`${name}/${name}/kernel:0`, `${name}/${name}/bias:0`]
        : [`layers/${name}/vars/0`, `layers/${name}/vars/1`];
    const [out] = linear(w, [values], "", width, { transposed: true, names });
    values = at === widths.length - 1 ? out! : out!.map(relu);
  }
  return values;
}

const onNumbers = (options: Options, widths: readonly number[] = [4]): SequenceNetwork => ({
  family: "recurrent",
  config: {},
  run: (w, tokens) => dense(w, recurrent(w, signal(tokens), options), options.style, widths),
});

const onWords = (options: Options, widths: readonly number[] = [4]): SequenceNetwork => ({
  family: "recurrent",
  config: {},
  run: (w, tokens) => {
    const name = options.style === "named" ? "embedding/embedding/embeddings:0" : "layers/embedding/vars/0";
    return dense(w, recurrent(w, embed(w, tokens, name, VOCABULARY, 7), options), options.style, widths);
  },
});

/** By name. */
export const KERAS_RECURRENT_NETWORKS: Readonly<Record<string, SequenceNetwork>> = {
  "Keras LSTM": onNumbers({ kind: "lstm", style: "named" }),
  "Keras 3 LSTM, words, two dense layers": onWords({ kind: "lstm", style: "numbered" }, [8, 4]),
  "Keras LSTM, bidirectional, words": onWords({ kind: "lstm", style: "named", both: "concat" }),
  "Keras 3 LSTM, directions added": onNumbers({ kind: "lstm", style: "numbered", both: "sum" }),
  "Keras GRU, reset after": onNumbers({ kind: "gru", style: "named" }),
  "Keras 3 GRU, reset before": onNumbers({ kind: "gru", style: "numbered", resetAfter: false }),
  "Keras 3 GRU, bidirectional, words": onWords({ kind: "gru", style: "numbered", both: "concat" }),
  "Keras GRU, no bias": onNumbers({ kind: "gru", style: "named", biased: false, layers: 1 }),
  "Keras SimpleRNN": onNumbers({ kind: "simple_rnn", style: "named", layers: 3 }),
};
