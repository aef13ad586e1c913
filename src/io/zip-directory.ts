/**
 * The central directory of a zip archive (PKWARE's APPNOTE.TXT 6.3), zip64 included. Everything that can be checked
 * without reading the entries is checked here; what is not sound is refused, never repaired.
 */

import { describe } from "../base/describe.ts";
import { FormatError } from "../base/errors.ts";
import type { ByteSource } from "./byte-source.ts";
import { readU64, viewOf } from "./little-endian.ts";

/** One file of an archive, as the directory describes it. */
export interface ZipEntry {
  readonly name: string;
  readonly flags: number;
  /** 0: stored as it is; 8: deflated. */
  readonly method: 0 | 8;
  readonly crc: number;
  /** Bytes in the archive. */
  readonly packedSize: number;
  /** Bytes unpacked. */
  readonly size: number;
  /** Where its local header begins in the archive. */
  readonly start: number;
  /** Where the next entry, or the directory, begins: this entry ends before it. */
  readonly limit: number;
  /** Where its record begins in the directory's bytes. */
  readonly record: number;
}

/** A directory and its place: `start` to `end` of the archive. */
export interface ZipDirectory {
  /** By name, in the directory's order. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly start: number;
  readonly end: number;
  readonly bytes: Uint8Array;
}

/** The largest real one, 100,000 tensors of PyTorch, takes 10 MB. */
const MAX_DIRECTORY_BYTES = 64 * 2 ** 20;
const MAX_ENTRIES = 1_000_000;
/** The most that deflate can save: 258 bytes in 2 bits. */
const MAX_RATIO = 1032;
/** Together entries may unpack to this, or to `MAX_TOTAL_RATIO` times the archive if that is more. */
const MAX_UNPACKED = 4 * 2 ** 30;
const MAX_TOTAL_RATIO = 100;

const END_BYTES = 22;
const MAX_COMMENT = 0xffff;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const RECORD_BYTES = 46;
export const LOCAL_BYTES = 30;

export const RECORD_SIGNATURE = 0x02014b50;
const END_SIGNATURE = 0x06054b50;
export const END64_SIGNATURE = 0x06064b50;
const LOCATOR_SIGNATURE = 0x07064b50;

/** In a 16- or 32-bit field: the number is in the zip64 extra field. */
const FULL_16 = 0xffff;
export const FULL_32 = 0xffffffff;
export const ZIP64_EXTRA = 1;

/** Encrypted; strongly encrypted; directory encrypted. */
const ENCRYPTED = 0x2041;
const UTF8_NAME = 0x800;

interface Place {
  readonly count: number;
  readonly start: number;
  readonly end: number;
}

/**
 * Reads and checks the directory of an archive, which may have `maxBytes`. Throws `FormatError`, naming the archive and
 * the entry.
 */
export async function readZipDirectory(
  source: ByteSource,
  signal?: AbortSignal,
  maxBytes: number = MAX_DIRECTORY_BYTES,
): Promise<ZipDirectory> {
  const { name, byteLength } = source;
  const tailStart = Math.max(0, byteLength - END_BYTES - MAX_COMMENT);
  const tail = await source.slice(tailStart, byteLength, signal);
  const place = await findDirectory(source, tail, tailStart, signal);
  const { start, end, count } = place;
  const most = Math.min(maxBytes, MAX_DIRECTORY_BYTES);
  if (end - start > most)
    throw new FormatError(`${name} zip directory has ${end - start} bytes, expected at most ${most}`);
  if (count > MAX_ENTRIES) throw new FormatError(`${name} has ${count} zip entries, expected at most ${MAX_ENTRIES}`);
  if (count * RECORD_BYTES > end - start)
    throw new FormatError(`${name} zip directory of ${end - start} bytes, expected more for ${count} entries`);
  const bytes =
    start >= tailStart ? tail.subarray(start - tailStart, end - tailStart) : await source.slice(start, end, signal);
  const records = readRecords(bytes, place, name);
  const entries = withLimits(records, start, name);
  checkTotal(entries.values(), byteLength, name);
  return { entries, start, end, bytes };
}

/** Where the directory is, by the end records. */
async function findDirectory(
  source: ByteSource,
  tail: Uint8Array,
  tailStart: number,
  signal?: AbortSignal,
): Promise<Place> {
  const { name } = source;
  const view = viewOf(tail);
  let at = tail.length - END_BYTES;
  // A comment may hold the signature: its length must also reach to the end of the file.
  while (
    at >= 0 &&
    !(view.getUint32(at, true) === END_SIGNATURE && at + END_BYTES + view.getUint16(at + 20, true) === tail.length)
  )
    at--;
  if (at < 0) throw new FormatError(`${name} has no zip directory at its end, expected one: is the file complete?`);
  if (view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 6, true) !== 0)
    throw new FormatError(`${name} is one part of a split zip archive, expected a whole one`);
  const count = view.getUint16(at + 10, true);
  const size = view.getUint32(at + 12, true);
  const start = view.getUint32(at + 16, true);
  const hasLocator = at >= LOCATOR_BYTES && view.getUint32(at - LOCATOR_BYTES, true) === LOCATOR_SIGNATURE;
  if (hasLocator) {
    const locator = tailStart + at - LOCATOR_BYTES;
    const large = await readEnd64(source, readU64(view, at - LOCATOR_BYTES + 8), locator, signal);
    const agrees =
      (count === FULL_16 || count === large.count) &&
      (size === FULL_32 || size === large.size) &&
      (start === FULL_32 || start === large.start);
    if (!agrees) throw new FormatError(`${name} has two zip end records that differ, expected equal ones`);
    return placeOf(large, large.at, name);
  }
  return placeOf({ count, size, start }, tailStart + at, name);
}

