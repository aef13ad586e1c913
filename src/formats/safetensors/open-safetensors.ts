/**
 * The safetensors reader. A file is 8 bytes of little-endian header length, a JSON header, and the data section:
 * `{ "__metadata__": { "key": "text" }, "name": { "dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24] } }`.
 * Format: https://github.com/huggingface/safetensors (README, "Format"), as version 0.8 reads it: white space before
 * the header and `"__metadata__": null` too. Refuses what the reference refuses, except that JSON's other spellings of
 * a whole number (2.0, 2e0) are read; and also duplicate keys and unknown fields.
 */

import { describe } from "../../base/describe.ts";
import { type Dtype, isDtype } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import { findKeyFault } from "../../base/json-keys.ts";
import type { Model, TensorInfo } from "../../base/model.ts";
import { isCount, tensorBytes } from "../../base/tensor-bytes.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { isJsonSpace } from "./looks-like-safetensors.ts";

/** The reference reader refuses longer headers; parsing JSON takes several times its size in memory. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The format needs three levels. Anything far deeper is after the JSON parser's stack. */
const MAX_JSON_DEPTH = 16;

/** Bytes before the header: its length. */
export const LENGTH_BYTES = 8;

/** Read at once at the start: the whole header of small models. */
const FIRST_BYTES = 16384;

/** The one key of the header that is not a tensor. */
export const METADATA_KEY = "__metadata__";

/** A tensor's description and where its bytes are in the data section (exclusive `end`). */
export interface TensorEntry extends TensorInfo {
  readonly begin: number;
  readonly end: number;
}

