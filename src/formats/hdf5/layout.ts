/** Where a dataset's elements are: in one piece, in its header, or in chunks. */

import { type Hdf5Part, NOWHERE } from "./hdf5-bytes.ts";

/** The index of a dataset's chunks. */
export type ChunkIndex =
  | { readonly kind: "tree"; readonly address: number }
  | { readonly kind: "single"; readonly address: number; readonly stored: number | undefined; readonly mask: number }
  | { readonly kind: "implicit"; readonly address: number }
  | { readonly kind: "array"; readonly address: number }
  /** Of a kind that is not read here. */
  | { readonly kind: "other"; readonly what: string };

export type StoredLayout =
  /** `address` is undefined where no element was ever written. */
  | { readonly kind: "contiguous"; readonly address: number | undefined; readonly size: number | undefined }
  | { readonly kind: "compact"; readonly address: number; readonly size: number }
  | {
      readonly kind: "chunked";
      readonly chunk: readonly number[];
      readonly elementBytes: number;
      readonly index: ChunkIndex;
    }
  /** Made of parts of other files. */
  | { readonly kind: "virtual" };

const MAX_AXES = 32;

/** Reads a data layout message. */
export function readLayout(part: Hdf5Part): StoredLayout {
  const version = part.version(1, 2, 3, 4);
  if (version < 3) return readOldLayout(part);
  const kind = part.u8();
  if (kind === 0) {
    const size = part.u16();
    return {
      kind: "compact",
      address: part.address + part.at,
      size: part.sub(size, "the elements of a dataset").bytes.length,
    };
  }
  if (kind === 1) {
    const address = known(part.offset());
    return { kind: "contiguous", address, size: part.length() };
  }
  if (kind === 3 && version === 4) return { kind: "virtual" };
  if (kind !== 2) throw part.fault(`has layout ${kind}, expected 0, 1 or 2`);
  if (version === 4) return readNewChunks(part);
  const axes = axesOf(part, part.u8());
  const address = part.offset();
  const sizes = Array.from({ length: axes }, () => part.u32());
  return chunked(part, sizes, { kind: "tree", address });
}

const known = (address: number): number | undefined => (address === NOWHERE ? undefined : address);

/** Chunks have one axis more than the dataset: the bytes of an element. */
function axesOf(part: Hdf5Part, axes: number): number {
  if (axes < 1 || axes > MAX_AXES + 1) throw part.fault(`has ${axes} axes, expected 1 to ${MAX_AXES + 1}`);
  return axes;
}

function chunked(part: Hdf5Part, sizes: readonly number[], index: ChunkIndex): StoredLayout {
  if (sizes.some((size) => size < 1)) throw part.fault(`has chunks of [${sizes.join(", ")}], expected sizes above 0`);
  return { kind: "chunked", chunk: sizes.slice(0, -1), elementBytes: sizes.at(-1)!, index };
}

function readOldLayout(part: Hdf5Part): StoredLayout {
  const [axes, kind] = [axesOf(part, part.u8()), part.u8()];
  part.skip(5);
  const address = kind === 0 ? NOWHERE : part.offset();
  const sizes = Array.from({ length: axes }, () => part.u32());
  if (kind === 1) return { kind: "contiguous", address: known(address), size: undefined };
  if (kind === 2) return chunked(part, sizes, { kind: "tree", address });
  if (kind !== 0) throw part.fault(`has layout ${kind}, expected 0, 1 or 2`);
  const size = part.u32();
  return {
    kind: "compact",
    address: part.address + part.at,
    size: part.sub(size, "the elements of a dataset").bytes.length,
  };
}

/** StoredLayout messages of version 4, with the indexes of HDF5 1.10. */
function readNewChunks(part: Hdf5Part): StoredLayout {
  const flags = part.u8();
  const axes = axesOf(part, part.u8());
  const width = part.u8();
  if (width < 1 || width > 8) throw part.fault(`has sizes of ${width} bytes, expected 1 to 8`);
  const sizes = Array.from({ length: axes }, () => part.number(width));
  return chunked(part, sizes, readNewIndex(part, flags));
}

function readNewIndex(part: Hdf5Part, flags: number): ChunkIndex {
  const kind = part.u8();
  switch (kind) {
    case 1: {
      const isFiltered = (flags & 2) !== 0;
      const [stored, mask] = isFiltered ? [part.length(), part.u32()] : [undefined, 0];
      return { kind: "single", address: part.offset(), stored, mask };
    }
    case 2:
      return { kind: "implicit", address: part.offset() };
    case 3:
      part.skip(1);
      return { kind: "array", address: part.offset() };
    case 4:
      return { kind: "other", what: "an extensible array of chunks" };
    case 5:
      return { kind: "other", what: "a tree of chunks of version 2" };
    default:
      throw part.fault(`has an index of chunks of type ${kind}, expected 1 to 5`);
  }
}
