/** Datasets of HDF5 files: what their elements are, where they are, and reading them in row-major order. */

import { describe } from "../../base/describe.ts";
import type { Dtype } from "../../base/dtype.ts";
import { FormatError } from "../../base/errors.ts";
import type { BytePart } from "../../base/model.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import { swapBytes } from "../strided.ts";
import { attributeText, type Hdf5Attribute, readAttributes } from "./attributes.ts";
import { type Chunk, readChunks } from "./chunks.ts";
import { type Box, copyChunk } from "./copy-chunk.ts";
import { readDataspace } from "./dataspace.ts";
import { type Hdf5Type, readDatatype } from "./datatype.ts";
import { type Filter, foreignFilter, readFilters, strangeFilter, unfilter } from "./filters.ts";
import type { Hdf5Bytes } from "./hdf5-bytes.ts";
import { readLayout, type StoredLayout } from "./layout.ts";
import { contentOf, MESSAGE, messageOf, type ObjectHeader } from "./object-header.ts";

/** A dataset of numbers that are a dtype here. */
export interface NumberDataset {
  readonly kind: "numbers";
  readonly path: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Bytes of an element, and of all. */
  readonly size: number;
  readonly byteLength: number;
  readonly isBig: boolean;
  readonly layout: Exclude<StoredLayout, { kind: "virtual" }>;
  readonly filters: readonly Filter[];
  readonly chunks: readonly Chunk[];
  /** The bytes of an element that was never written; zeros where undefined. */
  readonly fill: Uint8Array | undefined;
  /** Why it cannot be written into; undefined where it can. */
  readonly onlyRead: string | undefined;
  /** What it is stored with that only h5wasm reads. */
  readonly outside: string | undefined;
}

/** A dataset that is no tensor here. */
export interface OtherDataset {
  readonly kind: "other";
  readonly path: string;
  readonly what: string;
  readonly isNumeric: boolean;
}

export type Hdf5Dataset = NumberDataset | OtherDataset;

/** The declared dtype of a dataset of bytes of no known type, as Keras and ml_dtypes name it. */
const NAMED: Readonly<Record<string, readonly [Dtype, number]>> = {
  bfloat16: ["BF16", 2],
  float8_e4m3fn: ["F8_E4M3", 1],
  float8_e5m2: ["F8_E5M2", 1],
};

/** Reads a dataset's header; `assumed` are dtypes of bytes of no known type, by their code in NumPy. */
export async function readDataset(
  file: Hdf5Bytes,
  header: ObjectHeader,
  path: string,
  assumed: ReadonlyMap<string, Dtype>,
): Promise<Hdf5Dataset> {
  const where = `${file.name} dataset ${describe(path)}`;
  const body = async (type: number, name: string): ReturnType<typeof contentOf> => {
    const message = messageOf(header, type);
    if (message === undefined) throw new FormatError(`${where} has no ${name}, expected one`);
    return contentOf(file, message);
  };
  const shape = readDataspace(await body(MESSAGE.dataspace, "shape"));
  const stored = readDatatype(await body(MESSAGE.datatype, "type"));
  if (shape === undefined) return { kind: "other", path, what: "empty", isNumeric: false };
  const type = await namedType(file, header, stored, assumed);
  if (type.kind !== "number") return other(path, type);
  const byteLength = tensorBytes({ dtype: type.dtype, shape }, (message) => new FormatError(`${where} ${message}`));
  const facts = { path, dtype: type.dtype, shape, size: type.size, byteLength, isBig: type.isBig };
  return { kind: "numbers", ...facts, ...(await readPlaces(file, header, { ...facts, where })) };
}

type Facts = Pick<NumberDataset, "shape" | "size" | "byteLength"> & { readonly where: string };
type Places = Pick<NumberDataset, "layout" | "filters" | "chunks" | "fill" | "onlyRead" | "outside">;

/** Where the elements are. */
async function readPlaces(file: Hdf5Bytes, header: ObjectHeader, facts: Facts): Promise<Places> {
  const { where, shape, size, byteLength } = facts;
  const message = messageOf(header, MESSAGE.layout)!;
  const layout = readLayout(await contentOf(file, message));
  if (messageOf(header, MESSAGE.external) !== undefined || layout.kind === "virtual")
    throw new FormatError(
      `${where} has its elements in other files, expected them in this one: copy the dataset in h5py`,
    );
  const filterMessage = messageOf(header, MESSAGE.filters);
  const filters = filterMessage === undefined ? [] : readFilters(await contentOf(file, filterMessage));
  const index = layout.kind === "chunked" && layout.index.kind === "other" ? layout.index.what : undefined;
  const foreign = foreignFilter(filters);
  if (foreign !== undefined)
    throw new FormatError(`${where} is stored with ${foreign}, which is not read here: write it again in h5py without`);
  const outside = strangeFilter(filters) ?? index;
  checkLayout(layout, { where, shape, size, byteLength, source: file.source.byteLength - file.widths.base });
  const isFiltered = filters.length > 0;
  const isRead = layout.kind === "chunked" && outside === undefined;
  const chunks = isRead ? await readChunks(file, layout, { shape, isFiltered, where }) : [];
  const isChecked = layout.kind === "compact" && message.isChecked;
  const reason = reasonNotWritten(layout, filters, chunks, shape, byteLength, isChecked);
  const onlyRead = outside === undefined ? reason : `is stored with ${outside}`;
  return { layout, filters, chunks, fill: await readFill(file, header, size), onlyRead, outside };
}

function other(path: string, type: Exclude<Hdf5Type, { kind: "number" }>): OtherDataset {
  if (type.kind === "text") return { kind: "other", path, what: "text", isNumeric: false };
  if (type.kind === "other") return { kind: "other", path, what: type.what, isNumeric: type.isNumeric };
  return { kind: "other", path, what: `${type.size} bytes of no known type`, isNumeric: true };
}

