/** Finds where numbers stop being finite. */

import type { Kernels } from "./kernels.ts";

/**
 * Throws `RangeError` naming `where` for the first NaN or infinity among `count` f32 (`wide`: f64) at `pointer`.
 * `first`: the number of the first element.
 */
export function requireFinite(
  kernels: Kernels,
  pointer: number,
  count: number,
  where: string,
  wide = false,
  first = 0,
): void {
  const { wasm } = kernels;
  const at = wide ? wasm.nonfinite64(pointer, count) : wasm.nonfinite32(pointer, count);
  if (at < 0) return;
  const value = (wide ? kernels.f64(pointer, count) : kernels.f32(pointer, count))[at];
  throw new RangeError(`${where} has ${value} at element ${first + at}, expected finite numbers`);
}
