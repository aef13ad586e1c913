/** Long tables some rows at a time, so that a matching never holds one whole. */

import { elementBytes } from "../../base/dtype.ts";
import { K_BLOCK } from "../../kernels/constants.ts";
import { LARGE } from "./constants.ts";
import { layOut, type Outline, type TensorOutline } from "./problem.ts";

/**
 * The same outline; a large table whose rows do not move is several tensors. Sizes alone decide, so no limit of memory
 * changes a sum.
 */
export function cutRows(outline: Outline): Outline {
  return { ...outline, ...layOut(outline.tensors.flatMap(piecesOf), outline.permutations) };
}

function piecesOf(tensor: TensorOutline): TensorOutline[] {
  const { cells, elements, dtype, view } = tensor;
  const [cell] = cells;
  const [first, ...rest] = cell?.dims ?? [];
  if (first === undefined || elements <= LARGE || view !== undefined) return [tensor];
  const { size, stride, permutation } = first;
  // Whole blocks of the kernel: then the sums of a cost matrix are those of one piece.
  const most = Math.max(1, Math.floor(LARGE / stride / K_BLOCK)) * K_BLOCK;
  if (permutation >= 0 || size * stride !== elements) return [tensor];
  const row = stride * elementBytes(dtype);
  return Array.from({ length: Math.ceil(size / most) }, (_, at): TensorOutline => {
    const [from, to] = [at * most, Math.min(size, (at + 1) * most)];
    const dims = [{ ...first, size: to - from }, ...rest];
    const part = [from * row, to * row] as const;
    return { ...tensor, elements: (to - from) * stride, cells: [{ ...cell!, dims }], part };
  });
}
