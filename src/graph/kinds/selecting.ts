/** Operators that take positions from axes and put values side by side. */

import { SpecError } from "../../base/errors.ts";
import type { Call, GraphValue, Kind } from "./kind.ts";
import { axisOf } from "./normalisation.ts";
import { withShape } from "./pooling.ts";
import type { Size } from "./sizes.ts";

/** Longer axes are no axis of units. */
const MOST_POSITIONS = 2 ** 22;

function elements(call: Call, at: number): readonly (Size | undefined)[] | undefined {
  return call.inputs[at] === undefined ? undefined : call.known(at)?.values;
}

const concat: Kind = (call) => {
  const values = call.inputs.filter((value) => value !== undefined);
  const ranked = values.find(({ shape }) => shape !== undefined);
  return [call.concat(values, ranked === undefined ? 0 : axisOf(call, call.number("axis", 0), ranked.shape!.length))];
};

/** Data, starts, ends, axes, steps. */
const slice: Kind = (call) => {
  const value = call.input(0);
  if (value.shape === undefined) return [value];
  const rank = value.shape.length;
  const [starts, ends, axes, steps] = [1, 2, 3, 4].map((at) => elements(call, at)) as (
    | readonly (Size | undefined)[]
    | undefined
  )[];
  const count = starts?.length ?? call.inputs[1]?.shape?.[0];
  const given =
    call.inputs[3] === undefined ? (typeof count === "number" ? [...Array(count).keys()] : undefined) : axes;
  if (given === undefined || given.some((axis) => typeof axis !== "number")) {
    call.fix(value, "is sliced on axes that only the data tell");
    return [call.opaque("is sliced on axes that only the data tell")];
  }
  return [
    given.reduce((current: GraphValue, axis, k) => {
      const at = axisOf(call, axis as number, rank);
      return sliced(call, current, at, starts?.[k], ends?.[k], call.inputs[4] === undefined ? 1 : steps?.[k]);
    }, value),
  ];
};

function sliced(
  call: Call,
  value: GraphValue,
  axis: number,
  start: Size | undefined,
  end: Size | undefined,
  step: Size | undefined,
): GraphValue {
  const size = value.shape![axis]!;
  const whole = start === 0 && step === 1 && (end === size || (typeof end === "number" && end >= 2 ** 31 - 1));
  if (whole) return value;
  if (
    typeof size !== "number" ||
    typeof start !== "number" ||
    typeof end !== "number" ||
    typeof step !== "number" ||
    step === 0 ||
    size > MOST_POSITIONS
  )
    return withShape(
      call,
      value,
      value.shape!.with(axis, call.unknown()),
      "is sliced at positions that only the data tell",
    );
  return call.take(value, axis, slicePositions(size, start, end, step));
}

/** Positions of a slice, as numpy counts them. */
export function slicePositions(size: number, start: number, end: number, step: number): number[] {
  const clamp = (at: number): number => {
    const own = at < 0 ? at + size : at;
    return step > 0 ? Math.min(Math.max(own, 0), size) : Math.min(Math.max(own, -1), size - 1);
  };
  const positions: number[] = [];
  const last = clamp(end);
  for (let at = clamp(start); step > 0 ? at < last : at > last; at += step) positions.push(at);
  return positions;
}

/** Sizes from the second input, or equal parts, of which the last may be smaller. */
const split: Kind = (call) => {
  const value = call.input(0);
  const outputs = call.operator.outputs.length;
  if (value.shape === undefined) return call.operator.outputs.map(() => value);
  const axis = axisOf(call, call.number("axis", 0), value.shape.length);
  const size = value.shape[axis]!;
  const parts = elements(call, 1) ?? (call.inputs[1] === undefined ? call.numbers("split") : undefined);
  const even =
    typeof size === "number" && call.inputs[1] === undefined
      ? equalParts(size, Math.min(outputs, call.number("num_outputs", outputs)))
      : undefined;
  const sizes = parts ?? even;
  if (
    typeof size !== "number" ||
    size > MOST_POSITIONS ||
    sizes === undefined ||
    sizes.some((each) => typeof each !== "number")
  )
    return call.operator.outputs.map((_, at) =>
      withShape(
        call,
        value,
        value.shape!.with(axis, sizes?.[at] ?? call.unknown()),
        "is split at positions that only the data tell",
      ),
    );
  let from = 0;
  return call.operator.outputs.map((_, at) => {
    const until = from + ((sizes[at] as number | undefined) ?? 0);
    if (until > size)
      throw new SpecError(`${call.operator.name} splits ${until} of an axis of ${size}, expected no more`);
    const positions = Array.from({ length: until - from }, (_, k) => from + k);
    from = until;
    return call.take(value, axis, positions);
  });
};

function equalParts(size: number, count: number): number[] {
  const most = Math.ceil(size / Math.max(1, count));
  return Array.from({ length: count }, (_, at) => Math.max(0, Math.min(most, size - at * most)));
}

