/** Positions taken from an axis, and values put side by side. */

import { SpecError } from "../base/errors.ts";
import type { Size } from "../graph/kinds/sizes.ts";
import {
  type AxisValue,
  axisValue,
  type BundleDigit,
  bundleDigits,
  type Digit,
  fixedAxis,
  fixedDigit,
  isBundled,
  opaqueValue,
  project,
} from "./axis-values.ts";
import { dropAxes, fixAxes, fixDigits, jointUnits, materialise } from "./move-axes.ts";
import { relateValues } from "./relate.ts";
import type { Units } from "./units.ts";

/** These positions of axis `at`; a number drops the axis. */
export function takeFrom(
  units: Units,
  value: AxisValue,
  at: number,
  positions: readonly number[] | number,
  operator: string,
): AxisValue {
  if (value.axes === undefined) return value;
  const list = typeof positions === "number" ? [positions] : positions;
  const size = value.shape![at]!;
  if (typeof size === "number" && list.some((position) => !(position >= 0 && position < size)))
    throw new SpecError(`${operator} takes position ${list.find((p) => !(p >= 0 && p < size))} of an axis of ${size}`);
  if (typeof positions !== "number" && list.length === size && list.every((position, i) => position === i))
    return value;
  const whole = materialise(units, value, at, units.cause(operator, "takes positions of it"));
  const [digit] = whole.axes![at]!;
  const others = whole.axes!.map((axis, k) => (k === at ? [] : axis));
  let axes: readonly (readonly Digit[])[];
  if (digit === undefined || !isBundled(digit)) axes = others.with(at, fixedAxis(list.length, digit?.cause ?? -1));
  else axes = takeUnits(units, whole.axes!, at, digit, list, operator);
  return axisValue(typeof positions === "number" ? axes.toSpliced(at, 1) : axes);
}

/** The axes with these positions of a digit that is axis `at`. */
function takeUnits(
  units: Units,
  axes: readonly (readonly Digit[])[],
  at: number,
  digit: BundleDigit,
  list: readonly number[],
  operator: string,
): readonly (readonly Digit[])[] {
  const others = axes
    .flat()
    .filter((each): each is BundleDigit => isBundled(each) && each.bundle === digit.bundle && each !== digit);
  const rest = others.reduce((product, { size }) => product * size, 1);
  const all = project(units, digit.bundle, [digit, ...others]);
  const picked = new Int32Array(list.length * rest);
  for (const [to, from] of list.entries()) picked.set(all.subarray(from * rest, (from + 1) * rest), to * rest);
  if (picked.length === 1) {
    units.fix(picked, units.cause(operator, "takes this position"));
    return axes.with(at, []);
  }
  const [own, ...companions] = bundleDigits(distinct(units, picked, list, rest), [
    list.length,
    ...others.map(({ size }) => size),
  ]);
  const replaced = (each: Digit): Digit => companions[others.indexOf(each as BundleDigit)] ?? each;
  return axes.map((axis, k) => (k === at ? (list.length === 1 ? [] : [own!]) : axis.map(replaced)));
}

/** A set of these units; those that are taken more than once become copies that move with them. */
function distinct(units: Units, picked: Int32Array, list: readonly number[], rest: number): Int32Array {
  const times = new Map<number, number>();
  const occurrence = list.map((position) => {
    const before = times.get(position) ?? 0;
    times.set(position, before + 1);
    return before;
  });
  if (times.size === list.length) return units.set(picked);
  const copies = units.fresh(picked.length);
  for (let number = 0; occurrence.includes(number); number++) {
    const slots = occurrence.flatMap((each, to) => (each === number ? [to] : []));
    const of = (all: Int32Array): Int32Array =>
      Int32Array.from(slots.flatMap((to) => [...all.subarray(to * rest, (to + 1) * rest)]));
    units.relate(units.set(of(copies)), of(picked));
  }
  return copies;
}

/**
 * Values side by side on axis `at`. Their other axes meet, except where single slices are stacked: these keep their
 * own.
 */
export function concatValues(units: Units, values: readonly AxisValue[], at: number, operator: string): AxisValue {
  const rank = values[0]?.axes?.length;
  if (rank === undefined || values.some(({ axes }) => axes?.length !== rank)) {
    for (const value of values) fixAxes(units, value, units.cause(operator, "joins values of unknown rank"));
    return opaqueValue(units.cause(operator, "joins values of unknown rank"));
  }
  const stacked = values.every(({ shape }) => shape![at] === 1) && values.length > 1 && values.length <= 64;
  if (!stacked) meetAround(units, values, at, operator);
  const size = totalSize(values.map(({ shape }) => shape![at]!));
  const movable = values.some(({ axes }) => axes![at]!.some(isBundled)) || (stacked && differ(values));
  if (typeof size === "string" || !movable) {
    const cause = units.cause(operator, typeof size === "string" ? "joins axes of unknown size" : "joins these axes");
    for (const { axes } of values) fixDigits(units, axes![at]!, cause);
    return unmoved(units, values, at, size, operator, cause);
  }
  return joinUnits(units, values, at, size, operator);
}

