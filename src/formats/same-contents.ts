/** Whether a model still fits the container it came from: what writers that patch ask first. */

import { listFirst } from "../base/compare-tensors.ts";
import { describe } from "../base/describe.ts";
import type { Model, TensorInfo } from "../base/model.ts";

/** True when both have the same names with the same dtypes and shapes, in any order. */
export function sameTensorInfos(a: ReadonlyMap<string, TensorInfo>, b: ReadonlyMap<string, TensorInfo>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, { dtype, shape }] of a) {
    const other = b.get(name);
    if (other === undefined || other.dtype !== dtype || other.shape.join() !== shape.join()) return false;
  }
  return true;
}

/** Throws `RangeError`, in one line, unless `model` fits the file `source`, which other tensors have no room in. */
export function requireSameInfos(
  model: Pick<Model, "name" | "tensors">,
  tensors: ReadonlyMap<string, TensorInfo>,
  source: string,
): void {
  if (sameTensorInfos(model.tensors, tensors)) return;
  throw new RangeError(
    `${model.name} has other tensors than ${source}, expected the same names, dtypes and shapes: write a .safetensors file`,
  );
}

/** Throws `RangeError` where the file `source` holds numbers that are no tensors here: their units would not move. */
export function requireNumbersRead(
  leftOut: readonly { readonly name: string; readonly what: string; readonly isNumeric: boolean }[],
  source: string,
): void {
  const missing = leftOut.find(({ isNumeric }) => isNumeric);
  if (missing === undefined) return;
  throw new RangeError(
    `${source} holds ${describe(missing.name)} (${missing.what}), whose units would stay where they are, so it is only read: expected tensors of plain types`,
  );
}

/** What stays in the file `source` although it belongs to the old tensors: training state, and all else. */
export function staleNotes(source: string, training: readonly string[], others: readonly string[]): string[] {
  const notes: string[] = [];
  if (training.length > 0)
    notes.push(`kept from ${source} and stale, as it fits the old weights: ${listFirst(training)}`);
  if (others.length > 0) notes.push(`kept from ${source} as they were: ${listFirst(others)}`);
  return notes;
}

/** For an output that could not be a copy of the file it was made from. */
export function newFileNote(source: string): string {
  return `a new file, as ${source} has other tensors: what else is in ${source} is not in it`;
}

/** True when both have the same entries, in any order. */
export function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, value] of a) if (b.get(key) !== value) return false;
  return true;
}

/** True when both have the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  // Four bytes at a time where both are aligned.
  const words = a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0 ? Math.floor(a.length / 4) : 0;
  const [x, y] = words === 0 ? [[], []] : [wordsOf(a, words), wordsOf(b, words)];
  for (let i = 0; i < words; i++) if (x[i] !== y[i]) return false;
  for (let i = words * 4; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function wordsOf({ buffer, byteOffset }: Uint8Array, count: number): Int32Array {
  return new Int32Array(buffer, byteOffset, count);
}