/** Rows by number. Numbers that are known choose units; numbers that only the data show need the rows in order. */
const gather: Kind = (call) => {
  const [value, indices] = [call.input(0), call.input(1)];
  if (value.shape === undefined || indices.shape === undefined)
    return choose(call, "is gathered by a value of unknown rank");
  const { shape } = value;
  const axis = axisOf(call, call.number("axis", 0), shape.length);
  const size = shape[axis]!;
  const known = call.known(1);
  if (
    known?.values.every((each) => typeof each === "number") &&
    (typeof size === "number" || known.shape.length === 0)
  ) {
    const positions = (known.values as number[]).map((at) => (at < 0 && typeof size === "number" ? at + size : at));
    if (typeof size !== "number") return [call.reshape(call.take(value, axis, [0]), shape.toSpliced(axis, 1))];
    if (known.shape.length === 0) return [call.take(value, axis, positions[0]!)];
    const taken = call.take(value, axis, positions);
    return [call.reshape(taken, shape.toSpliced(axis, 1, ...known.shape))];
  }
  call.fix(value, "is gathered by numbers that the data tell", [axis]);
  const data = shape.map((_, at) => `d${at}`);
  const rows = indices.shape.map((_, at) => `i${at}`);
  const dropped = call.relate({ operands: [{ value, labels: data }], outputs: [data.toSpliced(axis, 1)] })[0]!;
  return call.relate({
    operands: [
      { value: dropped, labels: data.toSpliced(axis, 1) },
      { value: indices, labels: rows },
    ],
    outputs: [data.toSpliced(axis, 1, ...rows)],
  });
};

function choose(call: Call, reason: string): GraphValue[] {
  for (const value of call.inputs) if (value !== undefined) call.fix(value, reason);
  return [call.opaque(reason)];
}

/** Positions added before and after axes; a constant adds new units. */
const pad: Kind = (call) => {
  const value = call.input(0);
  if (value.shape === undefined) return [value];
  const rank = value.shape.length;
  const pads = elements(call, 1) ?? (call.inputs[1] === undefined ? call.numbers("pads") : undefined);
  const given = call.inputs[3] === undefined ? [...Array(rank).keys()] : elements(call, 3);
  if (given === undefined || pads === undefined || given.some((axis) => typeof axis !== "number")) {
    call.fix(value, "is padded by numbers that the data tell");
    return [
      call.fixed(
        value.shape.map(() => call.unknown()),
        "is padded by numbers that the data tell",
      ),
    ];
  }
  const plain = call.text("mode", "constant") === "constant";
  return [
    given.reduce((current: GraphValue, axis, k) => {
      const at = axisOf(call, axis as number, rank);
      return padded(call, current, at, pads[k], pads[k + given.length], plain);
    }, value),
  ];
};

function padded(
  call: Call,
  value: GraphValue,
  axis: number,
  before: Size | undefined,
  after: Size | undefined,
  plain: boolean,
): GraphValue {
  const shape = value.shape!;
  const size = shape[axis]!;
  if (before === 0 && after === 0) return value;
  if (typeof before !== "number" || typeof after !== "number" || typeof size !== "number" || size > MOST_POSITIONS)
    return withShape(call, value, shape.with(axis, call.unknown()), "is padded to a size that only the data tell");
  if (!plain) return withShape(call, value, shape.with(axis, size + before + after), "is padded with its own elements");
  const kept = Array.from(
    { length: size + Math.min(0, before) + Math.min(0, after) },
    (_, at) => at + Math.max(0, -before),
  );
  const parts = [Math.max(0, before), Math.max(0, after)].map((count) => call.uniform(shape.with(axis, count)));
  const inner = call.take(value, axis, kept);
  return call.concat(
    [parts[0]!, inner, parts[1]!].filter((part) => part.shape![axis] !== 0),
    axis,
  );
}

/** Elements are placed by numbers: axes that all inputs have and that no number chooses are beyond what is followed. */
const byNumbers: Kind = (call) => {
  const value = call.input(0);
  for (const each of call.inputs)
    if (each !== undefined) call.fix(each, `${call.operator.kind} places elements by number`);
  const shape = call.operator.kind.startsWith("Gather") ? call.inputs[1]?.shape : value.shape;
  if (shape === undefined || call.operator.kind === "GatherND") return [call.opaque("is placed by number")];
  return [call.fixed(shape, "is placed by number")];
};

/** Slices by places of some axes, the first ones; the axes behind them are as they were. */
const gatherND: Kind = (call) => {
  const [value, indices] = [call.input(0), call.input(1)];
  const depth = indices.shape?.at(-1);
  if (
    value.shape === undefined ||
    typeof depth !== "number" ||
    depth > value.shape.length ||
    call.number("batch_dims", 0) !== 0
  )
    return byNumbers(call);
  const [data, rows] = [value.shape.map((_, at) => `d${at}`), indices.shape!.map((_, at) => `i${at}`)];
  const chosen = data.slice(0, depth).map((_, at) => at);
  call.fix(value, "is gathered by numbers that the data tell", chosen);
  call.fix(indices, "are places by number", [rows.length - 1]);
  const rest = call.relate({ operands: [{ value, labels: data }], outputs: [data.slice(depth)] })[0]!;
  const places = call.relate({ operands: [{ value: indices, labels: rows }], outputs: [rows.slice(0, -1)] })[0]!;
  const operands = [
    { value: rest, labels: data.slice(depth) },
    { value: places, labels: rows.slice(0, -1) },
  ];
  return call.relate({ operands, outputs: [[...rows.slice(0, -1), ...data.slice(depth)]] });
};

/** Elements above or below the diagonal of the last two axes. */
const trilu: Kind = (call) => {
  const value = call.input(0);
  const rank = value.shape?.length ?? 0;
  if (rank >= 2) call.fix(value, "Trilu reads the order of rows and columns", [rank - 2, rank - 1]);
  return [value];
};

/** One entry for each kind. */
export const SELECTIONS: readonly [string, Kind][] = [
  ["Concat", concat],
  ["Slice", slice],
  ["Split", split],
  ["Gather", gather],
  ["Pad", pad],
  ["GatherElements", byNumbers],
  ["GatherND", gatherND],
  ["ScatterElements", byNumbers],
  ["ScatterND", byNumbers],
  ["Scatter", byNumbers],
  ["Trilu", trilu],
];
