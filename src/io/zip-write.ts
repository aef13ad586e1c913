/**
 * New zip archives of stored entries, as the readers of PyTorch and NumPy take them. No dates, no owners: equal
 * contents give equal archives.
 */

import { joinBytes } from "../base/join-bytes.ts";
import { crc32Of } from "./crc32.ts";
import type { ByteSink } from "./sink.ts";

/** One archive in the making: `add` each entry, then `finish`. Neither closes nor aborts the sink. */
export interface ZipWriter {
  /** Appends a stored entry. `content` may be reused when it resolves. */
  add(name: string, content: Uint8Array): Promise<void>;
  /** Writes the directory. */
  finish(): Promise<void>;
}

const FULL_16 = 0xffff;
const FULL_32 = 0xffffffff;
/** Versions that readers must know: 2.0, and 4.5 for zip64. */
const VERSION = 20;
const VERSION_64 = 45;
const UTF8_NAME = 0x800;
/** 1980-01-01, the first day that zip has. */
const FIRST_DAY = 0x21;
/** An extra field that only fills, of the kind that PyTorch writes: "FB", a length, and letters Z. */
const FILLER = 0x4246;

interface Written {
  readonly name: Uint8Array;
  readonly size: number;
  readonly crc: number;
  readonly start: number;
}

/**
 * Begins an archive. The data of every entry begins at a multiple of `alignment` bytes, from 1 to 16384.
 *
 * @example
 * const zip = zipWriter(sink, 64);
 * await zip.add("archive/version", new TextEncoder().encode("3\n"));
 * await zip.finish();
 */
export function zipWriter(sink: ByteSink, alignment = 1): ZipWriter {
  const entries: Written[] = [];
  let at = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    await sink.write(bytes);
    at += bytes.length;
  };
  return {
    async add(name, content) {
      const crc = await crc32Of(content);
      const entry = { name: new TextEncoder().encode(name), size: content.length, crc, start: at };
      if (entry.name.length > FULL_16)
        throw new RangeError(`zip entry name of ${entry.name.length} bytes, expected at most ${FULL_16}`);
      entries.push(entry);
      await write(localHeader(entry, alignment));
      await write(content);
    },
    async finish() {
      const start = at;
      for (const entry of entries) await write(record(entry));
      await write(endRecords(entries.length, start, at));
    },
  };
}

/** Little-endian fields, each as [bytes, value]. */
function fields(...parts: readonly (readonly [bytes: 2 | 4 | 8, value: number])[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of parts) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return bytes;
}

function localHeader({ name, size, crc, start }: Written, alignment: number): Uint8Array {
  const isLarge = size >= FULL_32;
  const sizes = isLarge ? fields([2, 1], [2, 16], [8, size], [8, size]) : new Uint8Array(0);
  const bare = start + 30 + name.length + sizes.length;
  const gap = alignment === 1 || bare % alignment === 0 ? 0 : alignment - ((bare + 4) % alignment);
  const filler =
    gap === 0
      ? new Uint8Array(0)
      : joinBytes([fields([2, FILLER], [2, gap % alignment]), new Uint8Array(gap % alignment).fill(0x5a)]);
  const shown = isLarge ? FULL_32 : size;
  return joinBytes([
    fields(
      [4, 0x04034b50],
      [2, isLarge ? VERSION_64 : VERSION],
      [2, UTF8_NAME],
      [2, 0],
      [2, 0],
      [2, FIRST_DAY],
      [4, crc],
      [4, shown],
      [4, shown],
      [2, name.length],
      [2, sizes.length + filler.length],
    ),
    name,
    sizes,
    filler,
  ]);
}

function record({ name, size, crc, start }: Written): Uint8Array {
  const large: (readonly [8, number])[] = [];
  if (size >= FULL_32) large.push([8, size], [8, size]);
  if (start >= FULL_32) large.push([8, start]);
  const extra =
    large.length === 0 ? new Uint8Array(0) : joinBytes([fields([2, 1], [2, 8 * large.length]), fields(...large)]);
  const version = large.length > 0 ? VERSION_64 : VERSION;
  const shown = Math.min(size, FULL_32);
  return joinBytes([
    fields([4, 0x02014b50], [2, version], [2, version], [2, UTF8_NAME], [2, 0], [2, 0], [2, FIRST_DAY], [4, crc]),
    fields([4, shown], [4, shown], [2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0]),
    fields([4, Math.min(start, FULL_32)]),
    name,
    extra,
  ]);
}

function endRecords(count: number, start: number, end: number): Uint8Array {
  const isLarge = count >= FULL_16 || end >= FULL_32;
  const end64 = isLarge
    ? joinBytes([
        fields([4, 0x06064b50], [8, 44], [2, VERSION_64], [2, VERSION_64], [4, 0], [4, 0], [8, count], [8, count]),
        fields([8, end - start], [8, start], [4, 0x07064b50], [4, 0], [8, end], [4, 1]),
      ])
    : new Uint8Array(0);
  const shown = Math.min(count, FULL_16);
  return joinBytes([
    end64,
    fields([4, 0x06054b50], [2, 0], [2, 0], [2, shown], [2, shown]),
    fields([4, Math.min(end - start, FULL_32)], [4, Math.min(start, FULL_32)], [2, 0]),
  ]);
}
