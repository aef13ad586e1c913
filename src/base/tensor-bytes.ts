/** How many bytes a tensor has. The one place where sizes of files and of callers are checked against overflow. */

import { describe } from "./describe.ts";
import { DTYPES, type Dtype, isDtype } from "./dtype.ts";
import type { TensorInfo } from "./model.ts";

/**
 * Number of bytes of a tensor, exact. Sub-byte dtypes must fill whole bytes.
 *
 * The product of the sizes that are not 0 must stay below 2^53 bits, also when another size is 0: no other product of
 * these sizes can then lose precision. Throws what `fault` makes of the message, a `RangeError` by default.
 *
 * @example
 * tensorBytes({ dtype: "F16", shape: [3, 5] }); // 30
 */
export function tensorBytes(info: TensorInfo, fault: (message: string) => Error = defaultFault): number {
  if (!isDtype(info.dtype)) throw fault(`has dtype ${describe(info.dtype)}, expected one of ${dtypeNames()}`);
  const { bits } = DTYPES[info.dtype];
  let total: number = bits;
  let isEmpty = false;
  for (const size of info.shape) {
    if (!isCount(size)) {
      throw fault(`has shape ${describe(info.shape)}, expected whole numbers from 0 to 2^53-1`);
    }
    if (size === 0) isEmpty = true;
    else total *= size;
    // Checked after every product: below the limit each one is exact.
    if (total > Number.MAX_SAFE_INTEGER) {
      throw fault(`has shape ${describe(info.shape)} of ${info.dtype}, expected less than 2^53 bits`);
    }
  }
  if (isEmpty) return 0;
  if (total % 8 !== 0)
    throw fault(`has ${total} bits (${describe(info.shape)} of ${info.dtype}), expected whole bytes`);
  return total / 8;
}

/** True for a whole number from 0 to 2^53−1, and not for −0. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

function defaultFault(message: string): RangeError {
  return new RangeError(`tensor ${message}`);
}

function dtypeNames(): string {
  return (Object.keys(DTYPES) as Dtype[]).join(", ");
}
