/** The groups and datasets of an HDF5 file. */

import { describe } from "../../base/describe.ts";
import type { Dtype } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import { createYielder } from "../../base/progress.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { type Hdf5Attribute, readAttributes } from "./attributes.ts";
import { type Hdf5Dataset, readDataset } from "./dataset.ts";
import { readLinks } from "./groups.ts";
import { Hdf5Bytes } from "./hdf5-bytes.ts";
import { MESSAGE, messageOf, type ObjectHeader, readObjectHeader } from "./object-header.ts";
import { readSuperblock } from "./superblock.ts";

export interface Hdf5Group {
  readonly kind: "group";
  /** From the root, without a slash before it; "" is the root. */
  readonly path: string;
  readonly header: ObjectHeader;
  readonly members: ReadonlyMap<string, Hdf5Group | Hdf5Dataset>;
  /** Names that lead to other files. */
  readonly external: readonly string[];
}

export interface Hdf5Tree {
  readonly file: Hdf5Bytes;
  readonly root: Hdf5Group;
}

/** Groups in groups: models of models have some ten. */
const MAX_DEPTH = 64;
const MAX_OBJECTS = 1_000_000;
/** Deflated data has at most so many times its stored bytes; what was never written counts as if it were. */
const MAX_RATIO = 1032;

interface Walk {
  readonly file: Hdf5Bytes;
  readonly assumed: ReadonlyMap<string, Dtype>;
  readonly groups: Map<number, string>;
  readonly datasets: Map<number, Hdf5Dataset>;
  readonly giveWay: () => Promise<void>;
  objects: number;
}

/** Reads the structure of a file. Throws `FormatError`, naming file and byte or dataset. */
export async function readTree(
  source: ByteSource,
  {
    assumed,
    maxIndexBytes,
    signal,
  }: {
    readonly assumed: ReadonlyMap<string, Dtype>;
    readonly maxIndexBytes?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Hdf5Tree> {
  const file = new Hdf5Bytes(source, maxIndexBytes, signal);
  const root = await readSuperblock(file);
  const walk: Walk = {
    file,
    assumed,
    groups: new Map(),
    datasets: new Map(),
    giveWay: createYielder(signal),
    objects: 0,
  };
  const group = await readObject(walk, root, "", 0);
  if (group?.kind !== "group") throw file.fault(root, "is no group, expected the root of a file");
  checkPlaces(walk);
  return { file, root: group };
}

/** An object; undefined for what is neither a group nor a dataset: a type with a name. */
async function readObject(
  walk: Walk,
  address: number,
  path: string,
  depth: number,
): Promise<Hdf5Group | Hdf5Dataset | undefined> {
  const { file, groups, datasets, assumed } = walk;
  const known = datasets.get(address);
  // Another name of the same elements.
  if (known !== undefined) return { ...known, path };
  const before = groups.get(address);
  if (before !== undefined)
    throw new FormatError(
      `${file.name} has the group ${describe(before)} again as ${describe(path)}, expected it once`,
    );
  if (depth > MAX_DEPTH) throw new FormatError(`${file.name} has groups ${depth} deep, expected at most ${MAX_DEPTH}`);
  walk.objects++;
  if (walk.objects > MAX_OBJECTS)
    throw new FormatError(`${file.name} has more than ${MAX_OBJECTS} objects, expected fewer`);
  await walk.giveWay();
  const header = await readObjectHeader(file, address);
  if (messageOf(header, MESSAGE.layout) !== undefined) {
    const dataset = await readDataset(file, header, path, assumed);
    datasets.set(address, dataset);
    return dataset;
  }
  const links = await readLinks(file, header);
  if (links === undefined) return undefined;
  groups.set(address, path);
  const members = new Map<string, Hdf5Group | Hdf5Dataset>();
  const external: string[] = [];
  for (const [name, link] of links) {
    if (link.kind === "external") external.push(name);
    // A soft link is another name of what is reached anyway.
    if (link.kind !== "hard") continue;
    const member = await readObject(walk, link.address, path === "" ? name : `${path}/${name}`, depth + 1);
    if (member !== undefined) members.set(name, member);
  }
  return { kind: "group", path, header, members, external };
}

/** Elements of two datasets must not share bytes, and no file holds much more than it has bytes. */
function checkPlaces({ file, datasets }: Walk): void {
  const places: { start: number; end: number; path: string }[] = [];
  let unpacked = 0;
  const size = file.source.byteLength;
  for (const dataset of datasets.values()) {
    if (dataset.kind !== "numbers") continue;
    const { path, layout, byteLength, chunks, filters } = dataset;
    const chunkBytes =
      layout.kind === "chunked" ? layout.chunk.reduce((product, length) => product * length, dataset.size) : 0;
    if (layout.kind !== "chunked" && layout.address !== undefined)
      places.push({ start: layout.address, end: layout.address + byteLength, path });
    else unpacked += byteLength + (filters.length > 0 ? chunkBytes : 0);
    for (const { address, stored } of chunks) places.push({ start: address, end: address + stored, path });
  }
  if (unpacked > MAX_RATIO * size)
    throw new FormatError(
      `${file.name} has datasets of ${unpacked} bytes in ${size}, expected at most ${MAX_RATIO} times as many`,
    );
  places.sort((a, b) => a.start - b.start || a.end - b.end);
  let last = { start: 0, end: 0, path: "" };
  for (const place of places) {
    if (file.widths.base + place.end > size)
      throw new FormatError(
        `${file.name} dataset ${describe(place.path)} ends at byte ${place.end}, expected a place inside the file's ${size}`,
      );
    if (place.end > place.start && place.start < last.end)
      throw new FormatError(
        `${file.name} dataset ${describe(place.path)} begins at byte ${place.start}, expected no byte of ${describe(last.path)}, which ends at ${last.end}`,
      );
    if (place.end > last.end) last = place;
  }
}

/** The attributes of a group. */
export async function groupAttributes(
  { file }: Hdf5Tree,
  { header }: Hdf5Group,
): Promise<ReadonlyMap<string, Hdf5Attribute>> {
  return readAttributes(file, header);
}

/** The datasets of a group and of the groups in it, each group's own first to last. */
export function datasetsIn(group: Hdf5Group): Hdf5Dataset[] {
  return [...group.members.values()].flatMap((member) => (member.kind === "group" ? datasetsIn(member) : [member]));
}