/** The content of a header, checked. Tensors are in the order of their data. */
export interface Header {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** What the writer needs to put tensors back: the file, and where its data begin. */
export interface SafetensorsContainer extends Header {
  readonly source: ByteSource;
  readonly dataStart: number;
}

/**
 * Opens a safetensors file: reads and checks the header only. The model's `read` gives what the source's `slice`
 * gives, so for bytes in memory a *view*. `close` closes the source.
 *
 * Throws `FormatError`, naming the file and the tensor, for anything that is not a complete and consistent file.
 *
 * @example
 * const model = await openSafetensors(bytesSource(bytes, "model.safetensors"));
 * const raw = await model.read("fc.weight");
 */
export async function openSafetensors(
  source: ByteSource,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Model> {
  const { name, byteLength } = source;
  const { signal } = options;
  const first = await source.slice(0, Math.min(byteLength, FIRST_BYTES), signal);
  const dataStart = LENGTH_BYTES + headerLength(first, byteLength, name);
  const bytes =
    dataStart <= first.length
      ? first.subarray(LENGTH_BYTES, dataStart)
      : await source.slice(LENGTH_BYTES, dataStart, signal);
  const { tensors, metadata } = parseHeader(bytes, byteLength - dataStart, name);
  const container: SafetensorsContainer = { source, dataStart, tensors, metadata };
  return {
    name,
    tensors: new Map(Array.from(tensors, ([tensor, { dtype, shape }]) => [tensor, { dtype, shape }])),
    metadata,
    origin: { format: "safetensors", details: [], container },
    async read(tensor, readSignal, into, part) {
      const entry = tensors.get(tensor);
      if (entry === undefined)
        throw new RangeError(`${name} has no tensor ${describe(tensor)}, expected one of its names`);
      const begin = entry.begin + (part?.[0] ?? 0);
      const end = part === undefined ? entry.end : entry.begin + part[1];
      const data = await source.slice(dataStart + begin, dataStart + end, readSignal, into);
      if (data.length === end - begin) return data;
      throw new FormatError(`${name} tensor ${describe(tensor)} gave ${data.length} bytes, expected ${end - begin}`);
    },
    async close() {
      await source.close?.();
    },
  };
}

/** The header's length from the first bytes of a file, checked against the file's size and the limit. */
function headerLength(first: Uint8Array, fileBytes: number, name: string): number {
  if (fileBytes === 0) throw new FormatError(`${name} is empty (0 bytes), expected a safetensors file`);
  if (fileBytes < LENGTH_BYTES) {
    throw new FormatError(`${name} has ${fileBytes} bytes, expected a safetensors file of ${LENGTH_BYTES} or more`);
  }
  const length = new DataView(first.buffer, first.byteOffset, first.byteLength).getBigUint64(0, true);
  // As BigInt: a length beyond 2^53 must not be rounded before it is compared.
  if (length > BigInt(fileBytes - LENGTH_BYTES)) {
    throw new FormatError(
      `${name} header length ${length}, expected at most ${fileBytes - LENGTH_BYTES} (the file has ${fileBytes} bytes)`,
    );
  }
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw new FormatError(`${name} header length ${length}, expected at most ${MAX_HEADER_BYTES}`);
  }
  if (length < 2n) throw new FormatError(`${name} header length ${length}, expected at least 2`);
  return Number(length);
}

/**
 * Parses and checks a header: `bytes` is the JSON without the length before it, `dataBytes` the size of the data
 * section, `name` the file's, for messages. Throws `FormatError`.
 *
 * @example
 * parseHeader(new TextEncoder().encode('{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}'), 2, "x.safetensors");
 */
export function parseHeader(bytes: Uint8Array, dataBytes: number, name: string): Header {
  const json = parseJson(bytes, name);
  const metadata = parseMetadata(json[METADATA_KEY], name);
  const entries: [string, TensorEntry][] = [];
  for (const [tensor, value] of Object.entries(json)) {
    if (tensor === METADATA_KEY) continue;
    checkText(tensor, `${name} tensor ${describe(tensor)} name`);
    entries.push([tensor, parseEntry(value, dataBytes, `${name} tensor ${describe(tensor)}`)]);
  }
  // In the order of the data: reading in map order is then sequential. (An object's order is not the file's: JavaScript
  // puts names such as "0" first.) Sorting is stable, so tensors without bytes keep their places.
  entries.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  checkSpans(entries, dataBytes, name);
  return { tensors: new Map(entries), metadata };
}

function parseJson(bytes: Uint8Array, name: string): Record<string, unknown> {
  const first = bytes.find((byte) => !isJsonSpace(byte));
  if (first !== 0x7b) {
    throw new FormatError(`${name} header begins with byte ${first ?? bytes[0] ?? "none"}, expected 123 ("{")`);
  }
  if (bytes.at(-1) === 0)
    throw new FormatError(`${name} header is padded with NUL bytes, expected spaces (byte 32) or no padding`);
  const text = decode(bytes, name);
  const fault = findKeyFault(text, MAX_JSON_DEPTH);
  if (fault !== undefined) {
    const where = fault.outer === undefined ? `${name} header` : `${name} tensor ${describe(fault.outer)}`;
    if (fault.duplicate === undefined) {
      throw new FormatError(`${where} is nested ${fault.tooDeep} deep, expected at most ${MAX_JSON_DEPTH}`);
    }
    const what = fault.outer === undefined ? "tensor" : "field";
    throw new FormatError(`${where} has ${what} ${describe(fault.duplicate)} twice, expected it once`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // Engines word this differently; the cause keeps their words.
    throw new FormatError(`${name} header is not valid JSON, expected a JSON object`, { cause });
  }
  return value as Record<string, unknown>; // it begins with "{"
}

function decode(bytes: Uint8Array, name: string): string {
  // Browsers refuse to decode shared memory.
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : new Uint8Array(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(own);
  } catch (cause) {
    throw new FormatError(`${name} header is not valid UTF-8, expected UTF-8 JSON`, { cause });
  }
}

function parseMetadata(value: unknown, name: string): Map<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined || value === null) return metadata;
  if (!isObject(value)) throw new FormatError(`${name} ${METADATA_KEY} is ${describe(value)}, expected an object`);
  for (const [key, text] of Object.entries(value)) {
    const where = `${name} ${METADATA_KEY} ${describe(key)}`;
    if (typeof text !== "string") throw new FormatError(`${where} is ${describe(text)}, expected a string`);
    checkText(key, `${where} key`);
    checkText(text, where);
    metadata.set(key, text);
  }
  return metadata;
}

