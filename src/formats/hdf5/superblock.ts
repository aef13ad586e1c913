/** The first block of an HDF5 file: its version, its widths of numbers, and where the root group is. */

import { FormatError } from "../../base/errors.ts";
import { readU64, viewOf } from "../../io/little-endian.ts";
import type { Hdf5Bytes } from "./hdf5-bytes.ts";

const SIGNATURE = "\x89HDF\r\n\x1a\n";
/** A user block before the file proper has 512 bytes, or a power of two times as many. */
const FIRST_USER_BLOCK = 512;
const HEAD = 16;

/** Reads the superblock, sets the widths of `file`, and gives the address of the root group's header. */
export async function readSuperblock(file: Hdf5Bytes): Promise<number> {
  const base = await findSignature(file);
  file.widths = { offset: 8, length: 8, base };
  const head = await file.part(0, HEAD, "the superblock");
  head.skip(SIGNATURE.length);
  const version = head.version(0, 1, 2, 3);
  if (version < 2) head.skip(4);
  const [offset, length] = [head.u8(), head.u8()];
  for (const width of [offset, length])
    if (![2, 4, 8].includes(width)) throw head.fault(`has numbers of ${width} bytes, expected 2, 4 or 8`);
  file.widths = { offset, length, base };
  // Where the addresses begin: after what each version says before them.
  const start = [24, 28, 12, 12][version]!;
  const count = version < 2 ? 6 : 4;
  const part = await file.part(0, start + count * offset + (version < 2 ? 0 : 4), "the superblock");
  if (version >= 2) part.checkEnd();
  part.skip(start);
  const addresses = Array.from({ length: count }, () => part.offset());
  // Versions 0 and 1: base, free space, end, driver, name of the root, root. Later: base, extension, end, root.
  const [said, , end] = addresses;
  const root = addresses.at(-1)!;
  if (said !== base && said !== 0) throw part.fault(`has the base address ${said}, expected ${base}`);
  // Files whose addresses count from 0 although a user block comes first are rare, and h5py reads them so.
  if (said === 0) file.widths = { offset, length, base: 0 };
  const size = file.source.byteLength;
  if (file.widths.base + end! > size)
    throw new FormatError(`${file.name} has ${size} bytes, expected ${file.widths.base + end!}: the file is cut`);
  return root;
}

async function findSignature(file: Hdf5Bytes): Promise<number> {
  const { source, name } = file;
  for (let at = 0; at + SIGNATURE.length <= source.byteLength; at = at === 0 ? FIRST_USER_BLOCK : at * 2) {
    const bytes = await source.slice(at, at + SIGNATURE.length);
    if (readU64(viewOf(bytes), 0) === Number.POSITIVE_INFINITY && String.fromCharCode(...bytes) === SIGNATURE)
      return at;
  }
  throw new FormatError(`${name} has no signature of HDF5, expected a file of Keras or h5py`);
}
