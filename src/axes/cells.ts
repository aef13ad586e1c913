/** A resolved tensor as strided boxes: where names end and the kernels' integers begin. */

import type { Cell, Dim, ResolvedAxis, ResolvedSegment, ResolvedTensor } from "./types.ts";

/**
 * The cells of a tensor: one segment chosen on every axis gives one strided box. They partition the flat tensor. Dims
 * are row-major; free dims (no permutation) that are contiguous are merged, free dims of size 1 dropped. An empty
 * tensor has no cells, a scalar one cell without dims.
 */
export function cellsOf(tensor: ResolvedTensor): Cell[] {
  const strides = axisStrides(tensor.axes);
  let cells: Cell[] = [{ base: 0, dims: [] }];
  tensor.axes.forEach((axis, i) => {
    const segments = axis.segments.filter((segment) => segment.length > 0);
    cells = cells.flatMap((cell) => segments.map((segment) => extend(cell, segment, strides[i]!)));
  });
  return cells;
}

export function axisStrides(axes: readonly ResolvedAxis[]): number[] {
  const strides: number[] = new Array(axes.length);
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= axes[i]!.length;
  }
  return strides;
}

function extend(cell: Cell, segment: ResolvedSegment, axisStride: number): Cell {
  const dims = [...cell.dims];
  for (const { size, stride, permutation } of segment.factors)
    append(dims, { size, stride: stride * axisStride, permutation });
  return { base: cell.base + segment.offset * axisStride, dims };
}

/** Appends a dim; contiguous means that one step of the last dim is a whole run of the new one. */
export function append(dims: Dim[], dim: Dim): void {
  if (dim.permutation < 0 && dim.size === 1) return;
  const last = dims.at(-1);
  const merges =
    last !== undefined && last.permutation < 0 && dim.permutation < 0 && last.stride === dim.size * dim.stride;
  if (merges) dims[dims.length - 1] = { size: last.size * dim.size, stride: dim.stride, permutation: -1 };
  else dims.push(dim);
}
