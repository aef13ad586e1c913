/** Cuts what several operands have for one label into digits that all of them agree on. */

import { SpecError } from "../base/errors.ts";
import { dividedSize, productSize, type Size } from "../graph/kinds/sizes.ts";
import { type Bundle, bundleDigits, type Digit, fixedDigit, isBundled, splitDigit } from "./axis-values.ts";
import { fixDigits, jointUnits } from "./move-axes.ts";
import type { Units } from "./units.ts";

/** Pieces of operands: the digits that one label of the relation has in one operand. */
export interface Piece {
  readonly operand: number;
  readonly label: string;
  digits: readonly Digit[];
}

/**
 * Cuts the pieces of one label into digits of the same sizes, which it returns. Pieces that are all alike ask for
 * nothing.
 */
export function refinePieces(units: Units, operator: string, all: Piece[]): Size[] {
  const telling = all.filter(({ digits }) => digits.some((digit) => isBundled(digit) || digit.cause >= 0));
  if (telling.length > 0) for (const piece of all) if (!telling.includes(piece)) piece.digits = [];
  const pieces = telling.length > 0 ? telling : all;
  solveUnknown(pieces);
  const sizes: Size[] = [];
  const done: Digit[][] = pieces.map(() => []);
  const rest = pieces.map(({ digits }) => [...digits]);
  while (rest.some((digits) => digits.length > 0)) {
    const heads = rest.map(([head]) => head?.size);
    const size = heads.find(
      (head) =>
        head !== undefined && heads.every((other) => other !== undefined && dividedSize(other, head) !== undefined),
    );
    if (size === undefined) return refineWhole(units, operator, pieces);
    for (const [at, digits] of rest.entries()) {
      const head = digits.shift()!;
      if (head.size === size) {
        done[at]!.push(head);
        continue;
      }
      const [front, back] = splitDigit(head, size);
      done[at]!.push(front);
      digits.unshift(back);
    }
    sizes.push(size);
  }
  for (const [at, piece] of pieces.entries()) piece.digits = done[at]!;
  return sizes;
}

/**
 * Unknown sizes that follow each other take what the sizes of another piece leave: positions before a matrix of known
 * width.
 */
function solveUnknown(pieces: readonly Piece[]): void {
  const totals = pieces.map(({ digits }) => productSize(digits.map(({ size }) => size)));
  const total = totals.find((size) => typeof size === "number");
  if (total === undefined) return;
  for (const piece of pieces) {
    const { digits } = piece;
    const first = digits.findIndex(({ size }) => typeof size === "string");
    const last = digits.findLastIndex(({ size }) => typeof size === "string");
    const run = digits.slice(first, last + 1);
    if (first < 0 || run.some(({ size }) => typeof size === "number")) continue;
    const others = productSize(digits.filter((digit) => !run.includes(digit)).map(({ size }) => size));
    const size = dividedSize(total, others);
    const cause = run.find((digit) => digit.cause >= 0)?.cause ?? -1;
    if (typeof size === "number")
      piece.digits = [
        ...digits.slice(0, first),
        ...(size === 1 ? [] : [fixedDigit(size, cause)]),
        ...digits.slice(last + 1),
      ];
  }
}

/** Where digits do not divide each other: each piece as one digit, or fixed where sizes are unknown or differ. */
function refineWhole(units: Units, operator: string, pieces: Piece[]): Size[] {
  const sizes = pieces.map(({ digits }) => productSize(digits.map(({ size }) => size)));
  const numbers = sizes.filter((size) => typeof size === "number");
  const [size = sizes[0]!] = numbers;
  if (numbers.some((other) => other !== size))
    throw new SpecError(`${operator} is given axes of ${numbers.join(" and ")} that meet, expected one size`);
  const unknown = numbers.length < sizes.length;
  for (const piece of pieces) {
    if (!unknown && piece.digits.length === 1) continue;
    const reason = unknown ? "meets an axis of unknown size" : "meets an axis that is numbered in another way";
    const cause = units.cause(operator, reason);
    const made = unknown || !holdsBundles(piece.digits) ? undefined : jointUnits(units, piece.digits, cause);
    if (made === undefined) fixDigits(units, piece.digits, cause);
    const known = piece.digits.find((digit) => digit.bundle === undefined && digit.cause >= 0);
    piece.digits =
      made === undefined ? [fixedDigit(size, known?.cause ?? cause)] : bundleDigits(made, [size as number]);
  }
  return [size];
}

/** True where no bundle of these digits has others. */
function holdsBundles(digits: readonly Digit[]): boolean {
  const counts = new Map<Bundle, number>();
  for (const digit of digits)
    if (isBundled(digit)) counts.set(digit.bundle, (counts.get(digit.bundle) ?? 1) * digit.size);
  return counts.size > 0 && [...counts].every(([bundle, count]) => count === bundle.units.length);
}
