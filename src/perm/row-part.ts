/** Some rows of a tensor, as a tensor: what is too large in one piece is moved and blended part by part. */

import type { ResolvedTensor } from "../axes/types.ts";
import { elementBytes } from "../base/dtype.ts";
import { type BytePart, elementCount } from "../base/model.ts";

/**
 * The rows of `tensor` whose bytes are `part`. Null where the part is not of whole rows. Null too where rows, or whole
 * tensors, move: then the rows of the result are not those of the file.
 */
export function rowPart(
  { axes: [first, ...rest], info, slice }: ResolvedTensor,
  [begin, end]: BytePart,
): Pick<ResolvedTensor, "axes" | "info"> | null {
  const [, ...shape] = info.shape;
  const row = elementCount(shape) * elementBytes(info.dtype);
  if (first === undefined || slice !== undefined || begin % row !== 0 || end % row !== 0) return null;
  if (first.segments.some(({ factors }) => factors.some(({ permutation }) => permutation >= 0))) return null;
  const rows = (end - begin) / row;
  return { axes: [{ ...first, length: rows, segments: [] }, ...rest], info: { ...info, shape: [rows, ...shape] } };
}
