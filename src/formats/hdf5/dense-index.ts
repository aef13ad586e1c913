/**
 * Links and attributes of objects that have many, in HDF5's later layout: a tree of names (version 2) over a fractal
 * heap.
 */

import { heapObject, readFractalHeap } from "./fractal-heap.ts";
import { type Hdf5Bytes, type Hdf5Part, NOWHERE } from "./hdf5-bytes.ts";

export interface DensePlace {
  readonly heap: number;
  readonly index: number;
  /** Of the tree's records: 5 are links by their names, 8 attributes by theirs. */
  readonly type: number;
}

/** Deeper trees have more records than a file has bytes. */
const MAX_DEPTH = 16;

/** The content of every record, in the order of the names' hashes. */
export async function readNameIndex(
  file: Hdf5Bytes,
  { heap, index, type }: DensePlace,
  what: string,
): Promise<Hdf5Part[]> {
  const fractal = await readFractalHeap(file, heap);
  const contents: Hdf5Part[] = [];
  for (const record of await readTree(file, index, type)) {
    // Before the heap's number a link has the hash of its name.
    if (type === 5) record.skip(4);
    const id = record.sub(fractal.idBytes, what);
    // A shared attribute is in a table that libhdf5 makes only when it is asked to.
    if (type === 8 && (record.u8() & 2) !== 0)
      throw record.fault("is in a table of shared messages, expected the message itself");
    contents.push(await heapObject(fractal, id, what));
  }
  return contents;
}

interface Tree {
  readonly file: Hdf5Bytes;
  readonly type: number;
  readonly nodeBytes: number;
  readonly recordBytes: number;
  /** By level, leaves first: the bytes of a pointer to a node of that level, after its address. */
  readonly counts: readonly { readonly own: number; readonly all: number }[];
  readonly records: Hdf5Part[];
  readonly total: number;
}

async function readTree(file: Hdf5Bytes, address: number, type: number): Promise<Hdf5Part[]> {
  const { offset, length } = file.widths;
  const head = await file.checked(address, 4 + 12 + offset + 2 + length + 4, "BTHD", "a tree of names");
  head.version(0);
  const found = head.u8();
  if (found !== type) throw head.fault(`has records of type ${found}, expected ${type}`);
  const [nodeBytes, recordBytes, depth] = [head.u32(), head.u16(), head.u16()];
  head.skip(2);
  const [root, count, total] = [head.offset(), head.u16(), head.length()];
  if (depth > MAX_DEPTH) throw head.fault(`is ${depth} deep, expected at most ${MAX_DEPTH}`);
  if (recordBytes === 0 || nodeBytes < 10 + recordBytes)
    throw head.fault(`has nodes of ${nodeBytes} bytes and records of ${recordBytes}, expected room for one`);
  if (root === NOWHERE || count === 0) return [];
  const tree: Tree = {
    file,
    type,
    nodeBytes,
    recordBytes,
    counts: pointerWidths(nodeBytes, recordBytes, offset, depth),
    records: [],
    total,
  };
  await readNode(tree, root, count, depth);
  if (tree.records.length !== total) throw head.fault(`has ${tree.records.length} records, expected ${total}`);
  return tree.records;
}

/** Bytes of a number up to `most`. */
const bytesFor = (most: number): number => Math.max(1, Math.ceil(Math.log2(most + 1) / 8));

/** How many bytes numbers of records have in pointers to nodes of each level (H5B2hdr.c). */
function pointerWidths(nodeBytes: number, recordBytes: number, offset: number, depth: number): Tree["counts"] {
  const leaf = Math.floor((nodeBytes - 10) / recordBytes);
  const own = bytesFor(leaf);
  const counts = [{ own, all: 0 }];
  for (let [level, below] = [1, leaf]; level <= depth; level++) {
    const pointer = offset + own + counts[level - 1]!.all;
    const most = Math.max(1, Math.floor((nodeBytes - 10 - pointer) / (recordBytes + pointer)));
    below = Math.min(Number.MAX_SAFE_INTEGER, (most + 1) * below + most);
    counts.push({ own, all: bytesFor(below) });
  }
  return counts;
}

async function readNode(tree: Tree, address: number, count: number, depth: number): Promise<void> {
  const { file, type, nodeBytes, recordBytes, counts, records } = tree;
  const isLeaf = depth === 0;
  const part = await file.part(address, nodeBytes, "a node of a tree of names");
  part.signature(isLeaf ? "BTLF" : "BTIN");
  part.version(0);
  if (part.u8() !== type) throw part.fault("has records of another type than its tree, expected the same");
  const own = Array.from({ length: count }, () => part.sub(recordBytes, "a record of a tree of names"));
  const children: { address: number; count: number }[] = [];
  for (let i = 0; !isLeaf && i <= count; i++) {
    const { own: width, all } = counts[depth - 1]!;
    children.push({ address: part.offset(), count: part.number(width) });
    part.skip(all);
  }
  const used = await file.part(address, part.at + 4, "a node of a tree of names");
  used.checkEnd();
  if (records.length + count > tree.total)
    throw part.fault(`has more than the ${tree.total} records of its tree, expected no more`);
  if (isLeaf) {
    records.push(...own);
    return;
  }
  for (const [i, child] of children.entries()) {
    await readNode(tree, child.address, child.count, depth - 1);
    if (own[i] !== undefined) records.push(own[i]);
  }
}
