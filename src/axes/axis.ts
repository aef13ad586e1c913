/**
 * The axis algebra: how permutations act on one axis of a tensor. An axis is a concatenation of segments (`|`), and a
 * segment is a row-major product of factors (`*`, the first the slowest). A factor is a permutation's name, a fixed
 * size, or `_` (a fixed size read from the tensor). Pure integers; nothing here knows a tensor's values.
 */

import { SpecError } from "../base/errors.ts";
import { ANY_SIZE, axisNames, factorKey, formatAxis, plainFactors } from "./axis-text.ts";
import type {
  Axis,
  ConcatFactor,
  Factor,
  PlainFactor,
  ResolvedAxis,
  ResolvedFactor,
  ResolvedSegment,
  Segment,
} from "./types.ts";

export { ANY_SIZE, axisNames, factorKey, formatAxis, isPermutationName, parseAxis, plainFactors } from "./axis-text.ts";
export { gatherIndex } from "./gather-index.ts";

/** The length of an axis as `constant + Σ coefficient · unknown`; `linear` is false where it has no such form. */
export interface LengthForm {
  readonly constant: number;
  /** By permutation name, `_`, or the text of a block. */
  readonly coefficients: ReadonlyMap<string, number>;
  readonly linear: boolean;
}

/** The length of an axis with the sizes that are known filled in. Each `_` is a separate unknown. */
export function lengthForm(axis: Axis, sizes: ReadonlyMap<string, number>): LengthForm {
  let constant = 0;
  let linear = true;
  const coefficients = new Map<string, number>();
  for (const segment of axis) {
    const form = productForm(segment, sizes);
    if (!form.linear || (form.coefficients.has(ANY_SIZE) && coefficients.has(ANY_SIZE))) linear = false;
    constant += form.constant;
    for (const [name, coefficient] of form.coefficients)
      coefficients.set(name, (coefficients.get(name) ?? 0) + coefficient);
  }
  return { constant, coefficients, linear };
}

/** Of a segment: at most one factor has unknowns in a linear form. */
function productForm(segment: Segment, sizes: ReadonlyMap<string, number>): LengthForm {
  let product = 1;
  const open: LengthForm[] = [];
  for (const factor of segment) {
    const size = knownSize(factor, sizes);
    if (size !== undefined) product *= size;
    else if (isConcat(factor)) open.push(lengthForm(factor.parts, sizes));
    else open.push({ constant: 0, coefficients: new Map([[factorKey(factor), 1]]), linear: true });
  }
  if (open.length === 0) return { constant: product, coefficients: new Map(), linear: true };
  const coefficients = new Map<string, number>();
  for (const form of open)
    for (const [name, each] of form.coefficients)
      coefficients.set(name, (coefficients.get(name) ?? 0) + each * product);
  const [only, ...more] = open;
  return {
    constant: more.length > 0 ? 0 : product * only!.constant,
    coefficients,
    linear: more.length === 0 && only!.linear,
  };
}

const isConcat = (factor: Factor): factor is ConcatFactor => typeof factor === "object" && "parts" in factor;

function knownSize(factor: Factor, sizes: ReadonlyMap<string, number>): number | undefined {
  if (typeof factor === "number") return factor;
  if (!isConcat(factor)) return sizes.get(factorKey(factor));
  const { constant, coefficients, linear } = lengthForm(factor.parts, sizes);
  return linear && coefficients.size === 0 ? constant : undefined;
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
  const known = any < 0 ? sizes : new Map([...sizes, [ANY_SIZE, any]]);
  const segments = expandAxis(axis, known, permutationIndex);
  if (segments.length > MAX_SEGMENTS && plainFactors(axis).length < segments.length)
    throw new SpecError(`${where} has ${segments.length} segments, expected at most ${MAX_SEGMENTS}`);
  return { length, segments };
}

/** Products of concatenations multiply; no axis of a network comes near. */
const MAX_SEGMENTS = 4096;

/** The segments of an axis, concatenations inside products multiplied out. */
function expandAxis(
  axis: Axis,
  sizes: ReadonlyMap<string, number>,
  index: ReadonlyMap<string, number>,
): ResolvedSegment[] {
  const segments: ResolvedSegment[] = [];
  let offset = 0;
  for (const segment of axis) {
    let stride = 1;
    // From the last factor on: what was multiplied out stands behind what comes before it.
    let tails: ResolvedSegment[] = [{ offset: 0, length: 1, factors: [] }];
    for (const factor of segment.toReversed()) {
      const heads = isConcat(factor)
        ? expandAxis(factor.parts, sizes, index)
        : [{ offset: 0, length: knownSize(factor, sizes)!, factors: [resolveFactor(factor, sizes, index)] }];
      tails = heads.flatMap((head) => tails.map((tail) => joined(head, tail, stride)));
      if (tails.length > MAX_SEGMENTS) return tails;
      stride *= knownSize(factor, sizes)!;
    }
    for (const tail of tails) segments.push({ ...tail, offset: offset + tail.offset });
    offset += stride;
  }
  return segments;
}

function resolveFactor(
  factor: PlainFactor,
  sizes: ReadonlyMap<string, number>,
  index: ReadonlyMap<string, number>,
): ResolvedFactor {
  const size = knownSize(factor, sizes)!;
  if (typeof factor === "object")
    return { size, stride: 1, permutation: index.get(factor.block)!, within: index.get(factor.of)! };
  return { size, stride: 1, permutation: typeof factor === "string" ? (index.get(factor) ?? -1) : -1 };
}

/** `head`, each step of which is `stride` elements, before `tail`. */
function joined(head: ResolvedSegment, tail: ResolvedSegment, stride: number): ResolvedSegment {
  return {
    offset: head.offset * stride + tail.offset,
    length: head.length * tail.length,
    factors: [...head.factors.map((factor) => ({ ...factor, stride: factor.stride * stride })), ...tail.factors],
  };
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
