/**
 * Matrices of nested permutations, such as the units of every expert, one block at a time. What is wanted of them is
 * the best order inside each pair of blocks. So neither n² blocks need be there together, nor whole tensors.
 */

import { elementBytes } from "../../base/dtype.ts";
import { readView } from "../../perm/read-view.ts";
import { accumulateStaged, type CostOptions, columnsOf } from "./accumulate-cost.ts";
import { isKept } from "./areas.ts";
import type { SlotsOfDim } from "./block-code.ts";
import { LARGE } from "./constants.ts";
import type { MatrixPlaces } from "./matrices.ts";
import { dotStaged } from "./objective.ts";
import type { Lookup } from "./offsets.ts";
import type { PlainWorkspace } from "./plain-workspace.ts";
import {
  type Group,
  isLinear,
  layOut,
  type Occurrence,
  type Outline,
  type Solving,
  type TensorOutline,
  type VotingCell,
} from "./problem.ts";

/**
 * See `BlockCode`: where no matrix is kept from visit to visit, and none is run along. Sizes alone decide, so no limit
 * of memory changes a sum.
 */
export function inBlocks(outline: Outline, { jointly, terms }: Pick<Solving, "jointly" | "terms">): Outline {
  return isKept(outline) || (jointly && !isLinear(outline)) ? outline : cutBlocks(outline, terms, LARGE);
}

/** The same outline; nested matrices of more than `large` entries, and the tensors that they come from, are cut. */
export function cutBlocks(outline: Outline, terms: Solving["terms"] = [], large: number): Outline {
  const sides = [...outline.sides];
  const tensors: (TensorOutline | TensorOutline[])[] = [...outline.tensors];
  for (const group of outline.groups) {
    const { root, nested } = group;
    const isLarge = nested.some((p) => outline.sides[p]! ** 2 > large);
    if (!isLarge || !outline.free[root] || !isPlain(outline, group) || nested.some((p) => terms[p])) continue;
    for (const p of nested) {
      sides[p] = outline.permutations[p]!.inner;
      for (const { tensor } of outline.occurrences[p]!)
        tensors[tensor] = cut(outline.tensors[tensor]!, outline.permutations[root]!.size);
    }
  }
  return { ...outline, ...layOut(tensors.flat(), outline.permutations), sides };
}

/** A tensor as so many, the first of which has the cells. */
function cut(tensor: TensorOutline, blocks: number): TensorOutline[] {
  const { view, dtype } = tensor;
  const elements = tensor.elements / blocks;
  const length = elements * elementBytes(dtype);
  return Array.from({ length: blocks }, (_, block) => ({
    ...{ ...tensor, elements, part: view === undefined ? [block * length, (block + 1) * length] : undefined },
    ...(block === 0 ? { blocks } : { cells: [] }),
    view: view && { ...view, read: (bytesPerElement, read) => readView(view, bytesPerElement, read, block) },
  }));
}

/** Whether all that is nested in the root is so directly, and its tensors are block after block. */
function isPlain({ permutations, fibres, occurrences, tensors }: Outline, { root, nested }: Group): boolean {
  const count = permutations[root]!.size;
  const rooted = new Set(occurrences[root]!.map(({ tensor }) => tensor));
  return nested.every(
    (p) =>
      permutations[p]!.outer === root &&
      !fibres.has(p) &&
      occurrences[p]!.every(({ tensor, dim }) => {
        const meets = tensors[tensor]!.cells.flatMap(({ dims }) => dims).filter((each) =>
          nested.includes(each.permutation),
        );
        return dim === 0 && meets.length === 1 && !rooted.has(tensor) && isStacked(tensors[tensor]!, count);
      }),
  );
}

/** Whether a tensor is `count` blocks one after the other, as it is staged and as it is read. */
function isStacked({ cells, elements, view }: TensorOutline, count: number): boolean {
  const [cell] = cells;
  const first = cell?.dims[0];
  if (first === undefined || cells.length > 1 || cell!.base !== 0 || count < 2) return false;
  if (first.stride * first.size !== elements) return false;
  const layout = view?.layout ?? null;
  const slowest = layout?.[0]?.dims[0];
  const laidOut =
    layout === null ||
    (layout[0]!.base === 0 && slowest!.size * slowest!.stride === elements && slowest!.size === count);
  return laidOut && (view === undefined || view.names.length === 1 || view.names.length === count);
}

/** Blocks that meet: which of B is at the place of block h of A, and the order of the units inside. */
interface Meeting {
  readonly from: number;
  readonly order: Int32Array | null;
}

function meeting(order: Int32Array | null, h: number, inner: number): Meeting {
  if (order === null) return { from: h, order: null };
  const from = Math.floor(order[h * inner]! / inner);
  return { from, order: order.subarray(h * inner, (h + 1) * inner).map((unit) => unit - from * inner) };
}

/** One block of a cell. */
function blockCell(cell: VotingCell, blocks: number): VotingCell {
  const [first, ...rest] = cell.dims;
  return { ...cell, dims: [{ ...first!, size: first!.size / blocks }, ...rest] };
}

/** See `BlockCode`. */
export async function dotBlocks(
  workspace: PlainWorkspace,
  tensor: number,
  cell: VotingCell,
  lookup: Lookup,
  part: SlotsOfDim | undefined,
): Promise<number> {
  const blocks = workspace.problem.tensors[tensor]!.blocks!;
  const own = blockCell(cell, blocks);
  const inner = own.dims[0]!.size;
  const orders = cell.dims.map(({ permutation }) => (permutation < 0 ? null : lookup(permutation)));
  let sum = 0;
  for (let h = 0; h < blocks; h++) {
    const slots = part?.dim === 0 ? slotsOf(part.slots, h, inner) : part?.slots;
    if (slots?.length === 0) continue;
    const { from, order } = meeting(orders[0]!, h, inner);
    const staged = await workspace.staging.stage(tensor + h, 1, tensor + from);
    sum += dotStaged(workspace, staged, own, orders.with(0, order), part && { dim: part.dim, slots: slots! });
  }
  return sum;
}

/** Those of block h, numbered inside it. */
const slotsOf = (slots: Int32Array, h: number, inner: number): Int32Array =>
  slots.filter((slot) => Math.floor(slot / inner) === h).map((slot) => slot - h * inner);

/** See `BlockCode`. The permutation is another one than that of the blocks. */
export async function accumulateBlocks(
  workspace: PlainWorkspace,
  permutation: number,
  { tensor, cell, dim }: Occurrence,
  lookup: Lookup,
  matrices: MatrixPlaces,
  options: CostOptions,
): Promise<void> {
  const { blocks } = workspace.problem.tensors[tensor]!;
  const { size, permutation: p } = cell.dims[0]!;
  const own = blockCell(cell, blocks!);
  const target = { c: matrices.pointers[permutation]!, n: workspace.problem.permutations[permutation]!.size };
  for (let h = 0; h < blocks!; h++) {
    const { from, order } = meeting(lookup(p), h, size / blocks!);
    const occurrence = { tensor: tensor + h, cell: own, dim };
    const columns = columnsOf(occurrence, (q) => (q === p ? order : lookup(q)));
    await accumulateStaged(workspace, occurrence, columns, target, options, tensor + from);
  }
}
