/**
 * Values of a graph as inference sees them: every axis is a product of digits, the first the slowest. A digit is fixed,
 * all alike, or a digit of a bundle. A bundle is units that are numbered by one or several digits together, like those
 * of heads by head and inner position after a reshape. Reshapes and transposes only regroup digits.
 */

import type { GraphValue } from "../graph/kinds/kind.ts";
import { dividedSize, productSize, type Size } from "../graph/kinds/sizes.ts";
import type { Units } from "./units.ts";

/** Units by one or several digits; each digit of a bundle is in every value that has the bundle. */
export interface Bundle {
  readonly units: Int32Array;
  /** Projections on some of its digits, by their sizes and strides. */
  readonly projections: Map<string, Int32Array>;
}

/** A digit of an axis; never of size 1. */
export interface Digit {
  readonly size: Size;
  /** Absent: nothing moves here (`cause`), or all positions are alike (`cause` −1). */
  readonly bundle: Bundle | undefined;
  /** Steps of the bundle's units. */
  readonly stride: number;
  readonly cause: number;
}

/** A digit of a bundle. */
export type BundleDigit = Digit & { readonly bundle: Bundle; readonly size: number };

/** A value with the digits of its axes; undefined where its rank is unknown, because of `cause`. */
export interface AxisValue extends GraphValue {
  readonly axes: readonly (readonly Digit[])[] | undefined;
  readonly cause: number;
}

/** A value of these axes. */
export function axisValue(axes: readonly (readonly Digit[])[]): AxisValue {
  const shape = axes.map((digits) => productSize(digits.map(({ size }) => size)));
  return { axes, shape, cause: -1 };
}

/** A value of unknown rank. */
export function opaqueValue(cause: number): AxisValue {
  return { axes: undefined, shape: undefined, cause };
}

export function fixedDigit(size: Size, cause: number): Digit {
  return { size, bundle: undefined, stride: 0, cause };
}

/** One digit, or none for a size of 1. */
export function fixedAxis(size: Size, cause: number): Digit[] {
  return size === 1 ? [] : [fixedDigit(size, cause)];
}

export function isBundled(digit: Digit): digit is BundleDigit {
  return digit.bundle !== undefined;
}

/** A new bundle over digits of these sizes, row-major; `units` are a set already. */
export function bundleDigits(units: Int32Array, sizes: readonly number[]): BundleDigit[] {
  const bundle: Bundle = { units, projections: new Map() };
  let stride = 1;
  return sizes
    .toReversed()
    .map((size) => {
      const digit = { size, bundle, stride, cause: -1 };
      stride *= size;
      return digit;
    })
    .reverse();
}

/** The digit as two, of which the first, slower one has the size `first`, which divides its own. */
export function splitDigit(digit: Digit, first: Size): [Digit, Digit] {
  const rest = dividedSize(digit.size, first)!;
  const stride = digit.bundle === undefined ? 0 : digit.stride * (rest as number);
  return [
    { ...digit, size: first, stride },
    { ...digit, size: rest },
  ];
}

/**
 * Digits regrouped into axes of these sizes, which have the same product. Undefined where a border would fall inside of
 * a digit that it does not divide.
 */
export function regroup(digits: readonly Digit[], sizes: readonly Size[]): Digit[][] | undefined {
  const axes: Digit[][] = [];
  let at = 0;
  let head = digits[0];
  for (const size of sizes) {
    const axis: Digit[] = [];
    let left: Size = size;
    while (left !== 1) {
      if (head === undefined) return undefined;
      const remaining = dividedSize(left, head.size);
      if (remaining !== undefined) {
        axis.push(head);
        left = remaining;
        head = digits[++at];
        continue;
      }
      if (dividedSize(head.size, left) === undefined) return undefined;
      const [front, back] = splitDigit(head, left);
      axis.push(front);
      head = back;
      left = 1;
    }
    axes.push(axis);
  }
  return head === undefined ? axes : undefined;
}

/**
 * Units of a bundle by these digits of it, row-major: one for each combination, a block of units where digits are
 * missing.
 */
export function project(units: Units, bundle: Bundle, digits: readonly BundleDigit[]): Int32Array {
  const total = digits.reduce((product, { size }) => product * size, 1);
  const key = digits.map(({ size, stride }) => `${size}:${stride}`).join();
  const known = bundle.projections.get(key);
  if (known !== undefined) return known;
  const made = total === bundle.units.length ? gathered(bundle.units, digits) : blocks(units, bundle, digits);
  bundle.projections.set(key, made);
  return made;
}

/** All units, by the digits in this order. */
function gathered(all: Int32Array, digits: readonly BundleDigit[]): Int32Array {
  let offsets = Int32Array.of(0);
  for (const { size, stride } of digits) {
    const next = new Int32Array(offsets.length * size);
    for (let at = 0, to = 0; at < offsets.length; at++)
      for (let i = 0; i < size; i++) next[to++] = offsets[at]! + i * stride;
    offsets = next;
  }
  return offsets.map((offset) => all[offset]!);
}

/** New units for the blocks that `digits` number; in another order of the digits they are the same. */
function blocks(units: Units, bundle: Bundle, digits: readonly BundleDigit[]): Int32Array {
  const sorted = digits.toSorted((a, b) => b.stride - a.stride);
  const inOrder = sorted.every((digit, at) => digit === digits[at]);
  if (!inOrder) {
    const numbered = bundleDigits(
      project(units, bundle, sorted),
      sorted.map(({ size }) => size),
    );
    return gathered(
      numbered[0]!.bundle.units,
      digits.map((digit) => numbered[sorted.indexOf(digit)]!),
    );
  }
  const made = units.fresh(digits.reduce((product, { size }) => product * size, 1));
  const parent = new Int32Array(bundle.units.length);
  for (let at = 0; at < parent.length; at++) {
    let number = 0;
    for (const { size, stride } of sorted) number = number * size + (Math.floor(at / stride) % size);
    parent[at] = made[number]!;
  }
  units.relate(bundle.units, parent);
  return made;
}
