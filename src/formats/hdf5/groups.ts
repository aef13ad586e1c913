/** The members of a group of an HDF5 file, in both of its layouts. */

import { textOf } from "./attributes.ts";
import { readNameIndex } from "./dense-index.ts";
import { type Hdf5Bytes, type Hdf5Part, NOWHERE } from "./hdf5-bytes.ts";
import { contentOf, MESSAGE, messageOf, type ObjectHeader } from "./object-header.ts";

/** What a name in a group leads to: an object of the file by its address, or something by another name. */
export type Link =
  | { readonly kind: "hard"; readonly address: number }
  | { readonly kind: "soft"; readonly path: string }
  /** To another file. */
  | { readonly kind: "external" };

/** Trees of names in B-trees of trees: each level has at least twice as many. */
const MAX_DEPTH = 32;

/** The members by their names, in the file's order; undefined for an object that is no group. */
export async function readLinks(file: Hdf5Bytes, header: ObjectHeader): Promise<Map<string, Link> | undefined> {
  const links = new Map<string, Link>();
  const add = (part: Hdf5Part, name: string, link: Link): void => {
    if (links.has(name)) throw part.fault(`has the name ${JSON.stringify(name)} again, expected it once`);
    // A name with a slash would be a path; no name is a dot or nothing.
    if (name === "" || name === "." || name.includes("/"))
      throw part.fault(`has the name ${JSON.stringify(name)}, expected a name without "/"`);
    links.set(name, link);
  };
  const table = messageOf(header, MESSAGE.symbolTable);
  if (table !== undefined) {
    const body = await contentOf(file, table);
    const [tree, heap] = [body.offset(), body.offset()];
    await readOldGroup(file, tree, await readLocalHeap(file, heap), 0, undefined, add);
    return links;
  }
  const info = messageOf(header, MESSAGE.linkInfo);
  if (info === undefined) return undefined;
  for (const message of header.messages) {
    if (message.type === MESSAGE.link) readLink(await contentOf(file, message), add);
  }
  const body = await contentOf(file, info);
  body.version(0);
  body.skip((body.u8() & 1) === 0 ? 0 : 8);
  const [heap, index] = [body.offset(), body.offset()];
  if (heap !== NOWHERE && index !== NOWHERE)
    for (const part of await readNameIndex(file, { heap, index, type: 5 }, "a link")) readLink(part, add);
  return links;
}

type Add = (part: Hdf5Part, name: string, link: Link) => void;

function readLink(part: Hdf5Part, add: Add): void {
  part.version(1);
  const flags = part.u8();
  const kind = flags & 8 ? part.u8() : 0;
  part.skip((flags & 4 ? 8 : 0) + (flags & 0x10 ? 1 : 0));
  const length = part.number(2 ** (flags & 3));
  const name = textOf(part, part.take(length));
  if (kind === 0) add(part, name, { kind: "hard", address: part.offset() });
  else if (kind === 1) add(part, name, { kind: "soft", path: textOf(part, part.take(part.u16())) });
  else add(part, name, { kind: "external" });
}

/** The names of an old group. */
async function readLocalHeap(file: Hdf5Bytes, address: number): Promise<Hdf5Part> {
  const { offset, length } = file.widths;
  const head = await file.part(address, 8 + 2 * length + offset, "the names of a group");
  head.signature("HEAP");
  head.version(0);
  head.skip(3);
  const size = head.length();
  head.skip(length);
  return file.part(head.offset(), size, "the names of a group");
}

/** A tree whose leaves are tables of symbols. `level` is that of the node above. */
async function readOldGroup(
  file: Hdf5Bytes,
  address: number,
  names: Hdf5Part,
  depth: number,
  level: number | undefined,
  add: Add,
): Promise<void> {
  const { offset, length } = file.widths;
  const head = await file.part(address, 8 + 2 * offset, "the tree of a group");
  head.signature("TREE");
  const [type, own, count] = [head.u8(), head.u8(), head.u16()];
  if (type !== 0) throw head.fault(`has type ${type}, expected 0 for a group`);
  if ((level !== undefined && own !== level - 1) || depth > MAX_DEPTH)
    throw head.fault(`has level ${own}, expected ${(level ?? 0) - 1}`);
  const body = await file.part(address + 8 + 2 * offset, count * (length + offset), "the tree of a group");
  for (let i = 0; i < count; i++) {
    body.skip(length);
    const child = body.offset();
    if (own > 0) await readOldGroup(file, child, names, depth + 1, own, add);
    else await readSymbols(file, child, names, add);
  }
}

async function readSymbols(file: Hdf5Bytes, address: number, names: Hdf5Part, add: Add): Promise<void> {
  const { offset } = file.widths;
  const head = await file.part(address, 8, "a table of a group");
  head.signature("SNOD");
  head.version(1);
  head.skip(1);
  const count = head.u16();
  const body = await file.part(address + 8, count * (2 * offset + 24), "a table of a group");
  for (let i = 0; i < count; i++) {
    const [nameAt, header, cache] = [body.offset(), body.offset(), body.u32()];
    body.skip(4);
    const scratch = body.sub(16, "a link");
    const name = heapText(names, nameAt);
    if (cache === 2) add(body, name, { kind: "soft", path: heapText(names, scratch.u32()) });
    else add(body, name, { kind: "hard", address: header });
  }
}

function heapText(names: Hdf5Part, at: number): string {
  const rest = at >= 0 && at < names.bytes.length ? names.bytes.subarray(at) : new Uint8Array(0);
  const end = rest.indexOf(0);
  if (end < 0) throw names.fault(`has no name at ${at}, expected text and a zero byte`);
  return textOf(names, rest.subarray(0, end));
}
