/** CRC-32 as zip, gzip and PNG have it: polynomial 0xEDB88320, reflected, with all bits inverted before and after. */

import { createYielder } from "../base/progress.ts";
import type { Crc32 } from "../kernels/crc32.ts";
import type { ByteSource } from "./byte-source.ts";

/** Below this, loading the wasm takes longer than it saves. */
const LONG_BYTES = 4 * 2 ** 20;
/** Bytes between two yields. */
const PIECE_BYTES = 16 * 2 ** 20;

/** Starts a sum in wasm; null where there is none (edge workers). */
let startSum: (() => Crc32) | null | undefined;

/**
 * The CRC-32 of `bytes`, as `crc32` computes it. Long data go through a kernel that loads on demand, at twice the speed
 * (1.8 against 0.8 GB a second of one processor).
 */
export async function crc32Of(bytes: Uint8Array, signal?: AbortSignal): Promise<number> {
  if (bytes.length < LONG_BYTES) return crc32(bytes);
  if (startSum === undefined) startSum = await loadKernel();
  if (startSum === null) return crc32(bytes);
  const sum = startSum();
  const giveWay = createYielder(signal);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    await giveWay();
    sum.add(bytes.subarray(at, at + PIECE_BYTES));
  }
  return sum.value();
}

/** The same of all that a source has, a piece of it at a time in memory. */
export async function crc32OfSource(source: ByteSource, signal?: AbortSignal): Promise<number> {
  if (startSum === undefined && source.byteLength >= LONG_BYTES) startSum = await loadKernel();
  const sum = startSum?.();
  let crc = 0;
  for (let at = 0; at < source.byteLength; at += LONG_BYTES) {
    const bytes = await source.slice(at, Math.min(at + LONG_BYTES, source.byteLength), signal);
    if (sum === undefined) crc = crc32(bytes, crc);
    else sum.add(bytes);
  }
  return sum?.value() ?? crc;
}

/** A sum that is slower is better than none: engines may refuse wasm. */
async function loadKernel(): Promise<(() => Crc32) | null> {
  try {
    return (await import("../kernels/crc32.ts")).createCrc32();
  } catch {
    return null;
  }
}

const POLYNOMIAL = 0xedb88320;

/** Bytes a step: one table for each. */
const STEP = 8;

let tables: readonly Uint32Array[] | undefined;

/**
 * The CRC-32 of `bytes`, a number from 0 to 2^32−1. `before` is the CRC of the bytes that come before them: long data
 * can be given in pieces.
 *
 * @example
 * crc32(new TextEncoder().encode("123456789")).toString(16); // "cbf43926"
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  let crc = ~before;
  let i = 0;
  // Eight bytes a step ("slicing by 8", Intel 2006): their eight look-ups do not wait for each other.
  for (const end = bytes.length - STEP; i <= end; i += STEP) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      t7[crc & 255]! ^
      t6[(crc >>> 8) & 255]! ^
      t5[(crc >>> 16) & 255]! ^
      t4[crc >>> 24]! ^
      t3[bytes[i + 4]!]! ^
      t2[bytes[i + 5]!]! ^
      t1[bytes[i + 6]!]! ^
      t0[bytes[i + 7]!]!;
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 0;
}

/** Table k holds the CRCs of a byte that k zero bytes follow. */
function makeTables(): Uint32Array[] {
  const first = Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
  const all = [first];
  while (all.length < STEP) all.push(all.at(-1)!.map((crc) => (crc >>> 8) ^ first[crc & 255]!));
  return all;
}
