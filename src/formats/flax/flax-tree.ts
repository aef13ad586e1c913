/**
 * The tree in a file of `flax.serialization.to_bytes`: maps by name, arrays as extension 1 and NumPy's scalars as
 * extension 3, each `[shape, dtype's name, bytes]`. Arrays of more than 2^30 bytes are maps of chunks.
 */

import { describe } from "../../base/describe.ts";
import type { Dtype } from "../../base/dtype.ts";
import { createYielder } from "../../base/progress.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { flaxDtype } from "./flax-dtypes.ts";
import { MsgpackCursor, type Token } from "./msgpack.ts";

/** Where an array's bytes are; several pieces for one that is kept in chunks. */
export interface FlaxArray {
  readonly kind: "array";
  readonly at: number;
  readonly type: string;
  /** Undefined for types that are none here; then only the names are known. */
  readonly dtype: Dtype | undefined;
  readonly shape: readonly number[];
  readonly pieces: readonly { readonly offset: number; readonly length: number }[];
}

/** What a map or a list holds. Of other values only small counts are kept: a shape's. */
export interface FlaxMap {
  readonly kind: "map";
  readonly at: number;
  readonly entries: ReadonlyMap<string, FlaxNode>;
}

export type FlaxNode = FlaxArray | FlaxMap | { readonly kind: "count"; readonly value: number };

/** A tree's levels: some 20 in the deepest networks; each one is a call here. */
export const MAX_DEPTH = 100;
/** Entries of all maps: a million tensors, with their optimizer's two moments, have four million. */
const MAX_ENTRIES = 5_000_000;
/** Far above any name in use. */
const MAX_KEY_BYTES = 65_536;
/** NumPy's limit before version 2. */
const MAX_AXES = 32;
/** Longer than any type's name. */
const MAX_TYPE_BYTES = 64;

const ARRAY = 1;
const SCALAR = 3;
const CHUNKED = "__msgpack_chunked_array__";

interface Reader {
  readonly cursor: MsgpackCursor;
  readonly end: number;
  readonly giveWay: () => Promise<void>;
  entries: number;
}

/** Reads the tree but for the arrays' bytes. Throws `FormatError`, naming the byte, for what is malformed. */
export async function readFlaxTree(
  source: ByteSource,
  maxIndexBytes: number | undefined,
  signal: AbortSignal | undefined,
): Promise<FlaxMap> {
  const cursor = new MsgpackCursor(source, maxIndexBytes, signal);
  const reader: Reader = { cursor, end: source.byteLength, giveWay: createYielder(signal), entries: 0 };
  const token = await cursor.next(reader.end);
  if (token.kind !== "map") throw cursor.fault(0, `is ${nameOf(token)}, expected a map: what Flax's to_bytes writes`);
  const root = await readEntries(reader, token, 1);
  if (cursor.at !== reader.end)
    throw cursor.fault(cursor.at, `follows the tree, expected the end: ${reader.end - cursor.at} bytes more`);
  if (root?.kind === "map") return root;
  if (root?.kind === "array") throw cursor.fault(0, "is one array without a name, expected a map of them");
  return { kind: "map", at: 0, entries: new Map() };
}

async function readNode(reader: Reader, depth: number): Promise<FlaxNode | undefined> {
  const token = await reader.cursor.next(reader.end);
  if (token.kind === "map" || token.kind === "list") return readEntries(reader, token, depth + 1);
  if (token.kind === "ext" && (token.type === ARRAY || token.type === SCALAR)) return readArray(reader, token);
  return token.kind === "other" && token.value !== undefined ? { kind: "count", value: token.value } : undefined;
}

/** A map, or a list as the map that Flax makes of one. Undefined when nothing in it is of use. */
async function readEntries(
  reader: Reader,
  token: Extract<Token, { kind: "map" | "list" }>,
  depth: number,
): Promise<FlaxNode | undefined> {
  const { cursor } = reader;
  const { at, count, kind } = token;
  if (depth > MAX_DEPTH) throw cursor.fault(at, `is nested ${depth} deep, expected at most ${MAX_DEPTH}`);
  reader.entries += count;
  if (reader.entries > MAX_ENTRIES)
    throw cursor.fault(at, `is where the tree has more than ${MAX_ENTRIES} entries, expected fewer`);
  const entries = new Map<string, FlaxNode>();
  const seen = new Set<string>();
  for (let i = 0; i < count; i++) {
    await reader.giveWay();
    const key = kind === "list" ? String(i) : await readKey(reader, seen);
    const node = await readNode(reader, depth);
    // One more than a shape has: enough to see that it is none.
    if (node === undefined || (node.kind === "count" && entries.size > MAX_AXES)) continue;
    if (key === "shape" || !holdsOnlyCounts(node)) entries.set(key, node);
  }
  if (seen.has(CHUNKED)) return joinChunks(cursor, at, entries);
  return entries.size === 0 ? undefined : { kind: "map", at, entries };
}

