/** Convolutions, pools and recurrences. */

import { at, build, type NdArray, positions } from "./arrays.ts";
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

/** With ONNX' usual numbers. */
const hardSigmoid = (x: number): number => Math.min(1, Math.max(0, 0.2 * x + 0.5));

/** The sums of gate `g`, unit `h`: of the input, of the state, biases with the input's or the state's. */
interface Sums {
  readonly input: number;
  readonly state: number;
}

/** What a cell sees of a step: the sums of a gate's unit with the state before, or with another. */
interface Step {
  readonly state: Float64Array;
  readonly cells: Float64Array;
  readonly resetsBefore: boolean;
  readonly gate: (x: number) => number;
  sums(gate: number, unit: number, state?: Float64Array): Sums;
}

/** The next state of a unit, and what is in its cell. */
type Cell = (step: Step, unit: number) => readonly [state: number, cell: number];

const total = ({ input, state }: Sums): number => input + state;

const lstm: Cell = ({ sums, cells, gate: open }, unit) => {
  const [i, o, f, c] = [0, 1, 2, 3].map((gate) => total(sums(gate, unit)));
  const cell = open(f!) * cells[unit]! + open(i!) * Math.tanh(c!);
  return [open(o!) * Math.tanh(cell), cell];
};

/** `linear_before_reset` 1 resets the product, as PyTorch does; 0 the state. */
const gru: Cell = ({ sums, state, resetsBefore, gate }, unit) => {
  const update = gate(total(sums(0, unit)));
  const reset = state.map((_, each) => gate(total(sums(1, each))));
  const own = sums(2, unit);
  const fresh = resetsBefore
    ? total(
        sums(
          2,
          unit,
          state.map((each, at) => each * reset[at]!),
        ),
      )
    : own.input + reset[unit]! * own.state;
  return [(1 - update) * Math.tanh(fresh) + update * state[unit]!, 0];
};

const rnn: Cell = ({ sums }, unit) => [Math.tanh(total(sums(0, unit))), 0];

const recurrent =
  (gates: number, cell: Cell): Run =>
  ([x, w, r, bias], attributes) => {
    const batchFirst = attributes.number("layout", 0) === 1;
    const [steps, batch, inputs] = (batchFirst ? [x!.shape[1], x!.shape[0], x!.shape[2]] : x!.shape) as number[];
    const [directions, , hidden] = r!.shape as [number, number, number];
    const backwards = attributes.text("direction", "forward") === "reverse";
    const resetsBefore = attributes.number("linear_before_reset", 0) === 0;
    const gate = attributes.texts("activations")?.[0] === "HardSigmoid" ? hardSigmoid : sigmoid;
    const y = new Map<string, number>();
    const ends = new Map<string, readonly [state: number, cell: number]>();
    for (let d = 0; d < directions; d++)
      for (let n = 0; n < batch!; n++) {
        let [state, cells] = [new Float64Array(hidden), new Float64Array(hidden)];
        for (let k = 0; k < steps!; k++) {
          const t = d === 1 || backwards ? steps! - 1 - k : k;
          const sums = (gate: number, unit: number, from = state): Sums => {
            const row = gate * hidden + unit;
            let input = bias === undefined ? 0 : at(bias, [d, row]);
            let own = bias === undefined ? 0 : at(bias, [d, gates * hidden + row]);
            for (let i = 0; i < inputs!; i++) input += at(w!, [d, row, i]) * at(x!, batchFirst ? [n, t, i] : [t, n, i]);
            for (let j = 0; j < hidden; j++) own += at(r!, [d, row, j]) * from[j]!;
            return { input, state: own };
          };
          const next = Array.from(state, (_, unit) => cell({ state, cells, resetsBefore, gate, sums }, unit));
          state = Float64Array.from(next, ([own]) => own);
          cells = Float64Array.from(next, ([, own]) => own);
          for (const [h, own] of state.entries()) y.set([t, d, n, h].join(), own);
        }
        for (const [h, own] of state.entries()) ends.set([d, n, h].join(), [own, cells[h]!]);
      }
    const end = (which: 0 | 1): NdArray =>
      batchFirst
        ? build([batch!, directions, hidden], ([n, d, h]) => ends.get([d, n, h].join())![which])
        : build([directions, batch!, hidden], (position) => ends.get(position.join())![which]);
    const whole = batchFirst
      ? build([batch!, steps!, directions, hidden], ([n, t, d, h]) => y.get([t, d, n, h].join())!)
      : build([steps!, directions, batch!, hidden], (position) => y.get(position.join())!);
    return [whole, end(0), end(1)];
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
