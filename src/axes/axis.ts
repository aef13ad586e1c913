/**
 * The axis algebra: how permutations act on one axis of a tensor. An axis is a concatenation of segments (`|`), and a
 * segment is a row-major product of factors (`*`, the first the slowest). A factor is a permutation's name, a fixed
 * size, or `_` (a fixed size read from the tensor). Pure integers; nothing here knows a tensor's values.
 */

import { SpecError } from "../base/errors.ts";
import type { Axis, Factor, ResolvedAxis, ResolvedFactor, ResolvedSegment, Segment } from "./types.ts";

/** A fixed size that is read from the tensor. */
export const ANY_SIZE = "_";

// What reads as a number (-1, .5) is no name: in other libraries -1 means "any size", here it would be a permutation.
const NAME = /^(?![-.]*[0-9][0-9.]*$)[A-Za-z._-][A-Za-z0-9._-]*$/;
const SIZE = /^(?:0|[1-9][0-9]*)$/;

/**
 * True for legal permutation names: ASCII letters, digits, `.`, `_`, `-`, not starting with a digit, not `_`, no
 * number.
 */
export function isPermutationName(text: string): boolean {
  return text !== ANY_SIZE && NAME.test(text);
}

/**
 * Parses the text of an axis. Spaces around `*` and `|` are allowed.
 *
 * @throws {SpecError} for anything else.
 *
 * @example
 * parseAxis("P5*49"); // [["P5", 49]]: channel-major flatten
 * parseAxis("P0|P1"); // [["P0"], ["P1"]]: concatenation
 */
export function parseAxis(text: string): Axis {
  return text
    .split("|")
    .map((segment): Segment => segment.split("*").map((factor) => parseFactor(factor.trim(), text)));
}

function parseFactor(factor: string, text: string): Factor {
  if (factor === ANY_SIZE || NAME.test(factor)) return factor;
  const size = SIZE.test(factor) ? Number(factor) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  const got = factor === "" ? "an empty factor" : `the factor ${JSON.stringify(factor)}`;
  throw new SpecError(
    `axis ${JSON.stringify(text)} has ${got}, expected permutation names, sizes or _ joined by * and |`,
  );
}

/** The canonical text of an axis: `parseAxis(formatAxis(axis))` equals `axis`. */
export function formatAxis(axis: Axis): string {
  return axis.map((segment) => segment.join("*")).join("|");
}

/** The permutations that act on an axis, each once, in order of first appearance. */
export function axisNames(axis: Axis): string[] {
  const names = new Set<string>();
  for (const factor of axis.flat()) if (typeof factor === "string" && factor !== ANY_SIZE) names.add(factor);
  return [...names];
}

/** The length of an axis as `constant + Σ coefficient · unknown`; `linear` is false where it has no such form. */
export interface LengthForm {
  readonly constant: number;
  /** By permutation name or `_`. */
  readonly coefficients: ReadonlyMap<string, number>;
  readonly linear: boolean;
}

/** The length of an axis with the sizes that are known filled in. Each `_` is a separate unknown. */
export function lengthForm(axis: Axis, sizes: ReadonlyMap<string, number>): LengthForm {
  let constant = 0;
  let linear = true;
  const coefficients = new Map<string, number>();
  for (const segment of axis) {
    let product = 1;
    const unknowns: string[] = [];
    for (const factor of segment) {
      const size = typeof factor === "number" ? factor : sizes.get(factor);
      if (size === undefined) unknowns.push(factor as string);
      else product *= size;
    }
    const [unknown] = unknowns;
    if (unknowns.length > 1 || (unknown === ANY_SIZE && coefficients.has(ANY_SIZE))) linear = false;
    if (unknown === undefined) constant += product;
    else for (const name of unknowns) coefficients.set(name, (coefficients.get(name) ?? 0) + product);
  }
  return { constant, coefficients, linear };
}

/**
 * Settles one axis of `length` elements: `sizes` holds the size of every permutation on it, `permutationIndex` its
 * index in the resolved spec, `where` names the axis in messages. A single `_` takes what is left.
 * Throws `SpecError` when the sizes do not make up `length`.
 */
