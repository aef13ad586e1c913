/** Between a chunk and the dataset that it is a box of. */

/** A chunk's place. `size` is an element's bytes. A chunk at the border has elements outside of the dataset. */
export interface Box {
  readonly shape: readonly number[];
  readonly chunk: readonly number[];
  readonly at: readonly number[];
  readonly size: number;
}

/**
 * Copies a chunk's elements to their places in the dataset ("out"), or from there ("in"); those outside stay as they
 * are.
 */
export function copyChunk(
  { shape, chunk, at, size }: Box,
  bytes: Uint8Array,
  whole: Uint8Array,
  way: "out" | "in",
): void {
  const axes = shape.length;
  const counts = shape.map((length, axis) => Math.min(chunk[axis]!, length - at[axis]!));
  const run = (counts[axes - 1] ?? 1) * size;
  const index = new Array<number>(axes).fill(0);
  for (;;) {
    let [from, to] = [0, 0];
    for (let axis = 0; axis < axes; axis++) {
      from = from * chunk[axis]! + index[axis]!;
      to = to * shape[axis]! + at[axis]! + index[axis]!;
    }
    if (way === "out") whole.set(bytes.subarray(from * size, from * size + run), to * size);
    else bytes.set(whole.subarray(to * size, to * size + run), from * size);
    let axis = axes - 2;
    for (; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < counts[axis]!) break;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