async function namedType(
  file: Hdf5Bytes,
  header: ObjectHeader,
  type: Hdf5Type,
  assumed: ReadonlyMap<string, Dtype>,
): Promise<Hdf5Type> {
  if (type.kind !== "opaque") return type;
  const { size } = type;
  const attributes: ReadonlyMap<string, Hdf5Attribute> = await readAttributes(file, header);
  const [dtype, width] = NAMED[(await attributeText(file, attributes.get("dtype"))) ?? ""] ?? [
    assumed.get(`V${size}`),
    size,
  ];
  return dtype !== undefined && width === size ? { kind: "number", dtype, size, isBig: false } : type;
}

interface Wanted {
  readonly where: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly byteLength: number;
  readonly source: number;
}

function checkLayout(layout: StoredLayout, { where, shape, size, byteLength, source }: Wanted): void {
  if (layout.kind === "chunked") {
    if (layout.chunk.length !== shape.length || layout.elementBytes !== size)
      throw new FormatError(
        `${where} has chunks of [${layout.chunk.join(", ")}] and ${layout.elementBytes} bytes, expected ${shape.length} axes and ${size} bytes`,
      );
    const chunkBytes = tensorBytes(
      { dtype: "U8", shape: [...layout.chunk, size] },
      (message) => new FormatError(`${where} chunk ${message}`),
    );
    // HDF5 itself allows no more.
    if (chunkBytes >= 2 ** 32)
      throw new FormatError(`${where} has chunks of ${chunkBytes} bytes, expected less than 4 GiB`);
    return;
  }
  if (layout.kind === "virtual" || (layout.kind === "contiguous" && layout.address === undefined)) return;
  const stored = layout.size ?? byteLength;
  if (stored !== byteLength) throw new FormatError(`${where} has ${stored} bytes, expected ${byteLength}`);
  if (layout.address! + stored > source)
    throw new FormatError(
      `${where} is at bytes ${layout.address} to ${layout.address! + stored}, expected a place inside the file's ${source}`,
    );
}

/** One element, or none. */
async function readFill(file: Hdf5Bytes, header: ObjectHeader, size: number): Promise<Uint8Array | undefined> {
  const message = messageOf(header, MESSAGE.fill);
  const old = messageOf(header, MESSAGE.oldFill);
  const body = message ?? old;
  if (body === undefined) return undefined;
  const part = await contentOf(file, body);
  if (message !== undefined) {
    const version = part.version(1, 2, 3);
    const flags = part.u8();
    const isDefined = version === 3 ? (flags & 0x20) !== 0 : part.take(2)[1] !== 0;
    if (!isDefined) return undefined;
  }
  const length = part.left < 4 ? 0 : part.u32();
  if (length === 0) return undefined;
  if (length !== size) throw part.fault(`has a fill value of ${length} bytes, expected ${size}`);
  return part.take(length);
}

function reasonNotWritten(
  layout: StoredLayout,
  filters: readonly Filter[],
  chunks: readonly Chunk[],
  shape: readonly number[],
  byteLength: number,
  isChecked: boolean,
): string | undefined {
  if (byteLength === 0) return undefined;
  if (filters.length > 0) return "is stored in packed chunks";
  if (layout.kind === "contiguous" && layout.address === undefined) return "has no bytes of its own";
  if (layout.kind === "chunked") {
    const total = shape.reduce((product, size, axis) => product * Math.ceil(size / layout.chunk[axis]!), 1);
    if (chunks.length < total) return "has chunks that were never written";
  }
  return isChecked ? "is in a header with a checksum" : undefined;
}

/** The elements as they are stored, in row-major order and little-endian: a view where they are stored so. */
export async function readElements(
  file: Hdf5Bytes,
  dataset: NumberDataset,
  signal?: AbortSignal,
  part?: BytePart,
): Promise<Uint8Array> {
  const { dtype, size, isBig } = dataset;
  const bytes = await readStored(file, dataset, signal, isBig ? undefined : part);
  return isBig ? swapBytes(bytes, dtype === "C64" ? size / 2 : size) : bytes;
}

async function readStored(
  file: Hdf5Bytes,
  dataset: NumberDataset,
  signal?: AbortSignal,
  part: BytePart = [0, dataset.byteLength],
): Promise<Uint8Array> {
  const { layout, byteLength, fill, size, shape, chunks, filters, path } = dataset;
  const { source, widths } = file;
  if (byteLength === 0) return new Uint8Array(0);
  if (dataset.outside !== undefined) return file.outside!.read(path, byteLength);
  if (layout.kind !== "chunked" && layout.address !== undefined)
    return source.slice(widths.base + layout.address + part[0], widths.base + layout.address + part[1], signal);
  const whole = new Uint8Array(byteLength);
  if (fill?.some((byte) => byte !== 0) === true) for (let at = 0; at < byteLength; at += size) whole.set(fill, at);
  if (layout.kind !== "chunked") return whole;
  const chunkBytes = layout.chunk.reduce((product, length) => product * length, size);
  for (const { at, address, stored, mask } of chunks) {
    const where = `${file.name} dataset ${describe(path)} chunk [${at.join(", ")}]`;
    const from = widths.base + address;
    const packed = await source.slice(from, from + stored, signal);
    const bytes =
      filters.length === 0 ? packed : await unfilter(packed, filters, { mask, size: chunkBytes, where }, signal);
    const box: Box = { shape, chunk: layout.chunk, at, size };
    copyChunk(box, bytes, whole, "out");
  }
  return whole;
}
