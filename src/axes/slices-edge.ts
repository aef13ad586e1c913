/** Takes the place of slices.ts in edge workers, which have room for specs of version 1 alone. */

import { SpecError } from "../base/errors.ts";
import { plainFactors } from "./axis-text.ts";
import type { DecidedSize } from "./sizes.ts";
import type { TensorSeries } from "./slices.ts";
import type { Axis, ResolvedSlice, TensorSpec } from "./types.ts";

const fault = (what: string): SpecError =>
  new SpecError(`${what}, which edge workers have no room for, expected a spec of rebasin-spec/1`);

/** None. Throws `SpecError` for tensors that a permutation exchanges. */
export function seriesOf(listed: ReadonlyMap<string, TensorSpec>): TensorSeries {
  for (const [name, { slice }] of listed) if (slice !== undefined) throw fault(`${name} is a slice`);
  return new Map();
}

/** Throws `SpecError` for a structured factor. */
export function checkBlockNames(axis: Axis, _: unknown, where: string): void {
  const isPlain = plainFactors(axis).length === axis.flat().length;
  if (!isPlain || plainFactors(axis).some((factor) => typeof factor === "object")) throw fault(`${where} has blocks`);
}

/** None. */
export const sizesOfSeries = (): Map<string, DecidedSize> => new Map();
/** No tensor has one. */
export const resolveSlice = (): ResolvedSlice | undefined => undefined;
/** None. */
export const stackedBy = (): number | undefined => undefined;
/** There are none. */
export function checkSlices(): void {}
/** There are none. */
export function checkBlocks(): void {}