/** Refuses half surrogate pairs (`"\ud800"`): legal in JSON's grammar, but no text and not writable as UTF-8. */
function checkText(text: string, where: string): void {
  if (/\p{Surrogate}/u.test(text)) throw new FormatError(`${where} has a lone surrogate, expected Unicode text`);
}

const FIELDS = ["dtype", "shape", "data_offsets"];

/** One tensor of the header. `where` is the file and the tensor, for messages. */
function parseEntry(value: unknown, dataBytes: number, where: string): TensorEntry {
  if (!isObject(value)) throw new FormatError(`${where} is ${describe(value)}, expected an object`);
  const extra = Object.keys(value).find((key) => !FIELDS.includes(key));
  if (extra !== undefined) {
    throw new FormatError(`${where} has field ${describe(extra)}, expected only ${FIELDS.join(", ")}`);
  }
  const missing = FIELDS.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) throw new FormatError(`${where} has no ${missing}, expected ${FIELDS.join(", ")}`);
  const info = { dtype: parseDtype(value.dtype, where), shape: parseShape(value.shape, where) };
  const [begin, end] = parseOffsets(value.data_offsets, dataBytes, where);
  const bytes = tensorBytes(info, (message) => new FormatError(`${where} ${message}`));
  if (bytes !== end - begin) {
    const what = `${describe(info.shape)} of ${info.dtype}`;
    throw new FormatError(`${where} spans ${end - begin} bytes, expected ${bytes} (${what})`);
  }
  return { ...info, begin, end };
}

function parseDtype(value: unknown, where: string): Dtype {
  if (isDtype(value)) return value;
  throw new FormatError(`${where} has dtype ${describe(value)}, expected a dtype of safetensors such as "F32"`);
}

function parseShape(value: unknown, where: string): number[] {
  if (Array.isArray(value) && value.every(isCount)) return value;
  throw new FormatError(`${where} has shape ${describe(value)}, expected an array of whole numbers from 0 to 2^53-1`);
}

function parseOffsets(value: unknown, dataBytes: number, where: string): [begin: number, end: number] {
  if (!Array.isArray(value) || value.length !== 2 || !value.every(isCount)) {
    throw new FormatError(`${where} has data_offsets ${describe(value)}, expected two whole numbers`);
  }
  const [begin, end] = value as [number, number];
  if (begin > end) throw new FormatError(`${where} has data_offsets ${describe(value)}, expected begin <= end`);
  if (end > dataBytes) {
    throw new FormatError(`${where} ends at byte ${end} of the data, expected at most ${dataBytes} (truncated file?)`);
  }
  return [begin, end];
}

/** Sorted spans must follow one another without gaps and cover the data section exactly. */
function checkSpans(entries: readonly [string, TensorEntry][], dataBytes: number, name: string): void {
  let [start, covered, previous] = [0, 0, ""];
  for (const [tensor, { begin, end }] of entries) {
    if (begin !== covered) {
      const same = begin < end && end === covered && begin === start;
      if (same) throw tied(tensor, previous, name);
      const fault = begin < covered ? `overlaps tensor ${describe(previous)}` : "leaves a gap before it";
      const where = `${name} tensor ${describe(tensor)}`;
      throw new FormatError(`${where} begins at byte ${begin} of the data and ${fault}, expected ${covered}`);
    }
    [start, covered, previous] = [begin, end, tensor];
  }
  if (covered !== dataBytes) {
    const last = entries.length === 0 ? "" : ` after tensor ${describe(previous)}`;
    throw new FormatError(`${name} has ${dataBytes} bytes of data, expected ${covered}: trailing bytes${last}`);
  }
}

const tied = (tensor: string, other: string, name: string): FormatError =>
  new FormatError(
    `${name} tensor ${describe(tensor)} has the very bytes of ${describe(other)} (tied weights), expected separate bytes, or one name for both`,
  );

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
