/** Operators that make values from shapes and numbers alone. */

import type { Call, Kind } from "./kind.ts";
import type { Size } from "./sizes.ts";

const shapeOf: Kind = (call) => [call.fixed([call.input(0).shape?.length ?? call.unknown()], "is a shape")];

const size: Kind = (call) => [call.fixed([], "is a number of elements")];

/** The known shape of input 0, or fresh sizes. */
function shapeFrom(call: Call): Size[] | undefined {
  return call.known(0)?.values.map((each) => each ?? call.unknown());
}

const constantOfShape: Kind = (call) => {
  const shape = shapeFrom(call);
  return [shape === undefined ? call.opaque("has a shape that only the data tell") : call.uniform(shape)];
};

const range: Kind = (call) => {
  const [start, end, step] = [0, 1, 2].map((at) => call.known(at)?.values[0]);
  const numbers = typeof start === "number" && typeof end === "number" && typeof step === "number" && step !== 0;
  const count = numbers ? Math.max(0, Math.ceil((end - start) / step)) : start === 0 && step === 1 ? end : undefined;
  return [call.fixed([count ?? call.unknown()], "counts")];
};

const eyeLike: Kind = (call) => [
  call.fixed(call.input(0).shape ?? [call.unknown(), call.unknown()], "is a unit matrix"),
];

const nonZero: Kind = (call) => {
  const value = call.input(0);
  call.fix(value, "NonZero answers with positions");
  return [call.fixed([value.shape?.length ?? call.unknown(), call.unknown()], "are positions")];
};

const oneHot: Kind = (call) => {
  const value = call.input(0);
  call.fix(value, "OneHot reads classes by number");
  if (value.shape === undefined) return [value];
  const axis = call.number("axis", -1);
  const rank = value.shape.length + 1;
  const [depth] = call.known(1)?.values ?? [];
  return [
    call.fixed(
      value.shape.toSpliced(axis < 0 ? axis + rank : axis, 0, depth ?? call.unknown()),
      "are classes by number",
    ),
  ];
};

/** One entry for each kind. */
export const SOURCES: readonly [string, Kind][] = [
  ["Shape", shapeOf],
  ["Size", size],
  ["ConstantOfShape", constantOfShape],
  ["Range", range],
  ["EyeLike", eyeLike],
  ["NonZero", nonZero],
  ["OneHot", oneHot],
];
