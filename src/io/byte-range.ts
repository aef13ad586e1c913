/** The one check of byte ranges, shared by every source. */

import { isCount } from "../base/tensor-bytes.ts";

/** Throws `RangeError` unless `0 <= start <= end <= byteLength`, all whole numbers. */
export function checkRange(name: string, byteLength: number, start: number, end: number): void {
  if (isCount(start) && isCount(end) && start <= end && end <= byteLength) return;
  throw new RangeError(`${name} range ${start} to ${end}, expected a range inside its ${byteLength} bytes`);
}
