/** The bytes of an HDF5 file's structure: read within limits, and taken apart number by number. */

import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { viewOf } from "../../io/little-endian.ts";
import { pageCache } from "../../io/page-cache.ts";
import { lookup3 } from "./checksums.ts";

/** What a file's structure may take: a million objects have some 300 MB. */
const MAX_STRUCTURE_BYTES = 2 ** 29;

/** One structure at a time: the longest is a leaf of links with long names, or an attribute of 64 kB in a header. */
const MAX_PART_BYTES = 2 ** 26;

/** An address or a size that is all ones means: there is none. */
export const NOWHERE = -1;

/** How an HDF5 file writes numbers, and where it begins. */
export interface Widths {
  /** Bytes of an address. */
  readonly offset: number;
  /** Bytes of a size. */
  readonly length: number;
  /** Where in the source addresses count from. */
  readonly base: number;
}

/** Another reader of the same file. */
export interface OutsideReader {
  /** A dataset's elements in row-major order, in the byte order of the file. */
  read(path: string, byteLength: number): Promise<Uint8Array>;
  close(): void;
}

/** A file whose structure is read. Everything it throws is a `FormatError` that names file and byte. */
export class Hdf5Bytes {
  readonly source: ByteSource;
  readonly name: string;
  readonly #near: ByteSource;
  readonly #most: number;
  readonly #signal: AbortSignal | undefined;
  #read = 0;
  widths: Widths = { offset: 8, length: 8, base: 0 };
  /** Set where a dataset needs it: reads what this reader does not. */
  outside: OutsideReader | undefined;

  constructor(source: ByteSource, maxIndexBytes: number = MAX_STRUCTURE_BYTES, signal?: AbortSignal) {
    this.source = source;
    this.name = source.name;
    this.#near = pageCache(source);
    this.#most = Math.min(maxIndexBytes, MAX_STRUCTURE_BYTES);
    this.#signal = signal;
  }

  /** An error at an address. */
  fault(address: number, what: string): FormatError {
    return new FormatError(`${this.name} byte ${this.widths.base + address} ${what}`);
  }

  /** The `length` bytes at an address, which is `what` in messages. */
  async part(address: number, length: number, what: string): Promise<Hdf5Part> {
    const start = this.widths.base + address;
    if (!(address >= 0 && length >= 0 && start + length <= this.source.byteLength))
      throw new FormatError(
        `${this.name} has ${what} at bytes ${start} to ${start + length}, expected a place inside its ${this.source.byteLength} bytes`,
      );
    if (length > MAX_PART_BYTES)
      throw this.fault(address, `is ${what} of ${length} bytes, expected at most ${MAX_PART_BYTES}`);
    this.#read += length;
    if (this.#read > this.#most)
      throw this.fault(address, `is where the structure has more than ${this.#most} bytes, expected fewer`);
    return new Hdf5Part(this, address, await this.#near.slice(start, start + length, this.#signal), what);
  }

  /** A part that begins with a signature and ends with a checksum of all before it. */
  async checked(address: number, length: number, signature: string, what: string): Promise<Hdf5Part> {
    const part = await this.part(address, length, what);
    part.signature(signature);
    part.checkEnd();
    return part;
  }
}

/** Bytes of a structure and a place in them. Numbers are little-endian. */
export class Hdf5Part {
  readonly file: Hdf5Bytes;
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly what: string;
  readonly #view: DataView;
  at = 0;

  constructor(file: Hdf5Bytes, address: number, bytes: Uint8Array, what: string) {
    this.file = file;
    this.address = address;
    this.bytes = bytes;
    this.what = what;
    this.#view = viewOf(bytes);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** An error in this part. */
  fault(what: string): FormatError {
    return this.file.fault(this.address + this.at, `in ${this.what} ${what}`);
  }

  /** Some bytes: a view. */
  take(length: number): Uint8Array {
    if (!(length <= this.left)) throw this.fault(`has ${this.left} bytes left, expected ${length}`);
    const bytes = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return bytes;
  }

  skip(length: number): void {
    this.take(length);
  }

  /** The next bytes as a separate part. */
  sub(length: number, what: string): Hdf5Part {
    const address = this.address + this.at;
    return new Hdf5Part(this.file, address, this.take(length), what);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    this.skip(2);
    return this.#view.getUint16(this.at - 2, true);
  }

  u32(): number {
    this.skip(4);
    return this.#view.getUint32(this.at - 4, true);
  }

  /** A number of 1 to 8 bytes; all ones of 8 is `NOWHERE`, other ones beyond 2^53−1 are errors. */
  number(width: number): number {
    const bytes = this.take(width);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + bytes[i]!;
    if (Number.isSafeInteger(value)) return value;
    if (bytes.every((byte) => byte === 255)) return NOWHERE;
    throw this.fault(`has the number ${value}, expected less than 2^53`);
  }

  /** An address of the file, or `NOWHERE`. */
  offset(): number {
    const { offset } = this.file.widths;
    const value = this.number(offset);
    return offset < 8 && value === 256 ** offset - 1 ? NOWHERE : value;
  }

  /** A size. */
  length(): number {
    const value = this.number(this.file.widths.length);
    if (value === NOWHERE) throw this.fault("has no size, expected one");
    return value;
  }

  signature(want: string): void {
    const found = String.fromCharCode(...this.take(want.length));
    if (found === want) return;
    this.at -= want.length;
    throw this.fault(`begins with ${JSON.stringify(found)}, expected ${want}`);
  }

  /** One of several versions. */
  version(...known: readonly number[]): number {
    const version = this.u8();
    if (known.includes(version)) return version;
    this.at--;
    throw this.fault(`has version ${version}, expected ${known.join(" or ")}`);
  }

  /** Compares the four last bytes with the checksum of all before them, and forgets them. */
  checkEnd(): void {
    const end = this.bytes.length - 4;
    const [found, want] = [this.#view.getUint32(end, true), lookup3(this.bytes.subarray(0, end))];
    if (found !== want) throw this.fault(`has the checksum ${hex(found)}, expected ${hex(want)}: the file is damaged`);
  }
}

const hex = (value: number): string => value.toString(16).padStart(8, "0");
