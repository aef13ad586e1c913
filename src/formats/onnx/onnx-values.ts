/** The bytes of tensors whose numbers are listed one by one in a message: packed or not, fixed or varints. */

import { DTYPES } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import { isSigned, widthOf } from "./onnx-dtypes.ts";
import type { OnnxTensor, TensorPlace } from "./onnx-tensor.ts";
import {
  BYTES,
  FIXED32,
  FIXED64,
  fieldsOf,
  type ProtoField,
  type ProtoFile,
  protoFault,
  putVarint,
  readVarint,
  VARINT,
} from "./protobuf.ts";

type Numbers = Extract<TensorPlace, { kind: "numbers" }>;

/** Where the numbers are: fields of one number, and packed ones. In the order of the file. */
export async function numberRuns(file: ProtoFile, { message, field }: Numbers): Promise<ProtoField[]> {
  const wire = { fixed32: FIXED32, fixed64: FIXED64, varint: VARINT }[field.encoding];
  const runs: ProtoField[] = [];
  for await (const each of fieldsOf(file, message)) {
    if (each.number !== field.number) continue;
    if (each.wire !== wire && each.wire !== BYTES)
      throw protoFault(file, each.at, `has wire type ${each.wire}, expected ${wire} or a packed list`);
    runs.push(each);
  }
  return runs;
}

/**
 * The tensor's little-endian bytes: a new array. Throws `FormatError` for another count of numbers, or ones that do
 * not fit.
 */
export async function readNumbers(
  file: ProtoFile,
  { dtype, byteLength, shape }: OnnxTensor,
  place: Numbers,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = room(file, place, byteLength);
  let at = 0;
  for (const run of await numberRuns(file, place)) {
    const stored = await file.source.slice(run.from, run.until, file.signal);
    if (place.field.encoding === "varint") at = unpackVarints(file, run.from, stored, { bytes, at, dtype });
    else {
      if (at + stored.length <= byteLength) bytes.set(stored, at);
      at += stored.length;
    }
  }
  if (at === byteLength) return bytes;
  const width = DTYPES[dtype].bits / 8;
  throw protoFault(
    file,
    place.message.from,
    `holds ${at / width} numbers, expected those of shape [${shape.join(", ")}]`,
  );
}

function room(file: ProtoFile, { message }: Numbers, byteLength: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength);
  } catch (cause) {
    throw new FormatError(protoFault(file, message.from, `needs ${byteLength} bytes at once, expected fewer`).message, {
      cause,
    });
  }
}

interface Unpacked extends Pick<OnnxTensor, "dtype"> {
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Puts varints behind `at`; the new `at`, also when there are more than fit. */
function unpackVarints(
  file: ProtoFile,
  from: number,
  stored: Uint8Array,
  { bytes, at: start, dtype }: Unpacked,
): number {
  const width = widthOf(dtype);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fits = isSigned(dtype) ? signedFits(8 * width) : unsignedFits(8 * width);
  let at = start;
  for (let next = 0; next < stored.length; at += width) {
    const value = readVarint(stored, next);
    if (value === undefined) throw protoFault(file, from + next, "is no varint of 64 bits, expected one");
    const { low, high } = value;
    if (!fits(low, high))
      throw protoFault(file, from + next, `is a number beyond ${8 * width} bits, expected one of ${dtype}`);
    next = value.next;
    if (at + width > bytes.length) continue;
    if (width === 1) bytes[at] = low;
    else if (width === 2) view.setUint16(at, low, true);
    else {
      view.setUint32(at, low, true);
      if (width === 8) view.setUint32(at + 4, high, true);
    }
  }
  return at;
}

const unsignedFits =
  (bits: number) =>
  (low: number, high: number): boolean =>
    bits === 64 || (high === 0 && low < 2 ** bits);

/** Negative numbers are extended to 64 bits; some writers stop at 32. */
const signedFits =
  (bits: number) =>
  (low: number, high: number): boolean =>
    (high === 0 || (high === 0xffffffff && low >>> 31 === 1)) &&
    (low | 0) >= -(2 ** (bits - 1)) &&
    (low | 0) < 2 ** (bits - 1);

/** A tensor's bytes as packed varints. */
export function packVarints(bytes: Uint8Array, { dtype }: Pick<OnnxTensor, "dtype">): Uint8Array {
  const width = widthOf(dtype);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  // Negative numbers and those of 64 bits take ten bytes at most, others seven bits a byte.
  const longest = isSigned(dtype) || width === 8 ? 10 : Math.ceil((8 * width) / 7);
  const packed = new Uint8Array((bytes.length / width) * longest);
  let next = 0;
  for (let at = 0; at < bytes.length; at += width) {
    if (width === 8) next = putVarint(packed, next, view.getUint32(at, true), view.getUint32(at + 4, true));
    else if (isSigned(dtype)) {
      const value = width === 1 ? view.getInt8(at) : width === 2 ? view.getInt16(at, true) : view.getInt32(at, true);
      next = putVarint(packed, next, value, value < 0 ? 0xffffffff : 0);
    } else {
      const value = width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
      next = putVarint(packed, next, value, 0);
    }
  }
  return packed.slice(0, next);
}
