/** Matrices that take turns at an address, and wait in a temporary file meanwhile. */

import type { Kernels } from "../../kernels/kernels.ts";
import type { ScratchFile } from "../../kernels/scratch-file.ts";
import type { Matrices } from "../costs/matrices.ts";

/** Hands out places in the file. */
export interface FileRoom {
  readonly file: ScratchFile;
  /** The position of `bytes` fresh bytes. */
  take(bytes: number): number;
}

export function createFileRoom(file: ScratchFile): FileRoom {
  let end = 0;
  return {
    file,
    take(bytes) {
      end += bytes;
      return end - bytes;
    },
  };
}

/** The same matrices, of which those that wait are loaded when they are needed. `sizes`: n by number, 0 for none. */
export function waitingMatrices(
  kernels: Kernels,
  matrices: Matrices,
  waits: readonly boolean[],
  sizes: readonly number[],
  { file, take }: FileRoom,
): Matrices {
  /** By address, whose matrix is there, and whether it differs from the file's. */
  const there = new Map<number, { p: number; isChanged: boolean }>();
  const positions = new Map<number, number>();
  const bytes = (p: number): Uint8Array => kernels.u8(matrices.pointers[p]!, 4 * sizes[p]! ** 2);
  const positionOf = (p: number): number => {
    const position = positions.get(p) ?? take(4 * sizes[p]! ** 2);
    positions.set(p, position);
    return position;
  };
  return {
    ...matrices,
    async load(p, use) {
      if (!waits[p] || sizes[p] === 0) return;
      const at = matrices.pointers[p]!;
      const old = there.get(at);
      if (old?.p !== p) {
        if (old?.isChanged) file.write(bytes(old.p), positionOf(old.p));
        there.delete(at);
        if (use !== "replace") file.read(bytes(p), positionOf(p));
      }
      there.set(at, { p, isChanged: use !== "read" || (old?.p === p && old.isChanged) });
    },
  };
}
