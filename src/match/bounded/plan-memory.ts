/**
 * What stays in memory when not everything may. Some cost matrices have their own place, others share one and wait in a
 * file; some tensors are held as they are in their files. Sizes alone decide, and no result depends on it.
 */

import type { Kernels } from "../../kernels/kernels.ts";
import {
  allocateShared,
  areasEnd,
  isKept,
  type MatrixSet,
  matrixBytes,
  type Needs,
  type PlaceSet,
} from "../costs/areas.ts";
import { bytesOf, type Outline } from "../costs/problem.ts";

/** All that 32-bit addresses reach. */
const WASM_BYTES = 2 ** 32;
/** The most that aligning an allocation can add. */
const ALIGNMENT = 64;
/** The runtime with its code, pieces of tensors that are on their way, lists of offsets, orders, and merging. */
export const OTHER_BYTES = 108e6;

/** By set and permutation: whether a matrix shares its address with those of other groups, and waits in a file. */
export type Waiting = Readonly<Record<MatrixSet, readonly boolean[]>>;

export interface MemoryPlan {
  readonly waiting: Waiting;
  /** By tensor: whether its bytes of A and of B are held. */
  readonly held: readonly boolean[];
  /** Byte address up to which wasm memory is used. */
  readonly end: number;
}

/** `isFirm`: what needs more is refused. Else it takes the least that it needs. */
export interface MemoryLimit {
  readonly bytes: number;
  readonly isFirm: boolean;
}

/**
 * The plan that holds most within a limit. Null where everything fits, and none is needed. Rejects with `RangeError`
 * that has the least that is needed. `hasFile`: whether matrices can wait in one.
 */
export async function planMemory(
  kernels: Kernels,
  outline: Outline,
  needs: Needs,
  { bytes: memory, isFirm }: MemoryLimit,
  hasFile: () => Promise<boolean>,
): Promise<MemoryPlan | null> {
  const sizes = outline.tensors.map((tensor) => 2 * bytesOf(tensor));
  const whole = areasEnd(kernels, outline, needs);
  const room = Math.min(memory - OTHER_BYTES, WASM_BYTES);
  if (whole <= room && sizes.reduce((sum, bytes) => sum + bytes, whole) <= memory - OTHER_BYTES) return null;
  const fits = whole <= room;
  const waiting = fits || !(await hasFile()) ? noneWaits(outline) : fitMatrices(kernels, outline, needs, room);
  const end = areasEnd(kernels, outline, { ...needs, place: placeWaiting(waiting) });
  if (end > (isFirm ? room : WASM_BYTES)) throw tooLittle(memory, end, await hasFile());
  return { waiting, end, held: fit(sizes, memory - OTHER_BYTES - end) };
}

/** The least limit that `planMemory` accepts where matrices can wait in a file. */
export function leastMemory(kernels: Kernels, outline: Outline, needs: Needs): number {
  const all = outline.permutations.map(() => true);
  return areasEnd(kernels, outline, { ...needs, place: placeWaiting({ kept: all, running: all }) }) + OTHER_BYTES;
}

/** `end`: bytes of wasm memory at least. */
function tooLittle(memory: number, end: number, hasFile: boolean): RangeError {
  const why = hasFile
    ? ""
    : " (matrices cannot wait in a temporary file here, as they can in Node and in workers of pages with private files)";
  if (end > WASM_BYTES) return new RangeError(`wasm memory ${end} bytes needed${why}, expected at most ${WASM_BYTES}`);
  return new RangeError(`memory ${memory} bytes${why}, expected at least ${end + OTHER_BYTES} to match these models`);
}

/** By index, whether a size is among those that fit together, first come first served. */
function fit(sizes: readonly number[], room: number): boolean[] {
  let left = room;
  return sizes.map((size) => {
    if (size > left) return false;
    left -= size;
    return true;
  });
}

function noneWaits({ permutations }: Outline): Waiting {
  const waits = permutations.map(() => false);
  return { kept: waits, running: waits };
}

/** Every matrix waits at first; then as many as fit get their own places, the running ones first. */
function fitMatrices(kernels: Kernels, outline: Outline, needs: Needs, room: number): Waiting {
  const all = outline.permutations.map(() => true);
  const least = areasEnd(kernels, outline, { ...needs, place: placeWaiting({ kept: all, running: all }) });
  const sizes = matrixBytes(outline).map((bytes) => bytes + ALIGNMENT);
  let left = Math.max(0, room - least);
  const waits = (isThere: boolean): boolean[] => {
    if (!isThere) return all;
    const fits = fit(sizes, left);
    for (const [p, size] of sizes.entries()) if (fits[p]) left -= size;
    return fits.map((own) => !own);
  };
  const running = waits(needs.jointly);
  return { running, kept: waits(isKept(outline)) };
}

/** Separate addresses for matrices that stay, one for each member of a group for those that wait. */
export function placeWaiting(waiting: Waiting): PlaceSet {
  return (arena, outline, set) => {
    const waits = waiting[set];
    const bytes = matrixBytes(outline);
    const shared = waits.includes(true)
      ? allocateShared(
          arena,
          outline.groups,
          bytes.map((size, p) => (waits[p] ? size : 0)),
        )
      : [];
    return { pointers: bytes.map((size, p) => (waits[p] ? shared[p]! : arena.allocate(size))), shared: false };
  };
}
