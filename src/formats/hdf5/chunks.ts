/** The chunks of a dataset: where each is in the file and in the dataset, by the indexes that HDF5 has for them. */

import { type Hdf5Bytes, type Hdf5Part, NOWHERE } from "./hdf5-bytes.ts";
import type { StoredLayout } from "./layout.ts";

/** A chunk that was stored. */
export interface Chunk {
  /** Its first element's place in the dataset. */
  readonly at: readonly number[];
  readonly address: number;
  readonly stored: number;
  /** A bit for each filter that was left out. */
  readonly mask: number;
}

export type ChunkedLayout = Extract<StoredLayout, { kind: "chunked" }>;

const MAX_CHUNKS = 10_000_000;
const MAX_DEPTH = 32;

/** What reading an index needs to know of its dataset. */
interface Grid {
  readonly file: Hdf5Bytes;
  readonly chunk: readonly number[];
  /** Chunks along each axis. */
  readonly counts: readonly number[];
  readonly total: number;
  /** Bytes of a whole chunk, unpacked. */
  readonly bytes: number;
  readonly isFiltered: boolean;
  readonly where: string;
  readonly found: Chunk[];
  /** Numbers of the chunks that a tree has named. */
  readonly seen: Set<number>;
}

/** All chunks that the index of a dataset has. Throws `FormatError`, naming file and dataset or byte. */
export async function readChunks(
  file: Hdf5Bytes,
  { chunk, elementBytes, index }: ChunkedLayout,
  {
    shape,
    isFiltered,
    where,
  }: { readonly shape: readonly number[]; readonly isFiltered: boolean; readonly where: string },
): Promise<readonly Chunk[]> {
  const counts = shape.map((size, axis) => Math.ceil(size / chunk[axis]!));
  const total = counts.reduce((product, count) => product * count, 1);
  const bytes = chunk.reduce((product, size) => product * size, elementBytes);
  const grid: Grid = { file, chunk, counts, total, bytes, isFiltered, where, found: [], seen: new Set() };
  if (index.kind === "other" || index.address === NOWHERE || total === 0) return [];
  if (total > MAX_CHUNKS)
    throw file.fault(index.address, `is the index of ${total} chunks, expected at most ${MAX_CHUNKS}`);
  if (index.kind === "tree") await readTree(grid, index.address, 0, undefined);
  else if (index.kind === "single") {
    if (total !== 1) throw file.fault(index.address, `is one chunk of a dataset of ${total}, expected an index`);
    addChunk(grid, 0, index.address, index.stored ?? bytes, index.mask);
  } else if (index.kind === "implicit") {
    if (isFiltered) throw file.fault(index.address, "is where packed chunks begin that have no index, expected one");
    if (index.address + total * bytes > file.source.byteLength)
      throw file.fault(
        index.address,
        `is where ${total} chunks of ${bytes} bytes begin, expected them inside the file`,
      );
    for (let i = 0; i < total; i++) addChunk(grid, i, index.address + i * bytes, bytes, 0);
  } else await readArray(grid, index.address);
  return grid.found;
}

/** Adds the chunk with a number, counted in row-major order. */
function addChunk({ found, counts, chunk }: Grid, number: number, address: number, stored: number, mask: number): void {
  if (address === NOWHERE) return;
  const at = new Array<number>(counts.length);
  for (let axis = counts.length - 1, rest = number; axis >= 0; axis--) {
    at[axis] = (rest % counts[axis]!) * chunk[axis]!;
    rest = Math.floor(rest / counts[axis]!);
  }
  found.push({ at, address, stored, mask });
}