function totalSize(sizes: readonly Size[]): Size {
  let total = 0;
  for (const size of sizes) {
    if (typeof size === "string") return size;
    total += size;
  }
  return total;
}

/** All axes but `at` meet as in a sum; returns the sum's. */
function meetAround(units: Units, values: readonly AxisValue[], at: number, operator: string): AxisValue {
  const labels = values[0]!.axes!.map((_, axis) => `a${axis}`);
  const operands = values.map((value) => ({ value: dropAxes(units, value, [at]), labels }));
  return relateValues(units, operator, { operands, outputs: [labels] })[0]!;
}

/** True where the values' units are not the same ones. */
function differ(values: readonly AxisValue[]): boolean {
  const units = values.map(({ axes }) =>
    axes!
      .flat()
      .filter(isBundled)
      .map(({ bundle }) => bundle.units),
  );
  return units.some((list) => list.length !== units[0]!.length || list.some((each, k) => each !== units[0]![k]));
}

/** Nothing moves on axis `at`. */
function unmoved(
  units: Units,
  values: readonly AxisValue[],
  at: number,
  size: Size,
  operator: string,
  cause: number,
): AxisValue {
  const around = meetAround(units, values, at, operator);
  const alike = values.every(({ axes }) => axes![at]!.every((digit) => digit.cause < 0 && !isBundled(digit)));
  const known = values.flatMap(({ axes }) => axes![at]!).find((digit) => digit.cause >= 0)?.cause;
  // Side by side, values that are alike in themselves are not alike together.
  const single = values.length === 1 && alike;
  return axisValue(around.axes!.with(at, fixedAxis(size, single ? -1 : (known ?? cause))));
}

/** Axis `at` as copies of the values' units, together with all digits that are numbered with it in some value. */
function joinUnits(units: Units, values: readonly AxisValue[], at: number, size: number, operator: string): AxisValue {
  const cause = units.cause(operator, "joins axes that are numbered together with others");
  const around = companionAxes(values, at);
  const sizes = around.map((axis) => values.map(({ shape }) => shape![axis]!).find((each) => each !== 1) ?? 1);
  const parts = values.map((value) => partUnits(units, value, at, around, sizes, cause));
  if (parts.some((part) => part === undefined)) {
    for (const value of values) fixAxes(units, value, cause, [at, ...around]);
    return unmoved(units, values, at, size, operator, cause);
  }
  const copies = units.fresh(size * (sizes as number[]).reduce((product, each) => product * each, 1));
  let from = 0;
  for (const part of parts) {
    const own = units.set(copies.slice(from, from + part!.length));
    units.relate(own, part!);
    for (let k = 0; k < own.length; k++) {
      const fixed = units.causeOf(part![k]!);
      if (fixed >= 0) units.fix(own.subarray(k, k + 1), fixed);
    }
    from += part!.length;
  }
  const rest = meetAround(
    units,
    values.map((value) => dropAxes(units, value, [at, ...around])),
    at,
    operator,
  );
  const digits = bundleDigits(
    copies,
    [size, ...(sizes as number[])].filter((each) => each > 1),
  );
  let next = size > 1 ? 1 : 0;
  const own = new Map(around.map((axis, k) => [axis, sizes[k]! === 1 ? [] : [digits[next++]!]]));
  own.set(at, size > 1 ? [digits[0]!] : []);
  return axisValue(rest.axes!.map((axis, k) => own.get(k) ?? axis));
}

/** Axes that are numbered together with axis `at` in some value; of stacked slices, all that units move. */
function companionAxes(values: readonly AxisValue[], at: number): number[] {
  const found = new Set<number>();
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { axes, shape } of values) {
      const bundles = new Set(
        [at, ...found].flatMap((axis) => axes![axis]!.filter(isBundled).map(({ bundle }) => bundle)),
      );
      for (const [axis, digits] of axes!.entries()) {
        if (axis === at || found.has(axis)) continue;
        const movable = digits.some(isBundled);
        if (
          (shape![at] === 1 && movable && values.every((value) => value.shape![at] === 1)) ||
          digits.some((digit) => isBundled(digit) && bundles.has(digit.bundle))
        )
          found.add(axis);
      }
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** The units of one value by axis `at` and the axes `around`, row-major. */
function partUnits(
  units: Units,
  value: AxisValue,
  at: number,
  around: readonly number[],
  sizes: readonly Size[],
  cause: number,
): Int32Array | undefined {
  const axes = value.axes!;
  const digits = [at, ...around].flatMap((axis, k): readonly Digit[] => {
    const own = axes[axis]!;
    const want = k === 0 ? value.shape![at]! : sizes[k - 1]!;
    return own.length === 0 && want !== 1 ? [fixedDigit(want, -1)] : own;
  });
  if (digits.length === 0) return units.fresh(1);
  return jointUnits(units, digits, cause);
}
