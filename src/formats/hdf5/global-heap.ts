/** Texts of any length, which HDF5 keeps in collections and refers to by address and number. */

import { type Hdf5Bytes, Hdf5Part, NOWHERE } from "./hdf5-bytes.ts";

/** Reads a reference (length, address of a collection, number in it) and gives the text that it leads to. */
export async function readHeapText(file: Hdf5Bytes, reference: Hdf5Part): Promise<Hdf5Part> {
  const what = "a text in a heap";
  const [length, address, number] = [reference.u32(), reference.offset(), reference.u32()];
  if (length === 0 || address === NOWHERE || address === 0)
    return new Hdf5Part(file, reference.address, new Uint8Array(0), what);
  const { length: width } = file.widths;
  const head = await file.part(address, 8 + width, "a collection of texts");
  head.signature("GCOL");
  head.version(1);
  head.skip(3);
  const size = head.length();
  const part = await file.part(address, size, "a collection of texts");
  part.skip(8 + width);
  // A number 0 is what is free: the end.
  while (part.left >= 8 + width) {
    const index = part.u16();
    part.skip(6);
    const bytes = part.length();
    if (index === 0) break;
    if (index === number) {
      if (length > bytes) throw part.fault(`has a text of ${bytes} bytes, expected ${length}`);
      return part.sub(length, what);
    }
    part.skip(Math.min(Math.ceil(bytes / 8) * 8, part.left));
  }
  throw part.fault(`has no text ${number}, expected one`);
}
