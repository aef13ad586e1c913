/** Arrays of any rank in f64, read and made by position: slow and obvious. */

export interface NdArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function ndArray(shape: readonly number[], data: ArrayLike<number>): NdArray {
  return { shape, data: Float64Array.from(data) };
}

/** The array whose element at each position is `make(position)`. */
export function build(shape: readonly number[], make: (position: readonly number[]) => number): NdArray {
  const data = new Float64Array(countOf(shape));
  const position = shape.map(() => 0);
  for (let at = 0; at < data.length; at++) {
    data[at] = make(position);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis]! += 1;
      if (position[axis]! < shape[axis]!) break;
      position[axis] = 0;
    }
  }
  return { shape, data };
}

/** The element at a position; along axes of size 1 every position is the first, and missing axes at the front are left out. */
export function at({ shape, data }: NdArray, position: readonly number[]): number {
  const skip = position.length - shape.length;
  let index = 0;
  for (const [axis, size] of shape.entries()) index = index * size + (size === 1 ? 0 : position[axis + skip]!);
  return data[index]!;
}

/** The shape that these shapes broadcast to. */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sizes.includes(0) ? 0 : Math.max(...sizes);
  });
}

/** All positions of a shape, the last axis fastest. */
export function* positions(shape: readonly number[]): Generator<number[]> {
  const count = countOf(shape);
  const position = shape.map(() => 0);
  for (let k = 0; k < count; k++) {
    yield [...position];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      position[axis]! += 1;
      if (position[axis]! < shape[axis]!) break;
      position[axis] = 0;
    }
  }
}
