/** Operators that move elements. */

import { at, broadcastShape, build, countOf, type NdArray, ndArray } from "./arrays.ts";
import type { Run } from "./run-graph.ts";

const numbers = (array: NdArray | undefined): number[] => [...(array?.data ?? [])];

const shaped = (x: NdArray, shape: readonly number[]): NdArray => ({ shape, data: x.data });

const reshape: Run = ([x, target]) => {
  const sizes = numbers(target).map((size, axis) => (size === 0 ? x!.shape[axis]! : size));
  const rest = sizes.reduce((product, size) => (size === -1 ? product : product * size), 1);
  return [
    shaped(
      x!,
      sizes.map((size) => (size === -1 ? x!.data.length / rest : size)),
    ),
  ];
};

const flatten: Run = ([x], attributes) => {
  const axis = attributes.number("axis", 1);
  return [shaped(x!, [countOf(x!.shape.slice(0, axis)), countOf(x!.shape.slice(axis))])];
};

const squeeze: Run = ([x, axes]) => {
  const gone = numbers(axes).map((axis) => (axis + x!.shape.length) % x!.shape.length);
  return [
    shaped(
      x!,
      x!.shape.filter((_, axis) => !gone.includes(axis)),
    ),
  ];
};

const unsqueeze: Run = ([x, axes]) => {
  const shape = [...x!.shape];
  for (const axis of numbers(axes).sort((a, b) => a - b)) shape.splice(axis, 0, 1);
  return [shaped(x!, shape)];
};

const transpose: Run = ([x], attributes) => {
  const order = attributes.numbers("perm") ?? x!.shape.map((_, k) => x!.shape.length - 1 - k);
  return [
    build(
      order.map((axis) => x!.shape[axis]!),
      (position) =>
        at(
          x!,
          x!.shape.map((_, axis) => position[order.indexOf(axis)]!),
        ),
    ),
  ];
};

const expand: Run = ([x, target]) => [
  build(broadcastShape([x!.shape, numbers(target)]), (position) => at(x!, position)),
];

const tile: Run = ([x, repeats]) => [
  build(
    x!.shape.map((size, axis) => size * repeats!.data[axis]!),
    (position) =>
      at(
        x!,
        position.map((p, axis) => p % x!.shape[axis]!),
      ),
  ),
];

const concat: Run = (inputs, attributes) => {
  const parts = inputs as NdArray[];
  const axis = (attributes.number("axis", 0) + parts[0]!.shape.length) % parts[0]!.shape.length;
  const size = parts.reduce((sum, part) => sum + part.shape[axis]!, 0);
  return [
    build(parts[0]!.shape.with(axis, size), (position) => {
      let [which, own] = [0, position[axis]!];
      while (own >= parts[which]!.shape[axis]!) own -= parts[which++]!.shape[axis]!;
      return at(parts[which]!, position.with(axis, own));
    }),
  ];
};

/** Positions `from`, `from + step`, … of an axis. */
const strided = (x: NdArray, axis: number, from: number, count: number, step = 1): NdArray =>
  build(x.shape.with(axis, count), (position) => at(x, position.with(axis, from + position[axis]! * step)));

const slice: Run = ([x, starts, ends, axes, steps]) => {
  let result = x!;
  for (const [k, start] of numbers(starts).entries()) {
    const axis = axes === undefined ? k : (axes.data[k]! + x!.shape.length) % x!.shape.length;
    const size = result.shape[axis]!;
    const step = steps?.data[k] ?? 1;
    const wrap = (p: number): number => (p < 0 ? p + size : p);
    const low = step > 0 ? Math.min(wrap(start), size) : Math.min(wrap(start), size - 1);
    const end = ends!.data[k]!;
    const high = step > 0 ? Math.min(wrap(end), size) : Math.max(end < -size ? -1 : wrap(end), -1);
    result = strided(result, axis, low, Math.max(0, Math.ceil((high - low) / step)), step);
  }
  return [result];
};

const split: Run = ([x, sizes], attributes, outputs) => {
  const axis = (attributes.number("axis", 0) + x!.shape.length) % x!.shape.length;
  const parts = sizes === undefined ? Array<number>(outputs).fill(x!.shape[axis]! / outputs) : numbers(sizes);
  let from = 0;
  return parts.map((count) => {
    const part = strided(x!, axis, from, count);
    from += count;
    return part;
  });
};

const gather: Run = ([x, indices], attributes) => {
  const axis = attributes.number("axis", 0);
  const rank = indices!.shape.length;
  return [
    build([...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)], (position) => {
      const row = at(indices!, position.slice(axis, axis + rank));
      return at(x!, [...position.slice(0, axis), row, ...position.slice(axis + rank)]);
    }),
  ];
};

const pad: Run = ([x, pads]) => {
  const rank = x!.shape.length;
  const [before, after] = [numbers(pads).slice(0, rank), numbers(pads).slice(rank)];
  return [
    build(
      x!.shape.map((size, axis) => size + before[axis]! + after[axis]!),
      (position) => {
        const own = position.map((p, axis) => p - before[axis]!);
        return own.every((p, axis) => p >= 0 && p < x!.shape[axis]!) ? at(x!, own) : 0;
      },
    ),
  ];
};

/** Nearest, by whole scales. */
const resize: Run = ([x, , scales]) => [
  build(
    x!.shape.map((size, axis) => size * scales!.data[axis]!),
    (position) =>
      at(
        x!,
        position.map((p, axis) => Math.floor(p / scales!.data[axis]!)),
      ),
  ),
];

const depthToSpace: Run = ([x], attributes) => {
  const b = attributes.number("blocksize", 1);
  const [n, c, h, w] = x!.shape as [number, number, number, number];
  const depth = c / (b * b);
  const crd = attributes.text("mode", "DCR") === "CRD";
  return [
    build([n, depth, h * b, w * b], ([i, k, y, z]) => {
      const block = (y! % b) * b + (z! % b);
      return at(x!, [i!, crd ? k! * b * b + block : block * depth + k!, Math.floor(y! / b), Math.floor(z! / b)]);
    }),
  ];
};

/** One entry for each kind. */
export const MOVING: readonly [string, Run][] = [
  ["Reshape", reshape],
  ["Flatten", flatten],
  ["Squeeze", squeeze],
  ["Unsqueeze", unsqueeze],
  ["Transpose", transpose],
  ["Expand", expand],
  ["Tile", tile],
  ["Concat", concat],
  ["Slice", slice],
  ["Split", split],
  ["Gather", gather],
  ["Pad", pad],
  ["Resize", resize],
  ["DepthToSpace", depthToSpace],
  ["Shape", ([x]) => [ndArray([x!.shape.length], x!.shape)]],
  ["ConstantOfShape", ([shape], attributes) => [build(numbers(shape), () => attributes.number("value", 0))]],
];
