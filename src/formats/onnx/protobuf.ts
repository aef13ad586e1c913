/**
 * A walk over a protobuf message (https://protobuf.dev/programming-guides/encoding) that keeps byte offsets: what is written
 * back must be the same bytes but for tensors. Fields are read one by one; the contents of long ones stay in the file.
 */

import { FormatError } from "../../base/errors.ts";
import { createYielder } from "../../base/progress.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { readAhead } from "../../io/read-ahead.ts";

/** A file that is walked over. */
export interface ProtoFile {
  readonly name: string;
  readonly source: ByteSource;
  readonly giveWay: () => Promise<void>;
  readonly signal: AbortSignal | undefined;
}

/** A message in the file, and the messages around it. The outermost has no length before it. */
export interface ProtoMessage {
  /** The position of its length; equal to `from` for the outermost. */
  readonly lengthAt: number;
  readonly from: number;
  readonly until: number;
  readonly depth: number;
  readonly parent: ProtoMessage | undefined;
}

/** How a field's value is encoded. Groups (3, 4) are not used by anyone since proto2. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** One field of a message. */
export interface ProtoField {
  readonly number: number;
  readonly wire: number;
  /** Where its tag begins. */
  readonly at: number;
  /** After the tag: the position of the length of `BYTES`. */
  readonly lengthAt: number;
  readonly from: number;
  readonly until: number;
  /** The two halves of a varint, 32 bits each, unsigned. */
  readonly low: number;
  readonly high: number;
}

/** Messages in messages: protobuf's own libraries stop at 100. */
const MAX_DEPTH = 64;
/** A tag and a varint or a length. */
const LONGEST_HEAD = 20;
/** Nodes and the like are read at once. */
const SHORT_MESSAGE = 4096;
/** Names, operators and the like are no longer. */
const MAX_TEXT_BYTES = 65536;
/** 64 bits, seven a byte. */
const LONGEST_VARINT = 10;

const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function protoFile(source: ByteSource, signal: AbortSignal | undefined): ProtoFile {
  return { name: source.name, source: readAhead(source), giveWay: createYielder(signal), signal };
}

/** What is wrong at a place of the file. */
export function protoFault({ name }: ProtoFile, at: number, what: string): FormatError {
  return new FormatError(`${name} byte ${at} ${what}`);
}

export const wholeFile = ({ source }: ProtoFile): ProtoMessage => ({
  lengthAt: 0,
  from: 0,
  until: source.byteLength,
  depth: 0,
  parent: undefined,
});

/** A field of `parent` as a separate message. */
export function messageOf(
  file: ProtoFile,
  { wire, at, lengthAt, from, until }: ProtoField,
  parent: ProtoMessage,
): ProtoMessage {
  if (wire !== BYTES) throw protoFault(file, at, `has wire type ${wire}, expected a message`);
  const depth = parent.depth + 1;
  if (depth > MAX_DEPTH) throw protoFault(file, at, `is nested ${depth} deep, expected at most ${MAX_DEPTH}`);
  return { lengthAt, from, until, depth, parent };
}

/** The fields of a message, in order. Throws `FormatError` for what is no protobuf. */
export async function* fieldsOf(file: ProtoFile, { from, until }: ProtoMessage): AsyncGenerator<ProtoField> {
  const isShort = until - from <= SHORT_MESSAGE;
  await file.giveWay();
  const all = isShort ? await file.source.slice(from, until, file.signal) : undefined;
  for (let at = from; at < until; ) {
    if (!isShort) await file.giveWay();
    const headEnd = Math.min(until, at + LONGEST_HEAD);
    const head = all?.subarray(at - from, headEnd - from) ?? (await file.source.slice(at, headEnd, file.signal));
    const field = readField(file, head, at, until);
    yield field;
    at = field.until;
  }
}

/** The field that begins with these bytes, at `at` of the file. */
function readField(file: ProtoFile, head: Uint8Array, at: number, end: number): ProtoField {
  const tag = readVarint(head, 0);
  const number = tag === undefined ? 0 : Math.floor(tag.low / 8);
  if (tag === undefined || tag.high !== 0 || number === 0)
    throw protoFault(file, at, "is no tag of a field, expected protobuf");
  const wire = tag.low % 8;
  const lengthAt = at + tag.next;
  const field = { number, wire, at, lengthAt, from: lengthAt, low: 0, high: 0 };
  if (wire === FIXED64 || wire === FIXED32)
    return within(file, { ...field, until: lengthAt + (wire === FIXED64 ? 8 : 4) }, end);
  if (wire !== VARINT && wire !== BYTES) throw protoFault(file, at, `has wire type ${wire}, expected 0, 1, 2 or 5`);
  const value = readVarint(head, tag.next);
  if (value === undefined) throw protoFault(file, lengthAt, "is no varint of 64 bits, expected one");
  if (wire === VARINT) return { ...field, low: value.low, high: value.high, until: at + value.next };
  const length = value.high * 2 ** 32 + value.low;
  return within(file, { ...field, from: at + value.next, until: at + value.next + length }, end);
}

