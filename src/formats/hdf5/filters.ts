/** What a dataset's chunks went through before they were stored, and back. */

import { FormatError } from "../../base/errors.ts";
import { joinBytes } from "../../base/join-bytes.ts";
import { bytesSource } from "../../io/byte-source.ts";
import { adler32, fletcher32 } from "./checksums.ts";
import type { Hdf5Part } from "./hdf5-bytes.ts";

export interface Filter {
  readonly id: number;
  readonly values: readonly number[];
}

const DEFLATE = 1;
const SHUFFLE = 2;
const FLETCHER = 3;
const NAMES: Readonly<Record<number, string>> = {
  4: "szip",
  5: "nbit",
  6: "scale and offset",
  32000: "lzf",
  32001: "blosc",
  32004: "lz4",
  32008: "bitshuffle",
  32015: "zstd",
};
/** As many as HDF5 allows. */
const MAX_FILTERS = 32;
/** Two bytes before deflated data, four behind. */
const [ZLIB_HEAD, ZLIB_END] = [2, 4];

/** Reads a filter pipeline message. */
export function readFilters(part: Hdf5Part): Filter[] {
  const version = part.version(1, 2);
  const count = part.u8();
  if (count > MAX_FILTERS) throw part.fault(`has ${count} filters, expected at most ${MAX_FILTERS}`);
  if (version === 1) part.skip(6);
  return Array.from({ length: count }, () => {
    const id = part.u16();
    const nameBytes = version === 1 || id >= 256 ? part.u16() : 0;
    part.skip(2);
    const values = part.u16();
    part.skip(version === 1 ? Math.ceil(nameBytes / 8) * 8 : nameBytes);
    const read = Array.from({ length: values }, () => part.u32());
    if (version === 1 && values % 2 === 1) part.skip(4);
    return { id, values: read };
  });
}

/** The first filter that only HDF5 itself reads, in words. */
export function strangeFilter(filters: readonly Filter[]): string | undefined {
  return nameOf(filters.find(({ id }) => id < 1 || id > FLETCHER));
}

/** The first filter that HDF5 has as a plugin, in words: the numbers from 256 on are of others. */
export function foreignFilter(filters: readonly Filter[]): string | undefined {
  return nameOf(filters.find(({ id }) => id >= 256));
}

const nameOf = (filter: Filter | undefined): string | undefined =>
  filter && (NAMES[filter.id] ?? `filter ${filter.id}`);

/**
 * A stored chunk as it was before. `mask` has a bit for each filter that was left out; `size` are the bytes expected.
 */
export async function unfilter(
  stored: Uint8Array,
  filters: readonly Filter[],
  { mask, size, where }: { readonly mask: number; readonly size: number; readonly where: string },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  let bytes = stored;
  // Fletcher's checksum, where it came before the packing, is in what is packed.
  const most = size + 4 * filters.filter(({ id }) => id === FLETCHER).length;
  for (const [i, { id, values }] of [...filters.entries()].reverse()) {
    if ((mask & (1 << i)) !== 0) continue;
    if (id === DEFLATE) bytes = await inflateChunk(bytes, most, where, signal);
    else if (id === SHUFFLE) bytes = unshuffle(bytes, values[0] ?? 1);
    else bytes = withoutFletcher(bytes, where);
  }
  if (bytes.length !== size) throw new FormatError(`${where} unpacks to ${bytes.length} bytes, expected ${size}`);
  return bytes;
}

async function inflateChunk(bytes: Uint8Array, most: number, where: string, signal?: AbortSignal): Promise<Uint8Array> {
  const end = bytes.length - ZLIB_END;
  if (end < ZLIB_HEAD || (bytes[0]! & 15) !== 8 || (bytes[0]! * 256 + bytes[1]!) % 31 !== 0 || (bytes[1]! & 32) !== 0)
    throw new FormatError(`${where} has no head of deflated data (zlib), expected one`);
  const { inflateRange } = await import("../../io/inflate.ts");
  const pieces: Uint8Array[] = [];
  let length = 0;
  const take = (piece: Uint8Array): boolean => {
    length += piece.length;
    pieces.push(piece);
    return length > most;
  };
  await inflateRange(bytesSource(bytes, where), { start: ZLIB_HEAD, end }, where, take, signal);
  if (length > most) throw new FormatError(`${where} unpacks to more than ${most} bytes, expected no more`);
  const whole = joinBytes(pieces);
  const want = bytes.subarray(end).reduce((sum, byte) => sum * 256 + byte, 0);
  if (adler32(whole) !== want)
    throw new FormatError(`${where} has another checksum than its data: the file is damaged`);
  return whole;
}

/** Back from all first bytes of the elements, all second bytes, …; what is left over is at the end as it was. */
function unshuffle(bytes: Uint8Array, size: number): Uint8Array {
  const count = size > 1 ? Math.floor(bytes.length / size) : 0;
  if (count < 2) return bytes;
  const plain = new Uint8Array(bytes);
  for (let part = 0, from = 0; part < size; part++)
    for (let i = 0, to = part; i < count; i++, to += size) plain[to] = bytes[from++]!;
  return plain;
}

/** Some versions of HDF5 wrote the bytes of each half of the checksum the other way around; both are read by all. */
function withoutFletcher(bytes: Uint8Array, where: string): Uint8Array {
  const end = bytes.length - 4;
  if (end < 0) throw new FormatError(`${where} has no room for its checksum, expected four bytes more`);
  const content = bytes.subarray(0, end);
  const sum = fletcher32(content);
  const halves = [sum % 65536, Math.floor(sum / 65536)];
  // A sum of 65535 counts as 0: arithmetic is modulo that.
  const read = (low: number, high: number): number => (bytes[end + low]! + 256 * bytes[end + high]!) % 65535;
  const isRight =
    (read(0, 1) === halves[0] && read(2, 3) === halves[1]) || (read(1, 0) === halves[0] && read(3, 2) === halves[1]);
  if (!isRight) throw new FormatError(`${where} has another checksum than its data: the file is damaged`);
  return content;
}