export function resolveAxis(
  axis: Axis,
  length: number,
  sizes: ReadonlyMap<string, number>,
  permutationIndex: ReadonlyMap<string, number>,
  where: string,
): ResolvedAxis {
  const any = anySize(axis, length, sizes, where);
  const segments: ResolvedSegment[] = [];
  let offset = 0;
  for (const segment of axis) {
    const factors: ResolvedFactor[] = new Array(segment.length);
    let stride = 1;
    for (let i = segment.length - 1; i >= 0; i--) {
      const factor = segment[i]!;
      const size = typeof factor === "number" ? factor : factor === ANY_SIZE ? any : sizes.get(factor)!;
      factors[i] = {
        size,
        stride,
        permutation: typeof factor === "string" ? (permutationIndex.get(factor) ?? -1) : -1,
      };
      stride *= size;
    }
    segments.push({ offset, length: stride, factors });
    offset += stride;
  }
  return { length, segments };
}

/** The size of the axis's `_` (−1 when it has none), after checking that everything adds up to `length`. */
function anySize(axis: Axis, length: number, sizes: ReadonlyMap<string, number>, where: string): number {
  const form = lengthForm(axis, sizes);
  if (form.coefficients.size === 0 && form.constant === length) return -1;
  const size = (length - form.constant) / (form.coefficients.get(ANY_SIZE) ?? Number.NaN);
  if (form.linear && form.coefficients.size === 1 && Number.isInteger(size) && size >= 0) return size;
  throw sizeFault(axis, length, sizes, where, form);
}

/** Why the sizes do not make up `length`. */
function sizeFault(
  axis: Axis,
  length: number,
  sizes: ReadonlyMap<string, number>,
  where: string,
  { constant, coefficients, linear }: LengthForm,
): SpecError {
  const text = `${where} ${JSON.stringify(formatAxis(axis))}`;
  const unknown = [...coefficients.keys()].filter((name) => name !== ANY_SIZE);
  if (unknown.length > 0)
    return new SpecError(`${text} has permutations of unknown size (${unknown.join(", ")}), expected all to be known`);
  const known = axisNames(axis).map((name) => `${name} = ${sizes.get(name)}`);
  const given = known.length > 0 ? ` (${known.join(", ")})` : "";
  if (coefficients.size === 0) return new SpecError(`${text} is ${length} long, expected ${constant}${given}`);
  const coefficient = coefficients.get(ANY_SIZE)!;
  if (!linear || coefficient === 0)
    return new SpecError(`${text} leaves the size of _ open in ${length}${given}, expected one _ in an axis`);
  const rest = constant > 0 ? `${constant} plus a multiple of ${coefficient}` : `a multiple of ${coefficient}`;
  return new SpecError(`${text} is ${length} long, expected ${rest}${given}`);
}

/**
 * What the permutations do to one axis, as a gather: `new[i] = old[index[i]]`. `permutations[k][i] = j` means that
 * slot i of the result is unit j of the source (numpy's `take`). Each factor permutes its own digit, segments are
 * independent. Returns a fresh array. Throws `RangeError` when a permutation is not as long as its factor.
 *
 * @example
 * // "P*2" with P = [1, 0]: [2, 3, 0, 1]
 */
export function gatherIndex(axis: ResolvedAxis, permutations: readonly Int32Array[]): Int32Array {
  const index = new Int32Array(axis.length);
  for (const segment of axis.segments) {
    let digits = Int32Array.of(segment.offset);
    for (const factor of segment.factors) digits = appendDigit(digits, factor, permutations);
    index.set(digits, segment.offset);
  }
  return index;
}

function appendDigit(
  prefix: Int32Array,
  factor: ResolvedFactor,
  permutations: readonly Int32Array[],
): Int32Array<ArrayBuffer> {
  const { size, stride } = factor;
  const permutation = factor.permutation < 0 ? undefined : permutations[factor.permutation];
  if (factor.permutation >= 0 && permutation?.length !== size) {
    throw new RangeError(`permutation ${factor.permutation} has length ${permutation?.length}, expected ${size}`);
  }
  const index = new Int32Array(prefix.length * size);
  for (let a = 0, at = 0; a < prefix.length; a++) {
    for (let i = 0; i < size; i++)
      index[at++] = prefix[a]! + (permutation === undefined ? i : permutation[i]!) * stride;
  }
  return index;
}
