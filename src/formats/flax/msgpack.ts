/** MessagePack's tokens, read from a file one by one: what is long is passed over, and every place is known. */

import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { readAhead } from "../../io/read-ahead.ts";

/**
 * One value's head. For text and bytes `from` and `until` are their place; maps and lists have their entries behind
 * them.
 */
export type Token =
  | { readonly kind: "map" | "list"; readonly at: number; readonly count: number }
  | { readonly kind: "text" | "bytes"; readonly at: number; readonly from: number; readonly until: number }
  | { readonly kind: "ext"; readonly at: number; readonly from: number; readonly until: number; readonly type: number }
  /** `value` is undefined for what is no whole number from 0 to 2^53−1. */
  | { readonly kind: "other"; readonly at: number; readonly value: number | undefined };

/** What a file's heads and keys may take: the structure of a million tensors and their optimizer has some 200 MB. */
const MAX_STRUCTURE_BYTES = 2 ** 28;

/** The longest head: a code and eight bytes. */
const LONGEST_HEAD = 9;

/** Codes 0xc4 to 0xdf: kind, and how many bytes its length or its value has. */
const CODES: readonly (readonly [kind: string, size: number])[] = [
  ["bytes", 1],
  ["bytes", 2],
  ["bytes", 4],
  ["ext", 1],
  ["ext", 2],
  ["ext", 4],
  ["float", 4],
  ["float", 8],
  ["count", 1],
  ["count", 2],
  ["count", 4],
  ["count", 8],
  ["signed", 1],
  ["signed", 2],
  ["signed", 4],
  ["signed", 8],
  ["fixed", 1],
  ["fixed", 2],
  ["fixed", 4],
  ["fixed", 8],
  ["fixed", 16],
  ["text", 1],
  ["text", 2],
  ["text", 4],
  ["list", 2],
  ["list", 4],
  ["map", 2],
  ["map", 4],
];

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A place in a file, moved from token to token. Everything it throws is a `FormatError` that names file and byte. */
export class MsgpackCursor {
  readonly #source: ByteSource;
  readonly #most: number;
  readonly #signal: AbortSignal | undefined;
  #read = 0;
  /** Where the next token begins. */
  at = 0;

  constructor(source: ByteSource, maxIndexBytes: number = MAX_STRUCTURE_BYTES, signal?: AbortSignal) {
    this.#source = readAhead(source);
    this.#most = Math.min(maxIndexBytes, MAX_STRUCTURE_BYTES);
    this.#signal = signal;
  }

  fault(at: number, what: string): FormatError {
    return new FormatError(`${this.#source.name} byte ${at} ${what}`);
  }

  /** The next token, which ends at or before `end`. Text, bytes and extensions are passed over. */
  async next(end: number): Promise<Token> {
    const { at } = this;
    if (at >= end) throw this.fault(at, "is the end, expected another value");
    const head = await this.#slice(at, Math.min(end, at + LONGEST_HEAD), 1);
    const code = head[0]!;
    if (code < 0x80) return this.#plain(at, code);
    if (code < 0x90) return this.#entries(at, "map", code & 15, at + 1, end);
    if (code < 0xa0) return this.#entries(at, "list", code & 15, at + 1, end);
    if (code < 0xc0) return this.#span(at, "text", at + 1, code & 31, end);
    if (code >= 0xe0) return this.#plain(at, undefined);
    if (code < 0xc4) {
      if (code === 0xc1) throw this.fault(at, "has the code 0xc1, which MessagePack never uses, expected a value");
      return this.#plain(at, undefined);
    }
    return this.#long(at, code, head, end);
  }

  /** Text of a token, of at most `most` bytes. */
  async text({ at, from, until }: { at: number; from: number; until: number }, most: number): Promise<string> {
    if (until - from > most) throw this.fault(at, `has text of ${until - from} bytes, expected at most ${most}`);
    const bytes = await this.#slice(from, until, until - from);
    try {
      return utf8.decode(bytes);
    } catch (cause) {
      throw new FormatError(this.fault(at, "is not valid UTF-8, expected text").message, { cause });
    }
  }

  #long(at: number, code: number, head: Uint8Array, end: number): Token {
    const [kind, size] = CODES[code - 0xc4]!;
    if (kind === "fixed") return this.#ext(at, at + 1, size, head, end);
    if (head.length <= size) throw this.fault(at, "is cut off, expected more bytes");
    if (kind === "float" || kind === "signed") return this.#plain(at, undefined, at + 1 + size);
    let value = 0;
    for (const byte of head.subarray(1, 1 + size)) value = value * 256 + byte;
    const next = at + 1 + size;
    if (kind === "count") return this.#plain(at, Number.isSafeInteger(value) ? value : undefined, next);
    if (kind === "map" || kind === "list") return this.#entries(at, kind, value, next, end);
    if (kind === "ext") return this.#ext(at, next, value, head, end);
    return this.#span(at, kind as "text" | "bytes", next, value, end);
  }

  #plain(at: number, value: number | undefined, next = at + 1): Token {
    this.at = next;
    return { kind: "other", at, value };
  }

  #entries(at: number, kind: "map" | "list", count: number, next: number, end: number): Token {
    const least = kind === "map" ? 2 * count : count;
    if (least > end - next)
      throw this.fault(at, `has ${count} entries, expected no more than the ${end - next} bytes that are left hold`);
    this.at = next;
    return { kind, at, count };
  }

  #span(at: number, kind: "text" | "bytes", from: number, length: number, end: number): Token {
    if (length > end - from)
      throw this.fault(at, `has ${length} bytes, expected at most the ${end - from} that are left`);
    this.at = from + length;
    return { kind, at, from, until: from + length };
  }

  /** The type's byte is at `typeAt`, the content behind it. */
  #ext(at: number, typeAt: number, length: number, head: Uint8Array, end: number): Token {
    const type = head[typeAt - at];
    if (type === undefined) throw this.fault(at, "is cut off, expected more bytes");
    const { from, until } = this.#span(at, "bytes", typeAt + 1, length, end) as { from: number; until: number };
    return { kind: "ext", at, from, until, type };
  }

  async #slice(from: number, until: number, counted: number): Promise<Uint8Array> {
    this.#read += counted;
    if (this.#read > this.#most)
      throw this.fault(from, `is where the tree has more than ${this.#most} bytes besides its arrays, expected fewer`);
    return this.#source.slice(from, until, this.#signal);
  }
}
