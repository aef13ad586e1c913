/** A cursor over a pickle's bytes. Every read is checked; lengths are compared before anything is made of them. */

import { FormatError } from "../../base/errors.ts";

/** Thrown when the bytes end too early: with more of the file, the pickle may continue. */
export class PickleEnd extends FormatError {}

/** Names of classes are lines of text. */
const MAX_LINE = 4096;
/** Integers of pickles have any size; no file needs more bytes than hashes have. */
const MAX_INTEGER_BYTES = 256;

export class PickleBytes {
  readonly name: string;
  at: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #text: TextDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(bytes: Uint8Array, name: string, start: number) {
    // Browsers refuse to decode shared memory.
    this.#bytes = bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    this.name = name;
    this.at = start;
  }

  /** An error at the present place. */
  fault(message: string): FormatError {
    return new FormatError(`${this.name} pickle at byte ${this.at} ${message}`);
  }

  /** Moves on by `count` bytes and returns where they begin. */
  #take(count: number): number {
    const start = this.at;
    if (!(count <= this.#bytes.length - start))
      throw new PickleEnd(
        `${this.name} pickle ends at byte ${this.#bytes.length}, expected ${count} more from ${start}`,
      );
    this.at += count;
    return start;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** A length of 8 bytes; `Infinity` when it is beyond any file. */
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value);
  }

  /** Big-endian, as pickles have floats. */
  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** A copy. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.slice(start, start + length);
  }

  /** UTF-8; what is none (half surrogate pairs of odd file names) becomes U+FFFD. */
  text(length: number): string {
    const start = this.#take(length);
    return asciiText(this.#bytes, start, length) ?? this.#text.decode(this.#bytes.subarray(start, start + length));
  }

  /** One character a byte, as text of Python 2 is read. */
  latin1(length: number): string {
    const start = this.#take(length);
    let text = "";
    for (let i = start; i < start + length; i++) text += String.fromCharCode(this.#bytes[i]!);
    return text;
  }

  /** Text up to the end of the line, which is passed. */
  line(): string {
    const limit = Math.min(this.#bytes.length, this.at + MAX_LINE);
    let end = this.at;
    while (end < limit && this.#bytes[end] !== 0x0a) end++;
    if (end === this.at + MAX_LINE)
      throw this.fault(`has a name of more than ${MAX_LINE} bytes, expected a shorter one`);
    const text = this.text(end - this.at);
    this.#take(1);
    return text;
  }

  /** A signed integer of that many bytes: a number where numbers are exact. */
  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES)
      throw this.fault(`has an integer of ${length} bytes, expected at most ${MAX_INTEGER_BYTES}`);
    const start = this.#take(length);
    let value = 0n;
    for (let i = start + length - 1; i >= start; i--) value = (value << 8n) | BigInt(this.#bytes[i]!);
    value = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
}

/** Most text is short and plain; `TextDecoder` takes its time to start. */
function asciiText(bytes: Uint8Array, start: number, length: number): string | undefined {
  if (length > 64) return undefined;
  let text = "";
  for (let i = start; i < start + length; i++) {
    const byte = bytes[i]!;
    if (byte > 127) return undefined;
    text += String.fromCharCode(byte);
  }
  return text;
}
