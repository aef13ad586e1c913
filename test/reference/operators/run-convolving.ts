/** Convolutions, pools and recurrences. */

import { at, build, type NdArray, ndArray, positions } from "./arrays.ts";
import type { Attributes, Run } from "./run-graph.ts";

interface Slide {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
}

const slideOf = (attributes: Attributes, rank: number): Slide => ({
  strides: attributes.numbers("strides") ?? Array(rank).fill(1),
  pads: attributes.numbers("pads") ?? Array(2 * rank).fill(0),
});

const slid = (sizes: readonly number[], windows: readonly number[], { strides, pads }: Slide): number[] =>
  sizes.map((size, k) => Math.floor((size + pads[k]! + pads[k + sizes.length]! - windows[k]!) / strides[k]!) + 1);

const isInside = (place: readonly number[], sizes: readonly number[]): boolean =>
  place.every((each, k) => each >= 0 && each < sizes[k]!);

const conv: Run = ([x, w, bias], attributes) => {
  const [, , ...sizes] = x!.shape;
  const [out, channels, ...windows] = w!.shape as [number, number, ...number[]];
  const slide = slideOf(attributes, sizes.length);
  const each = out / attributes.number("group", 1);
  return [
    build([x!.shape[0]!, out, ...slid(sizes, windows, slide)], ([n, o, ...place]) => {
      let sum = bias === undefined ? 0 : bias.data[o!]!;
      for (let c = 0; c < channels; c++)
        for (const offset of positions(windows)) {
          const from = offset.map((k, axis) => place[axis]! * slide.strides[axis]! + k - slide.pads[axis]!);
          if (isInside(from, sizes))
            sum += at(w!, [o!, c, ...offset]) * at(x!, [n!, Math.floor(o! / each) * channels + c, ...from]);
        }
      return sum;
    }),
  ];
};

/** Each input adds its window to the output. No padding. */
const convTranspose: Run = ([x, w, bias], attributes) => {
  const [batch, channels, ...sizes] = x!.shape as [number, number, ...number[]];
  const [, part, ...windows] = w!.shape as [number, number, ...number[]];
  const group = attributes.number("group", 1);
  const { strides } = slideOf(attributes, sizes.length);
  const each = channels / group;
  const whole = sizes.map((size, k) => (size - 1) * strides[k]! + windows[k]!);
  return [
    build([batch, part * group, ...whole], ([n, o, ...place]) => {
      let sum = bias === undefined ? 0 : bias.data[o!]!;
      const g = Math.floor(o! / part);
      for (let c = g * each; c < (g + 1) * each; c++)
        for (const from of positions(sizes)) {
          const offset = place.map((p, k) => p - from[k]! * strides[k]!);
          if (isInside(offset, windows)) sum += at(x!, [n!, c, ...from]) * at(w!, [c, o! % part, ...offset]);
        }
      return sum;
    }),
  ];
};

const pool =
  (rule: (values: readonly number[]) => number): Run =>
  ([x], attributes) => {
    const [, , ...sizes] = x!.shape;
    const windows = attributes.numbers("kernel_shape")!;
    const slide = slideOf(attributes, sizes.length);
    return [
      build([...x!.shape.slice(0, 2), ...slid(sizes, windows, slide)], ([n, c, ...place]) => {
        const values: number[] = [];
        for (const offset of positions(windows)) {
          const from = offset.map((k, axis) => place[axis]! * slide.strides[axis]! + k - slide.pads[axis]!);
          if (isInside(from, sizes)) values.push(at(x!, [n!, c!, ...from]));
        }
        return rule(values);
      }),
    ];
  };

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The sums of gate `g`, unit `h`: of the input, of the state, biases with the input's or the state's. */
interface Sums {
  readonly input: number;
  readonly state: number;
}

type Cell = (gates: readonly Sums[], hidden: number, cell: number) => readonly [number, number];

const lstm: Cell = ([i, o, f, c], _, before) => {
  const all = ({ input, state }: Sums): number => input + state;
  const cell = sigmoid(all(f!)) * before + sigmoid(all(i!)) * Math.tanh(all(c!));
  return [sigmoid(all(o!)) * Math.tanh(cell), cell];
};

/** linear_before_reset 1, as PyTorch computes it. */
const gru: Cell = ([z, r, h], hidden) => {
  const update = sigmoid(z!.input + z!.state);
  const fresh = Math.tanh(h!.input + sigmoid(r!.input + r!.state) * h!.state);
  return [(1 - update) * fresh + update * hidden, 0];
};

const rnn: Cell = ([h]) => [Math.tanh(h!.input + h!.state), 0];

const recurrent =
  (gates: number, cell: Cell): Run =>
  ([x, w, r, bias]) => {
    const [steps, batch, inputs] = x!.shape as [number, number, number];
    const [directions, , hidden] = r!.shape as [number, number, number];
    const y = new Map<string, number>();
    const last: number[] = [];
    for (let d = 0; d < directions; d++)
      for (let n = 0; n < batch; n++) {
        let [state, cells] = [new Float64Array(hidden), new Float64Array(hidden)];
        for (let k = 0; k < steps; k++) {
          const t = d === 0 ? k : steps - 1 - k;
          const [next, nextCells] = [new Float64Array(hidden), new Float64Array(hidden)];
          for (let h = 0; h < hidden; h++) {
            const sums = Array.from({ length: gates }, (_, g): Sums => {
              const row = g * hidden + h;
              let input = bias === undefined ? 0 : at(bias, [d, row]);
              let own = bias === undefined ? 0 : at(bias, [d, gates * hidden + row]);
              for (let i = 0; i < inputs; i++) input += at(w!, [d, row, i]) * at(x!, [t, n, i]);
              for (let j = 0; j < hidden; j++) own += at(r!, [d, row, j]) * state[j]!;
              return { input, state: own };
            });
            [next[h], nextCells[h]] = cell(sums, state[h]!, cells[h]!);
            y.set([t, d, n, h].join(), next[h]!);
          }
          [state, cells] = [next, nextCells];
        }
        last.push(...state);
      }
    const whole = build([steps, directions, batch, hidden], (position) => y.get(position.join())!);
    const state: NdArray = ndArray([directions, batch, hidden], last);
    return [whole, state, state];
  };

/** One entry for each kind. */
export const CONVOLVING: readonly [string, Run][] = [
  ["Conv", conv],
  ["ConvTranspose", convTranspose],
  ["MaxPool", pool((values) => Math.max(...values))],
  ["AveragePool", pool((values) => values.reduce((sum, x) => sum + x, 0) / values.length)],
  ["LSTM", recurrent(4, lstm)],
  ["GRU", recurrent(3, gru)],
  ["RNN", recurrent(1, rnn)],
];