/** A B-tree of version 1, whose keys are places in the dataset. `level` is that of the node above. */
async function readTree(grid: Grid, address: number, depth: number, level: number | undefined): Promise<void> {
  const { file, chunk, found, seen, counts, bytes, isFiltered } = grid;
  const { offset } = file.widths;
  const keyBytes = 8 + 8 * (chunk.length + 1);
  const head = await file.part(address, 8 + 2 * offset, "a tree of chunks");
  head.signature("TREE");
  const [type, own, count] = [head.u8(), head.u8(), head.u16()];
  if (type !== 1) throw head.fault(`has type ${type}, expected 1 for chunks`);
  if ((level !== undefined && own !== level - 1) || depth > MAX_DEPTH)
    throw head.fault(`has level ${own}, expected ${(level ?? 0) - 1}`);
  const body = await file.part(address + 8 + 2 * offset, count * (keyBytes + offset), "a tree of chunks");
  for (let i = 0; i < count; i++) {
    const [stored, mask] = [body.u32(), body.u32()];
    const at = chunk.map(() => body.number(8));
    body.skip(8);
    const child = body.offset();
    if (own > 0) {
      await readTree(grid, child, depth + 1, own);
      continue;
    }
    const isInside = at.every(
      (place, axis) => place % chunk[axis]! === 0 && place >= 0 && place < counts[axis]! * chunk[axis]!,
    );
    // A dataset that was made smaller may keep chunks outside of its shape for a while.
    if (!isInside && at.every((place, axis) => place >= 0 && place % chunk[axis]! === 0)) continue;
    if (!isInside) throw body.fault(`has a chunk at [${at.join(", ")}], expected multiples of [${chunk.join(", ")}]`);
    if (!isFiltered && stored !== bytes) throw body.fault(`has a chunk of ${stored} bytes, expected ${bytes}`);
    const number = at.reduce((sum, place, axis) => sum * counts[axis]! + place / chunk[axis]!, 0);
    if (seen.has(number)) throw body.fault(`has the chunk at [${at.join(", ")}] again, expected it once`);
    seen.add(number);
    if (child !== NOWHERE) found.push({ at, address: child, stored, mask });
  }
}

/** A fixed array: a header, and a block of elements that may be parted in pages. */
async function readArray(grid: Grid, address: number): Promise<void> {
  const { file, total, isFiltered } = grid;
  const { offset, length } = file.widths;
  const head = await file.checked(address, 12 + length + offset, "FAHD", "an array of chunks");
  head.version(0);
  const [client, entry, bits] = [head.u8(), head.u8(), head.u8()];
  const [count, block] = [head.length(), head.offset()];
  if (
    client !== (isFiltered ? 1 : 0) ||
    entry < offset + (isFiltered ? 5 : 0) ||
    (!isFiltered && entry !== offset) ||
    entry > offset + 12
  )
    throw head.fault(
      `has elements of type ${client} and ${entry} bytes, expected those of ${isFiltered ? "packed" : "plain"} chunks`,
    );
  if (count !== total) throw head.fault(`has ${count} elements, expected ${total}`);
  if (block === NOWHERE) return;
  const perPage = 2 ** bits;
  const before = 6 + offset;
  if (count > perPage) return readPages(grid, { block, before, perPage, entry });
  const part = await file.checked(block, before + count * entry + 4, "FADB", ELEMENTS);
  part.skip(before - 4);
  readElements(grid, part, 0, count, entry);
}

const ELEMENTS = "elements of an array of chunks";

/** Pages of elements, each with a checksum; a bit for each shows whether it was ever written. */
async function readPages(
  grid: Grid,
  { block, before, perPage, entry }: { block: number; before: number; perPage: number; entry: number },
): Promise<void> {
  const { file, total } = grid;
  const pages = Math.ceil(total / perPage);
  const map = Math.ceil(pages / 8);
  const part = await file.checked(block, before + map + 4, "FADB", ELEMENTS);
  part.skip(before - 4);
  const used = part.take(map);
  for (let page = 0, at = block + before + map + 4; page < pages; page++) {
    const elements = Math.min(perPage, total - page * perPage);
    if ((used[page >> 3]! & (0x80 >> (page & 7))) !== 0) {
      const content = await file.part(at, elements * entry + 4, ELEMENTS);
      content.checkEnd();
      readElements(grid, content, page * perPage, elements, entry);
    }
    at += elements * entry + 4;
  }
}

function readElements(grid: Grid, part: Hdf5Part, first: number, count: number, entry: number): void {
  const { offset } = grid.file.widths;
  for (let i = 0; i < count; i++) {
    const address = part.offset();
    const stored = grid.isFiltered ? part.number(entry - offset - 4) : grid.bytes;
    const mask = grid.isFiltered ? part.u32() : 0;
    addChunk(grid, first + i, address, stored, mask);
  }
}
