/**
 * Writes an archive with other contents of the same length in some of its entries. Everything else stays byte for byte:
 * order, names, extra fields, alignment, dates, the bytes between entries. Checksums follow the contents. A deflated
 * entry is deflated again, which moves what comes after it: then offsets and packed sizes follow too.
 */

import { crc32Of } from "./crc32.ts";
import { viewOf } from "./little-endian.ts";
import type { ByteSink } from "./sink.ts";
import { copyRange } from "./write-patched.ts";
import { entryName, readLocalHeader, type Zip } from "./zip.ts";
import { END64_SIGNATURE, FULL_32, findExtra, LOCAL_BYTES, ZIP64_EXTRA, type ZipEntry } from "./zip-directory.ts";

/** New content of an entry, as long as the old one, or undefined to keep what is stored. */
export type ZipContent = (signal?: AbortSignal) => Promise<Uint8Array | undefined>;

/** What has become of an entry. */
interface Moved {
  readonly start: number;
  readonly crc: number;
  readonly packedSize: number;
}

/** Bit 3 of the flags: CRC and sizes follow the data. */
const HAS_DESCRIPTOR = 8;
const DESCRIPTOR_SIGNATURE = 0x08074b50;

/**
 * Writes a copy of `zip` to `sink` in which the entries of `contents` (by their names) have new contents. They are
 * asked for one at a time, in the archive's order. Neither closes nor aborts the sink. With no new content the copy is
 * exact.
 *
 * @throws {FormatError} for an entry whose local header does not fit
 * @throws {RangeError} for a content of another length, an unknown name, and an archive that would pass 4 GiB only now
 */
export async function patchZip(
  zip: Zip,
  contents: ReadonlyMap<string, ZipContent>,
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  const { source, directory, entries } = zip;
  for (const name of contents.keys())
    if (!entries.has(name)) throw new RangeError(`${source.name} has no entry ${name}, expected one of its names`);
  const moved = new Map<ZipEntry, Moved>();
  let copied = 0;
  let shift = 0;
  for (const entry of [...entries.values()].sort((a, b) => a.start - b.start)) {
    const start = entry.start + shift;
    const content = await contents.get(entry.name)?.(signal);
    if (content === undefined) {
      moved.set(entry, { start, crc: entry.crc, packedSize: entry.packedSize });
      continue;
    }
    await copyRange(source, copied, entry.start, sink, signal);
    const { end, ...now } = await writeEntry(zip, entry, content, sink, signal);
    copied = end;
    moved.set(entry, { start, ...now });
    shift += now.packedSize - entry.packedSize;
  }
  await copyRange(source, copied, directory.start, sink, signal);
  await sink.write(movedDirectory(zip, moved));
  await writeEnd(zip, shift, sink, signal);
}