function within(file: ProtoFile, field: ProtoField, end: number): ProtoField {
  if (field.until <= end) return field;
  const left = end - field.from;
  throw protoFault(
    file,
    field.at,
    `has a field of ${field.until - field.from} bytes, expected at most the ${left} that are left`,
  );
}

/** The halves of a varint and where the next byte is; undefined for one that is cut off or has more than 64 bits. */
export function readVarint(bytes: Uint8Array, at: number): { low: number; high: number; next: number } | undefined {
  let [low, high] = [0, 0];
  for (let i = 0; i < LONGEST_VARINT; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return undefined;
    const bits = byte & 127;
    if (i < 4) low |= bits << (7 * i);
    else if (i === 4) {
      low |= bits << 28;
      high = bits >> 4;
    } else if (i < 9) high |= bits << (7 * i - 32);
    else if (byte > 1) return undefined;
    else high |= bits << 31;
    if (byte < 128) return { low: low >>> 0, high: high >>> 0, next: at + i + 1 };
  }
  return undefined;
}

/** Puts a varint, 64 bits in two halves, at `at`; where the next byte goes. */
export function putVarint(bytes: Uint8Array, at: number, low: number, high: number): number {
  let [rest, upper, next] = [low >>> 0, high >>> 0, at];
  while (upper > 0 || rest > 127) {
    bytes[next++] = (rest & 127) | 128;
    rest = ((rest >>> 7) | (upper << 25)) >>> 0;
    upper >>>= 7;
  }
  bytes[next++] = rest;
  return next;
}

/** A length or a tag as a varint. */
export function varintOf(value: number): Uint8Array {
  const bytes = new Uint8Array(LONGEST_VARINT);
  return bytes.subarray(0, putVarint(bytes, 0, value % 2 ** 32, Math.floor(value / 2 ** 32)));
}

/** A field's value as text. Throws `FormatError` for what is none. */
export async function textOf(file: ProtoFile, { wire, at, from, until }: ProtoField): Promise<string> {
  if (wire !== BYTES || until - from > MAX_TEXT_BYTES)
    throw protoFault(
      file,
      at,
      `has ${wire === BYTES ? `${until - from} bytes` : `wire type ${wire}`}, expected text of at most ${MAX_TEXT_BYTES} bytes`,
    );
  const bytes = await file.source.slice(from, until, file.signal);
  try {
    return text.decode(bytes);
  } catch (cause) {
    throw new FormatError(protoFault(file, at, "is not valid UTF-8, expected text").message, { cause });
  }
}

/**
 * A field's value as a whole number from 0 to 2^53−1; undefined for other values. Throws `FormatError` for no
 * varint.
 */
export function countOf(file: ProtoFile, { wire, at, low, high }: ProtoField): number | undefined {
  if (wire !== VARINT) throw protoFault(file, at, `has wire type ${wire}, expected a varint`);
  const value = high * 2 ** 32 + low;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The numbers of a repeated varint field, packed or not, added to `to`. */
export async function pushCounts(
  file: ProtoFile,
  field: ProtoField,
  to: (number | undefined)[],
  most: number,
): Promise<void> {
  if (field.wire !== BYTES) to.push(countOf(file, field));
  else {
    const { from, until, at } = field;
    if (until - from > most * LONGEST_VARINT)
      throw protoFault(file, at, `has ${until - from} bytes of numbers, expected at most ${most} numbers`);
    const bytes = await file.source.slice(from, until, file.signal);
    for (let next = 0; next < bytes.length; ) {
      const value = readVarint(bytes, next);
      if (value === undefined) throw protoFault(file, from + next, "is no varint of 64 bits, expected one");
      to.push(countOf(file, { ...field, ...value, wire: VARINT }));
      next = value.next;
    }
  }
  if (to.length > most) throw protoFault(file, field.at, `is number ${to.length} of a list, expected at most ${most}`);
}
