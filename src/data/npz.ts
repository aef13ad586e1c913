/** NumPy's .npz files: zip archives of .npy files. */

import { FormatError } from "../base/errors.ts";
import { MAX_UNPACKED } from "./gunzip.ts";
import type { NamedBytes } from "./idx.ts";
import { type NpyArray, parseNpy } from "./npy.ts";

/** A data set has a handful of arrays. */
const MAX_ENTRIES = 256;
const SUFFIX = ".npy";

/**
 * The arrays of a .npz file by their names (without `.npy`). Entries of other kinds are left out. Rejects with
 * `FormatError`, naming the file and the array, for a broken archive, one that unpacks to more than 1 GiB, and what
 * `parseNpy` refuses.
 *
 * @example
 * const arrays = await readNpz({ name: "test.npz", bytes });
 * const images = arrays.get("x");
 */
export async function readNpz({ name, bytes }: NamedBytes): Promise<Map<string, NpyArray>> {
  const { unzipSync } = await import("fflate");
  let total = 0;
  const names = new Set<string>();
  let unpacked: Record<string, Uint8Array>;
  try {
    unpacked = unzipSync(bytes, {
      filter: (entry) => {
        if (names.has(entry.name)) throw new FormatError(`${name} has two entries ${entry.name}, expected one`);
        names.add(entry.name);
        if (names.size > MAX_ENTRIES)
          throw new FormatError(`${name} has ${names.size} entries, expected at most ${MAX_ENTRIES}`);
        if (!entry.name.endsWith(SUFFIX)) return false;
        total += entry.originalSize;
        if (total > MAX_UNPACKED)
          throw new FormatError(`${name} unpacks to ${total} bytes or more, expected at most ${MAX_UNPACKED}`);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${name} does not unzip (${(error as Error).message}), expected a .npz archive`);
  }
  const arrays = new Map<string, NpyArray>();
  for (const [entry, data] of Object.entries(unpacked)) {
    if (entry.endsWith(SUFFIX)) arrays.set(entry.slice(0, -SUFFIX.length), parseNpy(data, `${name}: ${entry}`));
  }
  return arrays;
}
