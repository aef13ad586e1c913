/** Operators that give the same elements another shape, or repeat them. */

import { SpecError } from "../../base/errors.ts";
import { joined } from "./elementwise.ts";
import type { Call, GraphValue, Kind } from "./kind.ts";
import { axisOf } from "./normalisation.ts";
import { dividedSize, productSize, type Size } from "./sizes.ts";

/** A result whose shape only the data show. */
function unshaped(call: Call, value: GraphValue): GraphValue[] {
  call.fix(value, "gets a shape that only the data tell");
  return [call.opaque("has a shape that only the data tell")];
}

const reshape: Kind = (call) => {
  const value = call.input(0);
  const target = call.known(1)?.values;
  if (target === undefined) return value.shape === undefined ? [value] : unshaped(call, value);
  // Nothing is known of the value but what it becomes.
  if (value.shape === undefined) {
    const sizes = target.map((size) => (typeof size === "number" && size > 0 ? size : call.unknown()));
    return [call.fixed(sizes, "is made from a value of unknown rank")];
  }
  const zeroIsSize = call.number("allowzero", 0) !== 0;
  const sizes = target.map((size, at) => (size === 0 && !zeroIsSize ? value.shape![at] : size));
  return [call.reshape(value, completed(call, value.shape, sizes))];
};

/** The shape with its −1, or the only size that is not known, made up from the number of elements. */
function completed(call: Call, shape: readonly Size[], target: readonly (Size | undefined)[]): Size[] {
  const open = target.includes(-1) ? -1 : undefined;
  const at = target.indexOf(open);
  if (at < 0) return target as Size[];
  const others = target.filter((size, k) => k !== at && size !== undefined) as Size[];
  const isOnly = target.every((size, k) => k === at || (size !== undefined && size !== -1));
  const rest = isOnly ? dividedSize(productSize(shape), productSize(others)) : undefined;
  return target.map((size, k) => (k === at ? (rest ?? call.unknown()) : (size ?? call.unknown())));
}

const flatten: Kind = (call) => {
  const value = call.input(0);
  const { shape } = value;
  if (shape === undefined) return [value];
  const axis = call.number("axis", 1);
  const from = axis === shape.length ? axis : axisOf(call, axis, shape.length);
  return [call.reshape(value, [productSize(shape.slice(0, from)), productSize(shape.slice(from))])];
};

/** Axes from the second input or the attribute; undefined where only the data show. */
function axesOf(call: Call): readonly number[] | undefined | "none" {
  if (call.inputs[1] === undefined) return call.numbers("axes") ?? "none";
  const known = call.known(1)?.values;
  return known?.every((axis) => typeof axis === "number") ? (known as number[]) : undefined;
}

const squeeze: Kind = (call) => {
  const value = call.input(0);
  const { shape } = value;
  const axes = axesOf(call);
  if (shape === undefined) return [value];
  if (axes === undefined) return unshaped(call, value);
  if (axes === "none") {
    if (shape.some((size) => typeof size === "string")) return unshaped(call, value);
    return [
      call.reshape(
        value,
        shape.filter((size) => size !== 1),
      ),
    ];
  }
  const gone = axes.map((axis) => axisOf(call, axis, shape.length));
  const odd = gone.filter((axis) => shape[axis] !== 1);
  // A size that is not known is 1 here, or the network would not run.
  if (odd.some((axis) => typeof shape[axis] === "number"))
    throw new SpecError(`${call.operator.name} squeezes an axis of ${shape[odd[0]!]}, expected a size of 1`);
  const still = odd.reduce((current, axis) => call.take(current, axis, [0]), value);
  return [
    call.reshape(
      still,
      shape.filter((_, at) => !gone.includes(at)),
    ),
  ];
};

const unsqueeze: Kind = (call) => {
  const value = call.input(0);
  const { shape } = value;
  const axes = axesOf(call);
  if (shape === undefined) return [value];
  if (axes === undefined || axes === "none") return unshaped(call, value);
  const rank = shape.length + axes.length;
  const added = axes.map((axis) => axisOf(call, axis, rank));
  const rest = [...shape];
  return [
    call.reshape(
      value,
      Array.from({ length: rank }, (_, at) => (added.includes(at) ? 1 : (rest.shift() ?? 1))),
    ),
  ];
};

const transpose: Kind = (call) => {
  const value = call.input(0);
  if (value.shape === undefined) return [value];
  return [call.transpose(value, call.numbers("perm") ?? value.shape.map((_, at) => value.shape!.length - 1 - at))];
};

/** Broadcast to a shape: positions that are repeated are all alike. */
const expand: Kind = (call) => {
  const value = call.input(0);
  const target = call.known(1)?.values;
  if (value.shape === undefined) return [value];
  if (target === undefined) return unshaped(call, value);
  const offset = value.shape.length - target.length;
  const shape = target.map((size, at): Size => {
    const own = value.shape![at + offset];
    // −1 is PyTorch's "as it is"; a size that is not known leaves one that is.
    return size === undefined || size === -1 ? (own !== undefined && own !== 1 ? own : call.unknown()) : size;
  });
  return [joined(call, [value, call.uniform(shape)])];
};

/** Each axis repeated as a whole. */
const tile: Kind = (call) => {
  const value = call.input(0);
  const repeats = call.known(1)?.values;
  if (value.shape === undefined) return [value];
  if (repeats === undefined || repeats.length !== value.shape.length) return unshaped(call, value);
  return [repeats.reduce((current: GraphValue, times, axis) => repeated(call, current, axis, times), value)];
};

function repeated(call: Call, value: GraphValue, axis: number, times: Size | undefined): GraphValue {
  const shape = value.shape!;
  const size = shape[axis]!;
  if (times === 1) return value;
  if (size === 1) return joined(call, [value, call.uniform(shape.with(axis, times ?? call.unknown()))]);
  const cut = call.reshape(value, [...shape.slice(0, axis), 1, ...shape.slice(axis)]);
  const many = joined(call, [
    cut,
    call.uniform(cut.shape!.with(axis, times ?? call.unknown()).map((each, at) => (at === axis ? each : 1))),
  ]);
  const whole = typeof times === "number" ? productSize([times, size]) : call.unknown();
  // Copies keep their order: the same unit is at one place of every copy.
  call.fix(many, "are copies in order", [axis]);
  return call.reshape(ordered(call, many, axis), shape.with(axis, whole));
}

/** The value with an axis whose positions keep their order. */
function ordered(call: Call, value: GraphValue, axis: number): GraphValue {
  const labels = value.shape!.map((_, at) => `a${at}`);
  return call.relate({
    operands: [
      { value, labels },
      { value: call.fixed([value.shape![axis]!], "copies keep their order"), labels: [labels[axis]!] },
    ],
    outputs: [labels],
  })[0]!;
}

/** The same value, of which the importer knows how many axes it has. */
const ranked: Kind = (call) => [call.ranked(call.input(0), call.number("rank", 0))];

/** One entry for each kind. */
export const SHAPES: readonly [string, Kind][] = [
  ["rebasin.Ranked", ranked],
  ["Reshape", reshape],
  ["Flatten", flatten],
  ["Squeeze", squeeze],
  ["Unsqueeze", unsqueeze],
  ["Transpose", transpose],
  ["Expand", expand],
  ["Tile", tile],
];
