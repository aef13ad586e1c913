/** NumPy's .npz files: zip archives of .npy files. */

import { FormatError } from "../base/errors.ts";
import { bytesSource } from "../io/byte-source.ts";
import { openZip, readZipEntry } from "../io/zip.ts";
import { MAX_UNPACKED } from "./gunzip.ts";
import type { NamedBytes } from "./idx.ts";
import { type NpyArray, parseNpy } from "./npy.ts";

/** A data set has a handful of arrays. */
const MAX_ENTRIES = 256;
const SUFFIX = ".npy";

/**
 * The arrays of a .npz file by their names (without `.npy`). Entries of other kinds are left out.
 *
 * @throws {FormatError} naming the file and the array, for a broken archive, one that unpacks to more than 1 GiB, and
 * what `parseNpy` refuses.
 *
 * @example
 * const arrays = await readNpz({ name: "test.npz", bytes });
 * const images = arrays.get("x");
 */
export async function readNpz({ name, bytes }: NamedBytes): Promise<Map<string, NpyArray>> {
  const zip = await openZip(bytesSource(bytes, name));
  if (zip.entries.size > MAX_ENTRIES)
    throw new FormatError(`${name} has ${zip.entries.size} entries, expected at most ${MAX_ENTRIES}`);
  const entries = [...zip.entries.values()].filter((entry) => entry.name.endsWith(SUFFIX));
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  if (total > MAX_UNPACKED)
    throw new FormatError(`${name} unpacks to ${total} bytes, expected at most ${MAX_UNPACKED}`);
  const arrays = new Map<string, NpyArray>();
  for (const entry of entries) {
    const array = parseNpy(await readZipEntry(zip, entry), `${name}: ${entry.name}`);
    arrays.set(entry.name.slice(0, -SUFFIX.length), array);
  }
  return arrays;
}