/** Maps of settings, which are in some checkpoints, are not kept. */
function holdsOnlyCounts(node: FlaxNode): boolean {
  return node.kind === "map" && [...node.entries.values()].every(({ kind }) => kind === "count");
}

async function readKey({ cursor, end }: Reader, seen: Set<string>): Promise<string> {
  const token = await cursor.next(end);
  if (token.kind !== "text") throw cursor.fault(token.at, `is ${nameOf(token)}, expected a key that is text`);
  const key = await cursor.text(token, MAX_KEY_BYTES);
  if (seen.has(key)) throw cursor.fault(token.at, `has the key ${describe(key)} again, expected it once`);
  seen.add(key);
  return key;
}

async function readArray({ cursor }: Reader, ext: Extract<Token, { kind: "ext" }>): Promise<FlaxArray> {
  const { at, from, until } = ext;
  cursor.at = from;
  const outer = await cursor.next(until);
  if (outer.kind !== "list" || outer.count !== 3)
    throw cursor.fault(outer.at, `is ${nameOf(outer)}, expected an array's shape, type and bytes`);
  const shape = await readShape(cursor, until);
  const type = await cursor.next(until);
  if (type.kind !== "text" && type.kind !== "bytes")
    throw cursor.fault(type.at, `is ${nameOf(type)}, expected the name of a type`);
  const name = await cursor.text(type, MAX_TYPE_BYTES);
  const data = await cursor.next(until);
  if (data.kind !== "bytes" && data.kind !== "text")
    throw cursor.fault(data.at, `is ${nameOf(data)}, expected an array's bytes`);
  if (cursor.at !== until) throw cursor.fault(cursor.at, "follows an array's bytes, expected its end");
  const length = data.until - data.from;
  const array = { at, type: name, dtype: flaxDtype(name), shape, pieces: [{ offset: data.from, length }] };
  return checked(cursor, { kind: "array", ...array }, length);
}

async function readShape(cursor: MsgpackCursor, until: number): Promise<number[]> {
  const list = await cursor.next(until);
  if (list.kind !== "list" || list.count > MAX_AXES)
    throw cursor.fault(list.at, `is ${nameOf(list)}, expected a shape of at most ${MAX_AXES} axes`);
  const shape: number[] = [];
  while (shape.length < list.count) {
    const size = await cursor.next(until);
    if (size.kind !== "other" || size.value === undefined)
      throw cursor.fault(size.at, `is ${nameOf(size)}, expected a size from 0 to 2^53-1`);
    shape.push(size.value);
  }
  return shape;
}

/** An array that Flax has cut: `{ [CHUNKED]: true, shape: { "0": … }, chunks: { "0": … } }`. */
function joinChunks(cursor: MsgpackCursor, at: number, entries: ReadonlyMap<string, FlaxNode>): FlaxArray {
  const shape = inOrder(entries.get("shape")).map((size) => {
    if (size?.kind !== "count") throw cursor.fault(at, "is an array in chunks without a shape, expected one");
    return size.value;
  });
  const chunks = inOrder(entries.get("chunks"));
  const [first] = chunks;
  if (first?.kind !== "array" || shape.length > MAX_AXES)
    throw cursor.fault(at, `is an array of ${chunks.length} chunks and ${shape.length} axes, expected arrays in order`);
  const pieces: FlaxArray["pieces"][number][] = [];
  for (const chunk of chunks) {
    if (chunk?.kind !== "array" || chunk.type !== first.type)
      throw cursor.fault(at, `has a chunk that is no array of ${describe(first.type)}, expected all of one type`);
    pieces.push(...chunk.pieces);
  }
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return checked(cursor, { ...first, at, shape, pieces }, length);
}

/** Values by their numbers; undefined for one that is not there. */
function inOrder(node: FlaxNode | undefined): (FlaxNode | undefined)[] {
  if (node?.kind !== "map") return [];
  return Array.from({ length: node.entries.size }, (_, i) => node.entries.get(String(i)));
}

function checked(cursor: MsgpackCursor, array: FlaxArray, length: number): FlaxArray {
  const { at, dtype, shape, type } = array;
  if (dtype === undefined) return array;
  const bytes = tensorBytes({ dtype, shape }, (message) => cursor.fault(at, message));
  if (bytes !== length)
    throw cursor.fault(at, `has ${length} bytes of data, expected ${bytes} for ${type} [${shape.join(", ")}]`);
  return array;
}

function nameOf(token: Token): string {
  if (token.kind === "map" || token.kind === "list") return `a ${token.kind} of ${token.count}`;
  if (token.kind === "ext") return `an extension of type ${token.type}`;
  return token.kind === "other" ? (token.value === undefined ? "a value" : `the number ${token.value}`) : token.kind;
}
