/** Arrays whose elements are not contiguous: read into row-major order, and written back. */

/** A place for every element: a first one, and for each axis how far the next one is. In elements. */
export interface Strides {
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/** The strides of row-major order. */
export function rowMajor(shape: readonly number[]): number[] {
  const stride = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    stride[axis] = step;
    step *= shape[axis]!;
  }
  return stride;
}

/** The strides of column-major ("Fortran") order. */
export function columnMajor(shape: readonly number[]): number[] {
  let step = 1;
  return shape.map((size) => {
    const stride = step;
    step *= size;
    return stride;
  });
}

/**
 * True when the elements are in row-major order without gaps. Axes of size 1 do not count; without elements, none
 * does.
 */
export function isRowMajor({ shape, stride }: Strides): boolean {
  if (shape.includes(0)) return true;
  const expected = rowMajor(shape);
  return shape.every((size, axis) => size === 1 || stride[axis] === expected[axis]);
}

/** How many elements there are from the first to the last place, both counted. 0 without elements. */
export function spanOf({ shape, stride }: Strides): number {
  let last = 0;
  for (let axis = 0; axis < shape.length; axis++) {
    if (shape[axis] === 0) return 0;
    last += (shape[axis]! - 1) * stride[axis]!;
  }
  return last + 1;
}

/** Copies elements from their strided places into row-major order: a new array. `size` is an element's bytes. */
export function gather(from: Uint8Array, strides: Strides, size: number): Uint8Array<ArrayBuffer> {
  const count = strides.shape.reduce((product, length) => product * length, 1);
  const to = new Uint8Array(count * size);
  const { words, perElement } = wordsOf(from, size);
  moveElements(words, wordsOf(to, size).words, perElement, strides.shape, strides.stride, rowMajor(strides.shape));
  return to;
}

/**
 * Copies row-major elements to their strided places in `to`, which must be aligned to its elements as a new array is.
 * Where places are shared, the last element stays.
 */
export function scatter(from: Uint8Array, to: Uint8Array, strides: Strides, size: number): void {
  const { words, perElement } = wordsOf(from, size);
  moveElements(words, wordsOf(to, size).words, perElement, strides.shape, rowMajor(strides.shape), strides.stride);
}

type Words = Uint8Array | Uint16Array | Uint32Array;

/** Bytes as the largest words that make up an element, as patterns: floats would lose the payload of NaNs. */
function wordsOf(bytes: Uint8Array, size: number): { words: Words; perElement: number } {
  const width = Math.min(size, 4);
  const own: Uint8Array = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const length = Math.floor(own.length / width);
  if (width === 1) return { words: own, perElement: size };
  const Type = width === 2 ? Uint16Array : Uint32Array;
  return { words: new Type(own.buffer as ArrayBuffer, own.byteOffset, length), perElement: size / width };
}

function moveElements(
  from: Words,
  to: Words,
  perElement: number,
  shape: readonly number[],
  fromStride: readonly number[],
  toStride: readonly number[],
): void {
  if (shape.includes(0)) return;
  const axes = shape.length;
  const length = shape[axes - 1] ?? 1;
  const fromStep = (fromStride[axes - 1] ?? 0) * perElement;
  const toStep = (toStride[axes - 1] ?? 0) * perElement;
  const index = new Array<number>(Math.max(0, axes - 1)).fill(0);
  let a = 0;
  let b = 0;
  for (;;) {
    for (let i = 0, x = a, y = b; i < length; i++, x += fromStep, y += toStep)
      for (let word = 0; word < perElement; word++) to[y + word] = from[x + word]!;
    // The next place of the outer axes, the last of them first.
    let axis = axes - 2;
    for (; axis >= 0; axis--) {
      index[axis]!++;
      a += fromStride[axis]! * perElement;
      b += toStride[axis]! * perElement;
      if (index[axis]! < shape[axis]!) break;
      a -= fromStride[axis]! * perElement * shape[axis]!;
      b -= toStride[axis]! * perElement * shape[axis]!;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

/**
 * The bytes with those of every number reversed: a new array. `size` is a number's bytes (of a complex one, a
 * part's).
 */
export function swapBytes(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const swapped = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += size)
    for (let i = 0; i < size; i++) swapped[at + i] = bytes[at + size - 1 - i]!;
  return swapped;
}