/** Writes one changed entry with its header and descriptor. `end` is where the old one ended. */
async function writeEntry(
  zip: Zip,
  entry: ZipEntry,
  content: Uint8Array,
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<{ end: number; crc: number; packedSize: number }> {
  if (content.length !== entry.size)
    throw new RangeError(`${entryName(zip, entry)} gets ${content.length} bytes, expected ${entry.size}`);
  const { bytes, dataEnd } = await readLocalHeader(zip, entry, signal);
  const crc = await crc32Of(content, signal);
  const packed = entry.method === 0 ? content : await deflate(content);
  const now = { crc, packedSize: packed.length };
  await sink.write(movedHeader(bytes, entry, now, entryName(zip, entry)));
  await sink.write(packed);
  const descriptor = await movedDescriptor(zip, entry, dataEnd, now, signal);
  await sink.write(descriptor);
  return { end: dataEnd + descriptor.length, ...now };
}

async function deflate(content: Uint8Array): Promise<Uint8Array> {
  const { deflateSync } = await import("./deflate.ts");
  return deflateSync(content);
}

/** The local header with the new CRC and packed size, unless these follow the data. */
function movedHeader(old: Uint8Array, entry: ZipEntry, now: Omit<Moved, "start">, where: string): Uint8Array {
  const bytes = Uint8Array.from(old);
  const view = viewOf(bytes);
  const hasCrc = (entry.flags & HAS_DESCRIPTOR) === 0 || view.getUint32(14, true) === entry.crc;
  // With a descriptor these are usually 0; a writer that knew them may have put them in all the same.
  if (hasCrc) view.setUint32(14, now.crc, true);
  const packed = view.getUint32(18, true);
  if (packed === FULL_32) {
    const extraStart = LOCAL_BYTES + view.getUint16(26, true);
    const found = findExtra(bytes.subarray(extraStart), ZIP64_EXTRA);
    // Local headers hold both sizes, the unpacked one first.
    if (found !== undefined && found.length >= 16 && view.getBigUint64(extraStart + found.at + 8, true) !== 0n)
      view.setBigUint64(extraStart + found.at + 8, BigInt(now.packedSize), true);
  } else if (packed === entry.packedSize && hasCrc) view.setUint32(18, fits(now.packedSize, where), true);
  return bytes;
}

/**
 * The data descriptor with the new numbers; nothing where there is none. Its signature is optional, its sizes have
 * 4 or 8 bytes.
 */
async function movedDescriptor(
  { source }: Zip,
  entry: ZipEntry,
  at: number,
  now: Omit<Moved, "start">,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if ((entry.flags & HAS_DESCRIPTOR) === 0) return new Uint8Array(0);
  const bytes = Uint8Array.from(await source.slice(at, Math.min(at + 24, entry.limit), signal));
  const view = viewOf(bytes);
  const skip = bytes.length >= 4 && view.getUint32(0, true) === DESCRIPTOR_SIGNATURE ? 4 : 0;
  const isLarge =
    bytes.length >= skip + 20 &&
    view.getBigUint64(skip + 4, true) === BigInt(entry.packedSize) &&
    view.getBigUint64(skip + 12, true) === BigInt(entry.size);
  const length = skip + (isLarge ? 20 : 12);
  if (bytes.length < length || view.getUint32(skip, true) !== entry.crc) return new Uint8Array(0);
  view.setUint32(skip, now.crc, true);
  if (isLarge) view.setBigUint64(skip + 4, BigInt(now.packedSize), true);
  else view.setUint32(skip + 4, now.packedSize, true);
  return bytes.subarray(0, length);
}

/** The directory with the new CRCs, packed sizes and places. */
function movedDirectory({ source, directory }: Zip, moved: ReadonlyMap<ZipEntry, Moved>): Uint8Array {
  const bytes = Uint8Array.from(directory.bytes);
  const view = viewOf(bytes);
  for (const [entry, now] of moved) {
    const at = entry.record;
    const where = `${source.name} entry ${entry.name}`;
    view.setUint32(at + 16, now.crc, true);
    const extraStart = at + 46 + view.getUint16(at + 28, true);
    const extra = bytes.subarray(extraStart, extraStart + view.getUint16(at + 30, true));
    // The extra field holds the full ones of these, in this order; the unpacked size does not change.
    let large = extraStart + (findExtra(extra, ZIP64_EXTRA)?.at ?? 0);
    if (view.getUint32(at + 24, true) === FULL_32) large += 8;
    for (const [field, value] of [
      [at + 20, now.packedSize],
      [at + 42, now.start],
    ] as const) {
      if (view.getUint32(field, true) === FULL_32) {
        view.setBigUint64(large, BigInt(value), true);
        large += 8;
      } else view.setUint32(field, fits(value, where), true);
    }
  }
  return bytes;
}

/** What follows the directory, with its new place. */
async function writeEnd(
  { source, directory }: Zip,
  shift: number,
  sink: ByteSink,
  signal?: AbortSignal,
): Promise<void> {
  const bytes = Uint8Array.from(await source.slice(directory.end, source.byteLength, signal));
  if (shift !== 0) {
    const view = viewOf(bytes);
    const start = directory.start + shift;
    let at = 0;
    if (view.getUint32(0, true) === END64_SIGNATURE) {
      view.setBigUint64(48, BigInt(start), true);
      const locator = 12 + Number(view.getBigUint64(4, true));
      view.setBigUint64(locator + 8, BigInt(directory.end + shift), true);
      at = locator + 20;
    }
    if (view.getUint32(at + 16, true) !== FULL_32) view.setUint32(at + 16, fits(start, source.name), true);
  }
  await sink.write(bytes);
}

/** Numbers that were below 4 GiB have 32 bits in the archive. */
function fits(value: number, where: string): number {
  if (value < FULL_32) return value;
  throw new RangeError(`${where} would pass 4 GiB, where its zip headers have no room: write another format`);
}