interface EndRecord {
  readonly count: number;
  readonly size: number;
  readonly start: number;
}

/** Checks that a directory ends where its end record begins. */
function placeOf({ count, size, start }: EndRecord, endRecord: number, name: string): Place {
  const end = start + size;
  // A gap would be a prefix that shifts all offsets (self-extracting archives), or bytes that nothing accounts for.
  if (end !== endRecord)
    throw new FormatError(`${name} zip directory ends at byte ${end}, expected ${endRecord}: is the file complete?`);
  return { count, start, end };
}

async function readEnd64(
  source: ByteSource,
  at: number,
  locator: number,
  signal?: AbortSignal,
): Promise<EndRecord & { readonly at: number }> {
  const fault = (): FormatError =>
    new FormatError(`${source.name} zip64 end record at byte ${at}, expected one before byte ${locator}`);
  if (!(at + END64_BYTES <= locator)) throw fault();
  const view = viewOf(await source.slice(at, at + END64_BYTES, signal));
  if (view.getUint32(0, true) !== END64_SIGNATURE || at + 12 + readU64(view, 4) !== locator) throw fault();
  if (view.getUint32(16, true) !== 0 || view.getUint32(20, true) !== 0)
    throw new FormatError(`${source.name} is one part of a split zip archive, expected a whole one`);
  return { count: readU64(view, 32), size: readU64(view, 40), start: readU64(view, 48), at };
}

type ZipRecord = Omit<ZipEntry, "limit"> & { readonly nameBytes: number };

function readRecords(bytes: Uint8Array, { count }: Place, name: string): ZipRecord[] {
  const view = viewOf(bytes);
  const records: ZipRecord[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const whole = at + RECORD_BYTES <= bytes.length && view.getUint32(at, true) === RECORD_SIGNATURE;
    const end = whole
      ? at +
        RECORD_BYTES +
        view.getUint16(at + 28, true) +
        view.getUint16(at + 30, true) +
        view.getUint16(at + 32, true)
      : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw new FormatError(`${name} zip directory breaks off at entry ${i}, expected ${count}`);
    records.push(readRecord(bytes, view, at, name));
    at = end;
  }
  if (at !== bytes.length)
    throw new FormatError(`${name} zip directory has ${bytes.length} bytes, expected ${at} for its ${count} entries`);
  return records;
}

