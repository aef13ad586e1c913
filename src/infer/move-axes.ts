/** Operators that move elements without reading them: positions of an axis taken, values put side by side, reshapes. */

import { SpecError } from "../base/errors.ts";
import { dividedSize, productSize, type Size, timesSize } from "../graph/kinds/sizes.ts";
import {
  type AxisValue,
  axisValue,
  type BundleDigit,
  bundleDigits,
  type Digit,
  fixedAxis,
  isBundled,
  project,
  regroup,
} from "./axis-values.ts";
import { MAX_UNITS, type Units } from "./units.ts";

/** Fixes the units of these digits; of a bundle that has other digits, the blocks that they number. */
export function fixDigits(units: Units, digits: readonly Digit[], cause: number): void {
  const bundled = digits.filter(isBundled);
  for (const bundle of new Set(bundled.map((digit) => digit.bundle)))
    units.fix(
      project(
        units,
        bundle,
        bundled.filter((digit) => digit.bundle === bundle),
      ),
      cause,
    );
}

/** Fixes these axes of a value, or all. */
export function fixAxes(units: Units, { axes }: AxisValue, cause: number, which?: readonly number[]): void {
  if (axes === undefined) return;
  if (which === undefined) fixDigits(units, axes.flat(), cause);
  else for (const at of which) fixDigits(units, axes[at] ?? [], cause);
}

/** All digits that share a bundle with one of these, these first. */
function withCompanions(axes: readonly (readonly Digit[])[], digits: readonly Digit[]): Digit[] {
  const bundles = new Set(digits.filter(isBundled).map((digit) => digit.bundle));
  const others = axes
    .flat()
    .filter((digit) => isBundled(digit) && bundles.has(digit.bundle) && !digits.includes(digit));
  return [...digits, ...others];
}

/**
 * The value with axis `at` as one digit: its units by all digits of the axis, in row-major order. Where that cannot be
 * (sizes that are unknown, more units than inference follows), the axis is fixed with `cause`.
 */
export function materialise(units: Units, value: AxisValue, at: number, cause: number): AxisValue {
  const axes = value.axes!;
  const axis = axes[at]!;
  if (axis.length < 2) return value;
  const size = productSize(axis.map((digit) => digit.size));
  const inert = axis.every((digit) => !isBundled(digit));
  if (inert || typeof size === "string") {
    fixDigits(units, axis, cause);
    return withAxis(value, at, fixedAxis(size, axis.find((digit) => digit.cause >= 0)?.cause ?? (inert ? -1 : cause)));
  }
  const all = withCompanions(axes, axis);
  const made = jointUnits(units, all, cause);
  if (made === undefined) return withAxis(value, at, fixedAxis(size, cause));
  const others = all.slice(axis.length) as BundleDigit[];
  const [whole, ...companions] = bundleDigits(made, [size, ...others.map((digit) => digit.size)]);
  const replaced = (digit: Digit): Digit => companions[others.indexOf(digit as BundleDigit)] ?? digit;
  return axisValue(axes.map((digits, k) => (k === at ? [whole!] : digits.map(replaced))));
}

function withAxis(value: AxisValue, at: number, digits: readonly Digit[]): AxisValue {
  return axisValue(value.axes!.map((axis, k) => (k === at ? digits : axis)));
}

/**
 * One unit for each combination of these digits, which hold whole bundles; undefined, and all fixed, where that is too
 * many.
 */
export function jointUnits(units: Units, digits: readonly Digit[], cause: number): Int32Array | undefined {
  const bundles = new Set(digits.filter(isBundled).map((digit) => digit.bundle));
  const [only] = bundles;
  if (bundles.size === 1 && digits.every(isBundled)) return units.set(project(units, only!, digits));
  const total = productSize(digits.map(({ size }) => size));
  if (typeof total === "string" || units.count + total > MAX_UNITS) {
    fixDigits(units, digits, cause);
    return undefined;
  }
  const made = bundleDigits(
    units.fresh(total),
    digits.map(({ size }) => size as number),
  );
  const all = made[0]!.bundle.units;
  for (const bundle of bundles) {
    const own = digits.filter((digit): digit is BundleDigit => isBundled(digit) && digit.bundle === bundle);
    units.relate(
      all,
      spread(
        project(units, bundle, own),
        total,
        own.map((digit) => made[digits.indexOf(digit)]!),
      ),
    );
  }
  for (const [at, digit] of digits.entries()) {
    if (isBundled(digit) || digit.cause < 0) continue;
    units.fix(project(units, made[at]!.bundle, [made[at]!]), digit.cause);
  }
  return all;
}

