/** Permutations that act on whole tensors, and on blocks that the slot of another permutation chooses. */

import { describeTensor } from "../base/compare-tensors.ts";
import { SpecError } from "../base/errors.ts";
import { factorKey, plainFactors } from "./axis-text.ts";
import type { DecidedSize } from "./sizes.ts";
import type { Axis, ResolvedAxis, ResolvedSlice, ResolvedTensor, Slice, TensorSpec } from "./types.ts";

/** By series: the permutation that exchanges its tensors, and their names by slot. */
export type TensorSeries = ReadonlyMap<string, { readonly of: string; readonly names: readonly string[] }>;

/** The series of a spec, each of which has a tensor for every slot. Throws `SpecError`. */
export function seriesOf(listed: ReadonlyMap<string, TensorSpec>): TensorSeries {
  const series = new Map<string, { of: string; names: string[] }>();
  for (const [name, { slice }] of listed) {
    if (slice === undefined) continue;
    if (slice.at >= listed.size)
      throw new SpecError(`${name} is slice ${slice.at} of ${slice.of}, expected at most one for each tensor`);
    const own = series.get(slice.series) ?? { of: slice.of, names: [] };
    if (own.of !== slice.of)
      throw new SpecError(`${name} is a slice of ${slice.of}, expected ${own.of} as in its series`);
    const other = own.names[slice.at];
    if (other !== undefined)
      throw new SpecError(`${name} is slice ${slice.at} of ${slice.of}, which ${other} is already`);
    own.names[slice.at] = name;
    series.set(slice.series, own);
  }
  for (const [id, { of, names }] of series) {
    const gap = Array.from(names).indexOf(undefined as never);
    if (gap >= 0)
      throw new SpecError(`series ${id} of ${of} has no tensor for slot ${gap}, expected one for every slot`);
  }
  return series;
}

/** The size of each permutation that exchanges tensors. */
export function sizesOfSeries(series: TensorSeries): Map<string, DecidedSize> {
  const sizes = new Map<string, DecidedSize>();
  for (const [id, { of, names }] of series) {
    const known = sizes.get(of);
    if (known === undefined) sizes.set(of, { size: names.length, where: `the tensors of series ${id}` });
    else if (known.size !== names.length)
      throw new SpecError(
        `permutation ${of} has ${names.length} tensors in series ${id}, expected ${known.size} as ${known.where}`,
      );
  }
  return sizes;
}

/** `slice` with numbers. */
export function resolveSlice(
  { of, at, series }: Slice,
  index: ReadonlyMap<string, number>,
  all: TensorSeries,
): ResolvedSlice {
  return { permutation: index.get(of)!, at, names: all.get(series)!.names };
}

/** Throws `SpecError` for tensors that cannot change places. */
export function checkSlices(tensors: readonly ResolvedTensor[]): void {
  const first = new Map<readonly string[], ResolvedTensor>();
  for (const tensor of tensors) {
    if (tensor.slice === undefined) continue;
    const other = first.get(tensor.slice.names) ?? tensor;
    first.set(tensor.slice.names, other);
    const [own, want] = [describeTensor(tensor.info), describeTensor(other.info)];
    if (own !== want || JSON.stringify(tensor.axes) !== JSON.stringify(other.axes) || tensor.votes !== other.votes)
      throw new SpecError(
        `${tensor.name} is ${own}, expected ${want} on the same axes, as ${other.name} whose place it can take`,
      );
  }
}

/** The permutation of a first axis whose slots choose blocks on the other axes; its slices are moved one by one. */
export function stackedBy({ axes, slice }: Pick<ResolvedTensor, "axes" | "slice">): number | undefined {
  if (slice !== undefined) return undefined;
  const [first, ...rest] = axes;
  const whole = first?.segments.length === 1 && first.segments[0]!.factors.length === 1;
  const permutation = whole ? first.segments[0]!.factors[0]!.permutation : -1;
  return permutation >= 0 && rest.some((axis) => outsideBlocks(axis).includes(permutation)) ? permutation : undefined;
}

/** Throws `SpecError` for a block `V/H` of a permutation that is not nested in the other. */
export function checkBlockNames(axis: Axis, sizes: ReadonlyMap<string, number>, where: string): void {
  for (const factor of plainFactors(axis)) {
    if (typeof factor !== "object" || sizes.has(factorKey(factor))) continue;
    throw new SpecError(`${where} has ${factorKey(factor)}, expected ${factor.block} to be nested in ${factor.of}`);
  }
}

/** Throws `SpecError` for a block whose slot is unknown. */
export function checkBlocks(tensor: ResolvedTensor): void {
  const slot = tensor.slice?.permutation ?? stackedBy(tensor);
  for (const [at, axis] of tensor.axes.entries()) {
    if (outsideBlocks(axis).every((permutation) => permutation === slot)) continue;
    throw new SpecError(
      `${tensor.name} axis ${at} has a block of a permutation, expected the outer one before it in the product, alone on axis 0, or in the name`,
    );
  }
}

/** Permutations whose slots choose blocks on this axis and that are not before them in the product. */
function outsideBlocks({ segments }: ResolvedAxis): number[] {
  return segments.flatMap(({ factors }) =>
    factors.flatMap(({ within }, at) =>
      within === undefined || factors.slice(0, at).some(({ permutation }) => permutation === within) ? [] : [within],
    ),
  );
}
