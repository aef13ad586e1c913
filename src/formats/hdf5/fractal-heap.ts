/**
 * Fractal heaps: where HDF5's later layout keeps links and attributes of objects that have many. Objects in blocks
 * only.
 */

import { type Hdf5Bytes, type Hdf5Part, NOWHERE } from "./hdf5-bytes.ts";

/** A heap whose header is read. */
export interface FractalHeap {
  readonly file: Hdf5Bytes;
  readonly idBytes: number;
  /** Bytes of an offset in the heap and of a length in an object's number. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Blocks in a row, the size of the first ones, and of the largest that holds objects. */
  readonly width: number;
  readonly startSize: number;
  readonly mostSize: number;
  readonly root: number;
  /** Rows of the root where it is an index of blocks; 0 where it is a block. */
  readonly rows: number;
}

const isPower = (value: number): boolean => value > 0 && Number.isInteger(Math.log2(value));

const bytesFor = (most: number): number => Math.floor(Math.log2(Math.max(1, most)) / 8) + 1;

/** An index of blocks in an index, and so on: each has blocks twice as large. */
const MAX_DEPTH = 32;
const MAX_ROWS = 64;

export async function readFractalHeap(file: Hdf5Bytes, address: number): Promise<FractalHeap> {
  const { offset, length } = file.widths;
  const part = await file.checked(address, 26 + 12 * length + 3 * offset, "FRHP", "a heap of links");
  part.version(0);
  const [idBytes, filters, , mostObject] = [part.u16(), part.u16(), part.u8(), part.u32()];
  if (filters !== 0) throw part.fault("is compressed, expected a plain heap");
  part.skip(length + offset + length + offset + 4 * length + 4 * length);
  const [width, startSize, mostSize, bits, , root, rows] = [
    part.u16(),
    part.length(),
    part.length(),
    part.u16(),
    part.u16(),
    part.offset(),
    part.u16(),
  ];
  const isSound = [width, startSize, mostSize].every(isPower) && mostSize >= startSize && bits > 0 && bits <= 64;
  if (!isSound || rows > MAX_ROWS)
    throw part.fault(
      `has ${width} blocks of ${startSize} to ${mostSize} bytes in ${rows} rows, expected powers of two`,
    );
  return {
    file,
    idBytes,
    offsetBytes: Math.ceil(bits / 8),
    lengthBytes: Math.min(bytesFor(mostSize), bytesFor(mostObject)),
    width,
    startSize,
    mostSize,
    root,
    rows,
  };
}

/** The object of a number in the heap. */
export async function heapObject(heap: FractalHeap, id: Hdf5Part, what: string): Promise<Hdf5Part> {
  const kind = id.u8() & 0x30;
  if (kind === 0x20) return id.sub(id.left, what);
  if (kind !== 0) throw id.fault("is kept apart from its heap as too large, expected a smaller one");
  const at = id.number(heap.offsetBytes);
  const length = id.number(heap.lengthBytes);
  if (heap.root === NOWHERE) throw id.fault("leads into an empty heap, expected an object");
  const block =
    heap.rows === 0
      ? { address: heap.root, start: 0, size: heap.startSize }
      : await findBlock(heap, heap.root, heap.rows, 0, at, 0);
  if (at < block.start || at + length > block.start + block.size)
    throw id.fault(`leads to bytes ${at} to ${at + length} of its heap, expected a place in one block`);
  const part = await heap.file.part(block.address, block.size, "a block of a heap");
  part.signature("FHDB");
  part.version(0);
  return heap.file.part(block.address + at - block.start, length, what);
}

interface Block {
  readonly address: number;
  readonly start: number;
  readonly size: number;
}

/** The block that has the byte `at` of the heap, from an index of blocks that begins at `start`. */
async function findBlock(
  heap: FractalHeap,
  address: number,
  rows: number,
  start: number,
  at: number,
  depth: number,
): Promise<Block> {
  const { file, width, startSize, mostSize, offsetBytes } = heap;
  const { offset } = file.widths;
  const directRows = Math.log2(mostSize) - Math.log2(startSize) + 2;
  const part = await file.checked(
    address,
    5 + offset + offsetBytes + rows * width * offset + 4,
    "FHIB",
    "an index of blocks of a heap",
  );
  part.version(0);
  part.skip(offset + offsetBytes);
  if (depth > MAX_DEPTH) throw part.fault(`is ${depth} deep, expected at most ${MAX_DEPTH}`);
  let from = start;
  for (let row = 0; row < rows; row++) {
    const size = startSize * 2 ** Math.max(0, row - 1);
    for (let column = 0; column < width; column++, from += size) {
      const child = part.offset();
      if (at < from || at >= from + size) continue;
      if (child === NOWHERE) throw part.fault(`has no block with byte ${at} of the heap, expected one`);
      if (row < directRows) return { address: child, start: from, size };
      const childRows = Math.log2(size) - Math.log2(startSize * width) + 1;
      return findBlock(heap, child, Math.min(childRows, MAX_ROWS), from, at, depth + 1);
    }
  }
  throw part.fault(`has no block with byte ${at} of the heap, expected one`);
}
