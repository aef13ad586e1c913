/** Zip archives built byte by byte, the malformed ones too: shares no code with the reader or the writers. */

import { deflateSync } from "fflate";
import { concat, utf8 } from "./safetensors-builder.ts";

/** One entry; what is left out is as a sound archive has it. */
export interface ZipPart {
  readonly name: string | Uint8Array;
  readonly content: Uint8Array;
  readonly deflate?: boolean;
  /** The packed bytes, in place of what `content` gives. */
  readonly packed?: Uint8Array;
  readonly flags?: number;
  /** In both headers. */
  readonly method?: number;
  readonly crc?: number;
  readonly size?: number;
  readonly packedSize?: number;
  /** Place of the local header, as the directory says it. */
  readonly start?: number;
  /** `numpy`: full sizes and a zip64 extra field in the local header. `torch`: CRC and sizes behind the data. */
  readonly style?: "plain" | "numpy" | "torch" | "torch64";
  /** Put into the local header's extra field: a filler of that many bytes. */
  readonly filler?: number;
  /** Sizes and place in a zip64 extra field of the directory. */
  readonly isLarge?: boolean;
  /** The name in the local header. */
  readonly localName?: string;
}

export interface ZipShape {
  readonly comment?: string;
  /** Write zip64 end records too. */
  readonly zip64?: boolean;
  /** What the end records say instead of the truth. */
  readonly count?: number;
  readonly directorySize?: number;
  readonly directoryStart?: number;
  readonly large?: { readonly count?: number; readonly size?: number; readonly start?: number; readonly at?: number };
  /** Put before everything. */
  readonly prefix?: Uint8Array;
  /** Put between the entries and the directory. */
  readonly gap?: Uint8Array;
}

const FULL = 0xffffffff;

/** Little-endian, 2 or 4 bytes; numbers of 8 bytes are `u64`. */
export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, (value >>> 8) & 255);
}
export function u32(value: number): Uint8Array {
  return concat(u16(value & 0xffff), u16(value >>> 16));
}
export function u64(value: number): Uint8Array {
  return concat(u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32)));
}

/** The plain definition, a bit at a time. */
export function slowCrc(bytes: Uint8Array): number {
  let crc = FULL;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ FULL) >>> 0;
}

/** An archive of these entries. */
export function zipFile(parts: readonly ZipPart[], shape: ZipShape = {}): Uint8Array<ArrayBuffer> {
  const pieces: Uint8Array[] = [shape.prefix ?? new Uint8Array(0)];
  const records: Uint8Array[] = [];
  let at = pieces[0]!.length;
  const put = (...bytes: Uint8Array[]): void => {
    for (const piece of bytes) {
      pieces.push(piece);
      at += piece.length;
    }
  };
  for (const part of parts) {
    const start = part.start ?? at;
    put(...entryBytes(part));
    records.push(recordBytes(part, start));
  }
  put(shape.gap ?? new Uint8Array(0));
  const directory = concat(...records);
  const directoryStart = at;
  put(directory);
  const large = { count: parts.length, size: directory.length, start: directoryStart, at, ...shape.large };
  if (shape.zip64 === true) {
    put(u32(0x06064b50), u64(44), u16(45), u16(45), u32(0), u32(0), u64(large.count), u64(large.count));
    put(u64(large.size), u64(large.start), u32(0x07064b50), u32(0), u64(large.at), u32(1));
  }
  const comment = utf8(shape.comment ?? "");
  const count = shape.count ?? parts.length;
  put(u32(0x06054b50), u16(0), u16(0), u16(count), u16(count));
  put(u32(shape.directorySize ?? directory.length), u32(shape.directoryStart ?? directoryStart));
  put(u16(comment.length), comment);
  return concat(...pieces);
}

function facts(part: ZipPart) {
  const deflate = part.deflate ?? false;
  const packed = part.packed ?? (deflate ? deflateSync(part.content) : part.content);
  const style = part.style ?? "plain";
  return {
    packed,
    style,
    name: typeof part.name === "string" ? utf8(part.name) : part.name,
    method: part.method ?? (deflate ? 8 : 0),
    flags: part.flags ?? (style.startsWith("torch") ? 0x808 : 0x800),
    crc: part.crc ?? slowCrc(part.content),
    size: part.size ?? part.content.length,
    packedSize: part.packedSize ?? packed.length,
  };
}

function entryBytes(part: ZipPart): Uint8Array[] {
  const { packed, style, name, method, flags, crc, size, packedSize } = facts(part);
  const behind = style.startsWith("torch");
  const numpy = style === "numpy" ? concat(u16(1), u16(16), u64(size), u64(packedSize)) : new Uint8Array(0);
  const filler =
    part.filler === undefined
      ? new Uint8Array(0)
      : concat(utf8("FB"), u16(part.filler), new Uint8Array(part.filler).fill(90));
  const shown = (value: number): Uint8Array => u32(style === "numpy" ? FULL : behind ? 0 : value);
  const localName = part.localName === undefined ? name : utf8(part.localName);
  const sizes = style === "torch64" ? [u64(packedSize), u64(size)] : [u32(packedSize), u32(size)];
  return [
    concat(u32(0x04034b50), u16(behind ? 0 : 20), u16(flags), u16(method), u32(0), u32(behind ? 0 : crc)),
    concat(shown(packedSize), shown(size), u16(localName.length), u16(numpy.length + filler.length)),
    concat(localName, numpy, filler),
    packed,
    ...(behind ? [u32(0x08074b50), u32(crc), ...sizes] : []),
  ];
}

function recordBytes(part: ZipPart, start: number): Uint8Array {
  const { name, method, flags, crc, size, packedSize } = facts(part);
  const isLarge = part.isLarge ?? false;
  const extra = isLarge ? concat(u16(1), u16(24), u64(size), u64(packedSize), u64(start)) : new Uint8Array(0);
  return concat(
    concat(u32(0x02014b50), u16(20), u16(20), u16(flags), u16(method), u32(0), u32(crc)),
    concat(u32(isLarge ? FULL : packedSize), u32(isLarge ? FULL : size), u16(name.length), u16(extra.length)),
    concat(u16(0), u16(0), u16(0), u32(0), u32(isLarge ? FULL : start), name, extra),
  );
}
