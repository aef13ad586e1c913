/** The bytes of a tensor as matching sees it. */

import type { Cell } from "../axes/types.ts";
import type { View } from "../axes/views.ts";
import { joinBytes } from "../base/join-bytes.ts";
import type { BytePart } from "../base/model.ts";

/**
 * What a view's elements are read through: its tensors one after the other, in the order of its layout. With
 * `block`, only the elements at that place of its first dimension, which is the slowest of the tensors, too.
 */
export async function readView(
  { names, layout }: Pick<View, "names" | "layout">,
  bytesPerElement: number,
  read: (name: string, part?: BytePart) => Promise<Uint8Array>,
  block?: number,
): Promise<Uint8Array> {
  if (block !== undefined) {
    const [first, ...dims] = layout === null ? [] : layout[0]!.dims;
    if (first === undefined) return read(names[block]!);
    const length = first.stride * bytesPerElement;
    const part = [block * length, (block + 1) * length] as const;
    const bytes = await (names.length > 1 ? read(names[block]!) : read(names[0]!, part));
    return laidOut(bytes, [{ base: 0, dims }], bytesPerElement);
  }
  const all = names.length === 1 ? await read(names[0]!) : await joined(names, read);
  return layout === null ? all : laidOut(all, layout, bytesPerElement);
}

async function joined(names: readonly string[], read: (name: string) => Promise<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  // A read may reuse its buffer for the next one.
  for (const name of names) parts.push((await read(name)).slice());
  return joinBytes(parts);
}

/** The elements of `bytes` in the order of the cells, in a fresh array. */
function laidOut(bytes: Uint8Array, layout: readonly Cell[], bytesPerElement: number): Uint8Array {
  const target = new Uint8Array(bytes.length);
  let to = 0;
  const copy = ({ dims }: Cell, depth: number, from: number): void => {
    const dim = dims[depth];
    const isRun = dim === undefined || (depth === dims.length - 1 && dim.stride === 1);
    if (isRun) {
      const run = (dim?.size ?? 1) * bytesPerElement;
      target.set(bytes.subarray(from * bytesPerElement, from * bytesPerElement + run), to);
      to += run;
      return;
    }
    for (let i = 0; i < dim.size; i++) copy({ base: 0, dims: dims as Cell["dims"] }, depth + 1, from + i * dim.stride);
  };
  for (const cell of layout) copy(cell, 0, cell.base);
  return target;
}