function readRecord(bytes: Uint8Array, view: DataView, at: number, archive: string): ZipRecord {
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const nameBytes = view.getUint16(at + 28, true);
  const nameEnd = at + RECORD_BYTES + nameBytes;
  const name = decodeName(bytes.subarray(at + RECORD_BYTES, nameEnd), flags, archive);
  const where = `${archive} entry ${describe(name)}`;
  if (flags & ENCRYPTED) throw new FormatError(`${where} is encrypted, expected a plain one`);
  if (method !== 0 && method !== 8)
    throw new FormatError(`${where} has compression method ${method}, expected 0 (stored) or 8 (deflate)`);
  const extra = bytes.subarray(nameEnd, nameEnd + view.getUint16(at + 30, true));
  const fields = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
  const [size, packedSize, start] = largeFields(fields, extra, where) as [number, number, number];
  if (view.getUint16(at + 34, true) !== 0) throw new FormatError(`${where} is in another part, expected one archive`);
  if (method === 0 && size !== packedSize)
    throw new FormatError(`${where} is stored in ${packedSize} bytes, expected ${size}`);
  if (size > packedSize * MAX_RATIO)
    throw new FormatError(`${where} unpacks from ${packedSize} to ${size} bytes, expected at most ${MAX_RATIO} times`);
  return { name, flags, method, crc: view.getUint32(at + 16, true), packedSize, size, start, record: at, nameBytes };
}

/** Names without the UTF-8 flag are of some DOS code page: ASCII, as good as always. */
function decodeName(bytes: Uint8Array, flags: number, archive: string): string {
  let name: string;
  try {
    name = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    name = String.fromCharCode(...bytes);
    if (flags & UTF8_NAME) throw new FormatError(`${archive} entry name ${describe(name)}, expected UTF-8`);
  }
  if (name === "" || name.includes("\0") || name.includes("\\"))
    throw new FormatError(`${archive} entry name ${describe(name)}, expected one without NUL and backslash`);
  return name;
}

/** The extra field of that kind as [where its data begins, its bytes]; undefined when there is none. */
export function findExtra(extra: Uint8Array, kind: number): { at: number; length: number } | undefined {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    const length = view.getUint16(at + 2, true);
    if (at + 4 + length > extra.length) return undefined;
    if (view.getUint16(at, true) === kind) return { at: at + 4, length };
  }
  return undefined;
}

/** A full 32-bit field refers to the zip64 extra field, which holds only such numbers, in this order. */
function largeFields(fields: readonly number[], extra: Uint8Array, where: string): number[] {
  if (!fields.includes(FULL_32)) return [...fields];
  const found = findExtra(extra, ZIP64_EXTRA);
  let at = found?.at ?? 0;
  const end = at + (found?.length ?? 0);
  return fields.map((field) => {
    if (field !== FULL_32) return field;
    if (at + 8 > end) throw new FormatError(`${where} lacks its zip64 sizes, expected them in an extra field`);
    at += 8;
    return readU64(viewOf(extra), at - 8);
  });
}

/**
 * Entries may not overlap, nor reach into the directory. Their local headers are longer than what is counted here:
 * see `openZipEntry`.
 */
function withLimits(records: readonly ZipRecord[], directory: number, archive: string): Map<string, ZipEntry> {
  const inOrder = [...records].sort((a, b) => a.start - b.start);
  const limits = new Map<ZipRecord, number>();
  inOrder.forEach((record, i) => {
    const next = inOrder[i + 1];
    const limit = Math.min(directory, next?.start ?? directory);
    if (!(record.start + LOCAL_BYTES + record.nameBytes + record.packedSize <= limit)) {
      const what = next === undefined ? "the zip directory" : `entry ${describe(next.name)}`;
      throw new FormatError(`${archive} entry ${describe(record.name)} overlaps ${what}, expected its own bytes`);
    }
    limits.set(record, limit);
  });
  const entries = new Map<string, ZipEntry>();
  for (const record of records) {
    if (entries.has(record.name))
      throw new FormatError(`${archive} has two entries ${describe(record.name)}, expected one`);
    const { nameBytes: _, ...entry } = record;
    entries.set(record.name, { ...entry, limit: limits.get(record)! });
  }
  return entries;
}

function checkTotal(entries: Iterable<ZipEntry>, archiveBytes: number, archive: string): void {
  let total = 0;
  for (const { size } of entries) total += size;
  const most = Math.max(MAX_UNPACKED, MAX_TOTAL_RATIO * archiveBytes);
  if (total > most) throw new FormatError(`${archive} unpacks to ${total} bytes, expected at most ${most}`);
}
