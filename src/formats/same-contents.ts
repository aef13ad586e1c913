/** Whether a model still fits the container it came from: what writers that patch ask first. */

import type { TensorInfo } from "../base/model.ts";

/** True when both have the same names with the same dtypes and shapes, in whatever order. */
export function sameTensorInfos(a: ReadonlyMap<string, TensorInfo>, b: ReadonlyMap<string, TensorInfo>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, { dtype, shape }] of a) {
    const other = b.get(name);
    if (other === undefined || other.dtype !== dtype || other.shape.join() !== shape.join()) return false;
  }
  return true;
}

/** Said of an output that could not be a copy of the file it was made from. */
export function newFileNote(source: string): string {
  return `a new file, as ${source} has other tensors: what else is in ${source} is not in it`;
}

/** True when both have the same entries, in whatever order. */
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