/** For each of `total` positions, which of `own` it belongs to: `own` is numbered by the digits `within`. */
function spread(own: Int32Array, total: number, within: readonly BundleDigit[]): Int32Array {
  const parent = new Int32Array(total);
  for (let at = 0; at < total; at++) {
    let number = 0;
    for (const { size, stride } of within) number = number * size + (Math.floor(at / stride) % size);
    parent[at] = own[number]!;
  }
  return parent;
}

/** The value with these axes of size 1: where units were numbered by one of them with others, their blocks remain. */
export function dropAxes(units: Units, value: AxisValue, which: readonly number[]): AxisValue {
  let axes: readonly (readonly Digit[])[] = value.axes!.map((axis, at) => (which.includes(at) ? [] : axis));
  const digits = axes.flat().filter(isBundled);
  for (const bundle of new Set(digits.map((digit) => digit.bundle))) {
    const own = digits.filter((digit) => digit.bundle === bundle);
    if (own.reduce((product, { size }) => product * size, 1) === bundle.units.length) continue;
    const sizes = own.map(({ size }) => size);
    const made = bundleDigits(project(units, bundle, own), sizes);
    axes = axes.map((axis) => axis.map((digit) => made[own.indexOf(digit as BundleDigit)] ?? digit));
  }
  return axisValue(axes);
}

/** The same elements with another shape. */
export function reshapeValue(units: Units, value: AxisValue, shape: readonly Size[], operator: string): AxisValue {
  if (value.axes === undefined) return value;
  const [have, want] = [productSize(value.shape!), productSize(shape)];
  if (typeof have === "number" && typeof want === "number" && have !== want)
    throw new SpecError(
      `${operator} reshapes ${value.shape!.join("×")} to ${shape.join("×")}, expected as many elements`,
    );
  const grouped = have === 0 ? undefined : regroup(value.axes.flat(), shape);
  if (grouped !== undefined) return axisValue(grouped);
  return reshapeRuns(units, value, shape, operator);
}

/** Runs of axes with equal products are reshaped by themselves; a run that does not divide becomes one digit before. */
function reshapeRuns(units: Units, value: AxisValue, shape: readonly Size[], operator: string): AxisValue {
  const cause = units.cause(operator, "reshapes axes whose sizes do not divide each other");
  let current = value;
  const result: Digit[][] = [];
  for (const { from, until, to, end } of runs(value.shape!, shape)) {
    const sizes = shape.slice(to, end);
    let grouped = regroup(current.axes!.slice(from, until).flat(), sizes);
    if (grouped === undefined && from < until) {
      current = merged(units, current, from, until, cause);
      grouped = regroup(current.axes![from]!, sizes);
    }
    if (grouped === undefined) {
      fixDigits(units, current.axes!.slice(from, until).flat(), cause);
      grouped = sizes.map((size) => fixedAxis(size, cause));
    }
    result.push(...grouped);
  }
  return axisValue(result);
}

/** Axes `from` to `until` as one digit on axis `from`; the others of them are then of size 1. */
function merged(units: Units, value: AxisValue, from: number, until: number, cause: number): AxisValue {
  const digits = value.axes!.slice(from, until).flat();
  const together = axisValue(
    value.axes!.map((axis, at) => (at === from ? digits : at > from && at < until ? [] : axis)),
  );
  return materialise(units, together, from, cause);
}

interface Run {
  readonly from: number;
  readonly until: number;
  readonly to: number;
  readonly end: number;
}

/** The shortest runs of axes on both sides that hold as many elements. */
function* runs(before: readonly Size[], after: readonly Size[]): Generator<Run> {
  let [from, to] = [0, 0];
  while (from < before.length || to < after.length) {
    let [until, end] = [from, to];
    let [left, right]: [Size, Size] = [1, 1];
    do {
      const behind = end >= after.length || (end > to && dividedSize(right, left) !== undefined);
      if (until < before.length && (behind || until === from)) left = timesSize(left, before[until++]!);
      else if (end < after.length) right = timesSize(right, after[end++]!);
      else break;
    } while (left !== right || (end === to && end < after.length));
    if (left !== right) [until, end] = [before.length, after.length];
    yield { from, until, to, end };
    [from, to] = [until, end];
  }
}
