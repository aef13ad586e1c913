/**
 * The index of a model in shards:
 * `{ "metadata": { "total_size": 24 }, "weight_map": { "fc.weight": "model-00001-of-00002.safetensors" } }`. Written by
 * Hugging Face's libraries as `model.safetensors.index.json`, `pytorch_model.bin.index.json` and the like.
 */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import { findKeyFault } from "../../base/json-keys.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { checkInnerPath } from "../../io/files.ts";

/** As a header of safetensors; the largest index known (Kimi K3, half a million tensors) has 60 MB. */
export const MAX_INDEX_BYTES = 100_000_000;

/** Far above any model's, and enough for other keys of the text. */
export const MAX_INDEX_TENSORS = 1_000_000;

/** Files that are open at a time. The largest models known come in some 200. */
export const MAX_SHARDS = 10_000;

/** The format needs two levels; tools keep some things more in `metadata`. */
const MAX_JSON_DEPTH = 16;

/** The content of an index, checked: which file each tensor is in. */
export interface ShardIndex {
  readonly weightMap: ReadonlyMap<string, string>;
  /** The files, sorted: numbers in their names have as many digits. */
  readonly shards: readonly string[];
}

/** True for the first bytes of an index: JSON with a `weight_map`, or a file named as one. */
export function looksLikeIndex(head: Uint8Array, name: string): boolean {
  let at = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  while (at < head.length && " \t\r\n".includes(String.fromCharCode(head[at]!))) at++;
  if (head[at] !== 0x7b) return false;
  return name.endsWith(".index.json") || new TextDecoder("latin1").decode(head).includes('"weight_map"');
}

/** Reads and checks an index. Throws `FormatError`, naming the file and the tensor. */
export async function readIndex(source: ByteSource, signal: AbortSignal | undefined): Promise<ShardIndex> {
  const { name, byteLength } = source;
  if (byteLength > MAX_INDEX_BYTES)
    throw new FormatError(`${name} has ${byteLength} bytes, expected an index of at most ${MAX_INDEX_BYTES}`);
  return parseIndex(await source.slice(0, byteLength, signal), name);
}

/** The same from the bytes of a whole file; `name` is for messages. */
export function parseIndex(bytes: Uint8Array, name: string): ShardIndex {
  const json = parseJson(bytes, name);
  if (!isObject(json)) throw new FormatError(`${name} is ${describe(json)}, expected an object with a weight_map`);
  const map = Object.hasOwn(json, "weight_map") ? json.weight_map : undefined;
  if (!isObject(map)) throw new FormatError(`${name} weight_map is ${describe(map)}, expected an object`);
  const entries = Object.entries(map);
  if (entries.length === 0) throw new FormatError(`${name} weight_map is empty, expected a tensor or more`);
  if (entries.length > MAX_INDEX_TENSORS)
    throw new FormatError(`${name} weight_map has ${entries.length} tensors, expected at most ${MAX_INDEX_TENSORS}`);
  const shards = new Set<string>();
  for (const [tensor, shard] of entries) {
    const where = `${name} tensor ${describe(tensor)}`;
    if (typeof shard !== "string")
      throw new FormatError(`${where} is in ${describe(shard)}, expected the name of one file`);
    if (shards.has(shard)) continue;
    checkInnerPath(shard, where);
    shards.add(shard);
    if (shards.size > MAX_SHARDS) throw new FormatError(`${name} names more than ${MAX_SHARDS} files, expected fewer`);
  }
  return { weightMap: new Map(entries as [string, string][]), shards: [...shards].sort() };
}

function parseJson(bytes: Uint8Array, name: string): unknown {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${name} is not valid UTF-8, expected an index in JSON`, { cause });
  }
  const fault = findKeyFault(text, MAX_JSON_DEPTH);
  if (fault?.duplicate !== undefined) {
    const where = fault.outer === undefined ? name : `${name} ${describe(fault.outer)}`;
    throw new FormatError(`${where} has ${describe(fault.duplicate)} twice, expected it once`);
  }
  if (fault !== undefined)
    throw new FormatError(`${name} is nested ${fault.tooDeep} deep, expected at most ${MAX_JSON_DEPTH}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FormatError(`${name} is not valid JSON, expected an index of shards`, { cause });
  }
}

/** An index of these files as Hugging Face's libraries write it: names sorted, two spaces, a line end. */
export function formatIndex(weightMap: ReadonlyMap<string, string>, totalBytes: number): string {
  const names = [...weightMap.keys()].sort();
  // Written piece by piece: an object would move names such as "0" to the front and lose "__proto__".
  const lines = names.map((name) => `    ${JSON.stringify(name)}: ${JSON.stringify(weightMap.get(name))}`);
  return `{\n  "metadata": {\n    "total_size": ${totalBytes}\n  },\n  "weight_map": {\n${lines.join(",\n")}\n  }\n}\n`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
