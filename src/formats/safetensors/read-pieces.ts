/** The bytes of a tensor in order, some rows at a time where it is large. */

import { describe } from "../../base/describe.ts";
import type { Model, TensorInfo } from "../../base/model.ts";

/** Larger tensors are read some rows at a time, where the model gives parts of them. */
const [LARGE_BYTES, PIECE_BYTES] = [2 ** 25, 2 ** 23];

/** Nothing for a tensor without bytes. Throws `RangeError` where the model gives other than `expected` bytes. */
export async function* readPieces(
  model: Model,
  name: string,
  info: TensorInfo,
  expected: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const step = stepOf(info, expected);
  for (let at = 0; at === 0 || at < expected; ) {
    const part = [at, Math.min(at + step, expected)] as const;
    const bytes = await model.read(name, signal, undefined, step < expected ? part : undefined);
    // A model that gives no parts gives all at once.
    if (bytes.length !== part[1] - at && (bytes.length !== expected || at > 0))
      throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${expected}`);
    if (bytes.length === 0) return;
    yield bytes;
    at += bytes.length;
  }
}

/** Bytes of whole rows that are read at a time. */
function stepOf({ shape: [rows] }: TensorInfo, bytes: number): number {
  const row = bytes / (rows ?? 1);
  return Number.isInteger(row) && bytes > LARGE_BYTES ? Math.ceil(PIECE_BYTES / row) * row : bytes;
}
