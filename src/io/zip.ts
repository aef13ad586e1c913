/**
 * Zip archives over a byte source: entries are found by the central directory and read one at a time. Stored entries
 * are ranges of the archive, without a copy; deflated ones are unpacked when read.
 */

import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import { checkRange } from "./byte-range.ts";
import type { ByteSource } from "./byte-source.ts";
import { crc32Of, crc32OfSource } from "./crc32.ts";
import { viewOf } from "./little-endian.ts";
import { LOCAL_BYTES, readZipDirectory, type ZipDirectory, type ZipEntry } from "./zip-directory.ts";

/** An open archive. */
export interface Zip {
  readonly source: ByteSource;
  readonly directory: ZipDirectory;
  /** By name, in the directory's order. Names of folders end in `/`. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
}

/**
 * Opens an archive: reads its directory only. The archive must be the whole file. `source` is not closed.
 *
 * @throws {FormatError} naming the archive and the entry, for an archive that is split, encrypted or cut, and for other
 * methods than stored and deflate. Also for overlapping entries, two equal names, and sizes that deflated data cannot
 * have
 *
 * @example
 * const zip = await openZip(bytesSource(bytes, "arrays.npz"));
 * const data = await readZipEntry(zip, zip.entries.get("x.npy"));
 */
export async function openZip(source: ByteSource, signal?: AbortSignal, maxDirectoryBytes?: number): Promise<Zip> {
  const directory = await readZipDirectory(source, signal, maxDirectoryBytes);
  return { source, directory, entries: directory.entries };
}

const LOCAL_SIGNATURE = 0x04034b50;
/** PyTorch fills up to 64 bytes; NumPy has 20. */
const EXTRA_GUESS = 68;

/** A local header and the place of the data behind it. */
export interface LocalHeader {
  /** The header with name and extra field. */
  readonly bytes: Uint8Array;
  readonly dataStart: number;
  readonly dataEnd: number;
}

/**
 * Reads an entry's local header, the only place that shows where its data begins, and checks it.
 *
 * @throws {FormatError} when it is no header of this entry, or when the data reaches into what follows
 */
export async function readLocalHeader(zip: Zip, entry: ZipEntry, signal?: AbortSignal): Promise<LocalHeader> {
  const { source } = zip;
  const where = entryName(zip, entry);
  // Mostly, all of it comes with one read.
  const guess = LOCAL_BYTES + nameBytes(zip, entry).length + EXTRA_GUESS;
  const first = await source.slice(entry.start, Math.min(entry.start + guess, entry.limit), signal);
  const fixed = viewOf(first);
  if (fixed.getUint32(0, true) !== LOCAL_SIGNATURE)
    throw new FormatError(`${where} has no header at byte ${entry.start}, expected one`);
  const nameEnd = LOCAL_BYTES + fixed.getUint16(26, true);
  const dataStart = entry.start + nameEnd + fixed.getUint16(28, true);
  const dataEnd = dataStart + entry.packedSize;
  if (dataEnd > entry.limit)
    throw new FormatError(`${where} ends at byte ${dataEnd}, expected at most ${entry.limit}, where others begin`);
  const length = dataStart - entry.start;
  const bytes = length <= first.length ? first.subarray(0, length) : await source.slice(entry.start, dataStart, signal);
  const directoryName = nameBytes(zip, entry);
  const name = bytes.subarray(LOCAL_BYTES, nameEnd);
  const agrees =
    fixed.getUint16(8, true) === entry.method &&
    name.length === directoryName.length &&
    name.every((byte, i) => byte === directoryName[i]);
  if (!agrees) throw new FormatError(`${where} has a header of another name or method, expected the directory's`);
  return { bytes, dataStart, dataEnd };
}

/** The name's bytes in the directory. */
function nameBytes({ directory: { bytes } }: Zip, { record }: ZipEntry): Uint8Array {
  return bytes.subarray(record + 46, record + 46 + viewOf(bytes).getUint16(record + 28, true));
}

/** An entry in messages: `arrays.npz entry "x.npy"`. */
export function entryName({ source }: Zip, entry: ZipEntry): string {
  return `${source.name} entry ${describe(entry.name)}`;
}

/**
 * An entry as a byte source. Of a stored entry slices are what the archive's are, so a *view* of bytes in memory. A
 * deflated entry is unpacked from its beginning up to the slice's end for each slice: read it whole where all is
 * needed.
 *
 * @throws {FormatError} when the entry's header does not fit, and from slices for data that does not unpack
 */
export async function openZipEntry(zip: Zip, entry: ZipEntry, signal?: AbortSignal): Promise<ByteSource> {
  const { dataStart, dataEnd } = await readLocalHeader(zip, entry, signal);
  const name = entryName(zip, entry);
  const byteLength = entry.size;
  return {
    name,
    byteLength,
    async slice(start, end, sliceSignal) {
      sliceSignal?.throwIfAborted();
      checkRange(name, byteLength, start, end);
      if (entry.method === 0) return zip.source.slice(dataStart + start, dataStart + end, sliceSignal);
      return unpack(zip, entry, { dataStart, dataEnd }, { start, end }, sliceSignal);
    },
  };
}

/**
 * All of an entry, unpacked; of a stored one what the archive's slice gives, so maybe a *view*. Its CRC is checked.
 *
 * @throws {FormatError} for data that does not unpack, or whose CRC differs from the directory's
 */
export async function readZipEntry(zip: Zip, entry: ZipEntry, signal?: AbortSignal): Promise<Uint8Array> {
  const content = await openZipEntry(zip, entry, signal);
  const bytes = await content.slice(0, entry.size, signal);
  compareCrc(await crc32Of(bytes, signal), entry, content.name);
  return bytes;
}

/**
 * Checks the CRC of a stored entry, some megabytes of it at a time.
 *
 * @throws {FormatError} where it differs from the directory's
 */
export async function checkZipEntry(zip: Zip, entry: ZipEntry, signal?: AbortSignal): Promise<void> {
  const content = await openZipEntry(zip, entry, signal);
  compareCrc(await crc32OfSource(content, signal), entry, content.name);
}

function compareCrc(found: number, { crc }: ZipEntry, where: string): void {
  if (found === crc) return;
  const hex = (sum: number): string => sum.toString(16).padStart(8, "0");
  throw new FormatError(`${where} has CRC ${hex(found)}, expected ${hex(crc)}: the file is damaged`);
}

/** The unpacked bytes `start` to `end` of a deflated entry. When that is all of it, it must end there. */
async function unpack(
  zip: Zip,
  entry: ZipEntry,
  { dataStart, dataEnd }: Pick<LocalHeader, "dataStart" | "dataEnd">,
  { start, end }: { start: number; end: number },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const where = entryName(zip, entry);
  const { inflateRange } = await import("./inflate.ts");
  const bytes = new Uint8Array(end - start);
  const toTheEnd = end === entry.size;
  let at = 0;
  const take = (piece: Uint8Array): boolean => {
    const from = Math.max(0, start - at);
    const until = Math.min(piece.length, end - at);
    if (from < until) bytes.set(piece.subarray(from, until), at + from - start);
    at += piece.length;
    return toTheEnd ? at > end : at >= end;
  };
  await inflateRange(zip.source, { start: dataStart, end: dataEnd }, where, take, signal);
  if (at < end || (toTheEnd && at > end)) {
    const found = at < end ? `${at} bytes` : `more than ${end} bytes`;
    throw new FormatError(`${where} unpacks to ${found}, expected ${entry.size}`);
  }
  return bytes;
}
