/**
 * Tensors as matching sees them. Tensors that a permutation exchanges as wholes are joined into one. If the units of a
 * nested permutation do not follow each other at one stride, the elements are laid out in another order. So every
 * dimension of a cell is a fixed size or one permutation.
 */

import { SpecError } from "../base/errors.ts";
import { elementCount } from "../base/model.ts";
import { append, axisStrides, cellsOf } from "./cells.ts";
import type { Cell, Dim, ResolvedFactor, ResolvedPermutation, ResolvedTensor } from "./types.ts";

export interface View {
  /** The tensors that it holds, one after the other. */
  readonly names: readonly string[];
  readonly cells: readonly Cell[];
  /** Where the elements of each cell are found in what `names` hold; null where they stay where they are. */
  readonly layout: readonly Cell[] | null;
}

/** Number of the permutation of all units that several permutations nested in `outer` number together. */
export type FibreNumber = (outer: number, parts: readonly number[]) => number;

/** Throws `SpecError` for nested permutations that meet in a way that matching does not know. */
export function viewOf(
  tensor: ResolvedTensor,
  permutations: readonly ResolvedPermutation[],
  fibreNumber: FibreNumber,
): View {
  const { slice, axes, name } = tensor;
  const names = slice?.names ?? [name];
  const isPlain = axes.every(({ segments }) =>
    segments.every(({ factors }) => factors.every(({ within }) => within === undefined)),
  );
  if (slice === undefined && isPlain) return { names, cells: cellsOf(tensor), layout: null };
  const composed = digitCells(tensor).map(({ base, digits }) => {
    const dims = composeDigits(tensor.name, digits, permutations, fibreNumber);
    return { base, dims };
  });
  if (composed.every(({ dims }) => dims.every(isUniform)))
    return { names, cells: composed.map(({ base, dims }) => merged(base, dims.map(uniformDim))), layout: null };
  let base = 0;
  const cells = composed.map(({ dims }) => {
    const cell = merged(base, rowMajor(dims));
    base += dims.reduce((count, dim) => count * sizeOf(dim), 1);
    return cell;
  });
  const layout = composed.map((cell) =>
    merged(
      cell.base,
      cell.dims.flatMap(({ digits }) => digits.map(free)),
    ),
  );
  return { names, cells, layout };
}

/** Digits that one permutation numbers together, the first the slowest. */
interface Composite {
  readonly permutation: number;
  readonly digits: readonly ResolvedFactor[];
}

const free = ({ size, stride }: ResolvedFactor): Dim => ({ size, stride, permutation: -1 });
const sizeOf = ({ digits }: Composite): number => digits.reduce((count, { size }) => count * size, 1);
const isUniform = ({ digits }: Composite): boolean =>
  digits.every(({ size, stride }, at) => at === 0 || digits[at - 1]!.stride === size * stride);
const uniformDim = (composite: Composite): Dim => ({
  size: sizeOf(composite),
  stride: composite.digits.at(-1)!.stride,
  permutation: composite.permutation,
});

function rowMajor(composites: readonly Composite[]): Dim[] {
  let stride = 1;
  return composites
    .toReversed()
    .map((composite) => {
      const dim = { size: sizeOf(composite), stride, permutation: composite.permutation };
      stride *= dim.size;
      return dim;
    })
    .reverse();
}

function merged(base: number, list: readonly Dim[]): Cell {
  const dims: Dim[] = [];
  for (const dim of list) append(dims, dim);
  return { base, dims };
}

/** One segment chosen on every axis, as digits; the slot of a slice is the first. */
function digitCells({ axes, slice, info }: ResolvedTensor): { base: number; digits: ResolvedFactor[] }[] {
  const strides = axisStrides(axes);
  const slot: ResolvedFactor[] = [];
  if (slice !== undefined)
    slot.push({ size: slice.names.length, stride: elementCount(info.shape), permutation: slice.permutation });
  let cells = [{ base: 0, digits: slot }];
  for (const [i, { segments }] of axes.entries())
    cells = cells.flatMap(({ base, digits }) =>
      segments
        .filter(({ length }) => length > 0)
        .map(({ offset, factors }) => ({
          base: base + offset * strides[i]!,
          digits: [...digits, ...factors.map((factor) => ({ ...factor, stride: factor.stride * strides[i]! }))],
        })),
    );
  return cells;
}

function composeDigits(
  name: string,
  digits: readonly ResolvedFactor[],
  permutations: readonly ResolvedPermutation[],
  fibreNumber: FibreNumber,
): Composite[] {
  const inside = (outer: number): ResolvedFactor[] => digits.filter(({ within }) => within === outer && outer >= 0);
  return digits.flatMap((root): Composite[] => {
    if (root.within !== undefined) return [];
    const chain = [root];
    for (;;) {
      const { permutation } = chain.at(-1)!;
      const parts = inside(permutation);
      if (parts.length === 0) return [{ permutation, digits: chain }];
      const numbers = parts.map((part) => part.permutation);
      const meets =
        digits.filter((each) => each.permutation === permutation).length > 1 ||
        (parts.length > 1 && numbers.some((p, at) => numbers.indexOf(p) !== at || inside(p).length > 0)) ||
        (parts.length > 1 && numbers.some((p) => permutations[p]!.outer !== permutation));
      if (meets)
        throw meetingFault(
          name,
          permutations[permutation]!.name,
          numbers.map((p) => permutations[p]!.name),
        );
      if (parts.length > 1) return [{ permutation: fibreNumber(permutation, numbers), digits: [...chain, ...parts] }];
      chain.push(parts[0]!);
    }
  });
}

function meetingFault(tensor: string, outer: string, parts: readonly string[]): SpecError {
  const found = `${tensor} has blocks of ${parts.join(", ")} in ${outer}`;
  return new SpecError(`${found}, expected ${outer} once, and one block or different ones nested directly in ${outer}`);
}
