/**
 * PyTorch's files before 1.6, without a container: pickles of a magic number, a version, the system, the object and the
 * storages' keys. Then follow the count of elements and the bytes for each key (torch/serialization.py,
 * `_legacy_save`).
 */

import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import { readU64, viewOf } from "../../io/little-endian.ts";
import { partSource } from "../../io/part-source.ts";
import { type Container, type ContainerOptions, type StoragePlace, storageKey } from "./container.ts";
import { unpickleAt } from "./pickle-stream.ts";
import {
  kindOf,
  PickleDict,
  PickleList,
  PickleObject,
  PickleReference,
  PickleTuple,
  type PickleValue,
} from "./pickle-values.ts";
import { StatedStorages } from "./storage-ids.ts";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;
/** Before each storage's bytes: how many elements it has. */
const COUNT_BYTES = 8;

/**
 * @throws {FormatError} naming the file
 */
export async function openLegacyContainer(source: ByteSource, options: ContainerOptions): Promise<Container> {
  const { name } = source;
  let at = 0;
  const next = async (): Promise<PickleValue> => {
    const { value, end } = await unpickleAt(source, at, options);
    at = end;
    return value;
  };
  const magic = await next();
  if (magic !== MAGIC) throw new FormatError(`${name} is a pickle of ${kindOf(magic)}, expected a file of torch.save`);
  const version = await next();
  if (version !== VERSION)
    throw new FormatError(`${name} has version ${kindOf(version)} of old PyTorch files, expected ${VERSION}`);
  const system = await next();
  const root = await next();
  const keys = await next();
  const storages = new StatedStorages();
  collectStorages(root, storages, name);
  const places = placeStorages(source, at, keys, storages);
  return {
    source,
    kind: "legacy",
    zip: undefined,
    root,
    isSwapped: system instanceof PickleDict && system.get("little_endian") === false,
    references: { storage: (id, where) => storages.read(id, where) },
    place(key, where) {
      const place = places.get(key);
      if (place === undefined) throw new FormatError(`${where} is in storage ${key}, which the file lacks`);
      return place;
    },
  };
}

/** Every storage of the object: the sizes of all are needed to find each. Unread tensors have some, too. */
function collectStorages(root: PickleValue, storages: StatedStorages, name: string): void {
  const seen = new Set<PickleValue>();
  const stack: PickleValue[] = [root];
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof PickleReference) {
      if (value.id instanceof PickleTuple && value.id.items[0] === "storage") storages.read(value.id, name);
    } else for (const part of partsOf(value)) stack.push(part);
  }
}

function* partsOf(value: PickleValue): Iterable<PickleValue> {
  if (value instanceof PickleDict) {
    for (const [key, item] of value.entries) {
      yield key;
      yield item;
    }
  } else if (value instanceof PickleObject) {
    yield* value.args;
    if (value.state !== undefined) yield value.state;
    if (value.entries !== undefined) yield value.entries;
  } else if (value !== null && typeof value === "object" && "items" in value) yield* value.items;
}

/** Storages follow in the order of the keys, with their sizes from the ids. */
function placeStorages(
  source: ByteSource,
  start: number,
  keys: PickleValue,
  storages: StatedStorages,
): Map<string, StoragePlace> {
  const { name } = source;
  if (!(keys instanceof PickleList))
    throw new FormatError(`${name} has ${kindOf(keys)} of storage keys, expected a list`);
  const places = new Map<string, StoragePlace>();
  let at = start;
  for (const item of keys.items) {
    const key = storageKey(item, name);
    const size = storages.sizes.get(key);
    if (size === undefined || places.has(key))
      throw new FormatError(
        `${name} has storage ${key}, which ${size === undefined ? "nothing" : "the list twice"} names`,
      );
    const offset = at + COUNT_BYTES;
    at = offset + size.bytes;
    if (!(at <= source.byteLength))
      throw new FormatError(
        `${name} storage ${key} ends at byte ${at}, expected at most ${source.byteLength} (truncated file?)`,
      );
    places.set(key, storagePlace(source, `${name} storage ${key}`, offset, size));
  }
  return places;
}

/** A storage behind its count of elements, which is checked when it is first read. */
export function storagePlace(
  source: ByteSource,
  name: string,
  offset: number,
  { bytes, elementBytes }: { readonly bytes: number; readonly elementBytes: number },
): StoragePlace {
  return {
    byteLength: bytes,
    entry: undefined,
    offset,
    async open(signal) {
      const count = readU64(viewOf(await source.slice(offset - COUNT_BYTES, offset, signal)), 0);
      if (count * elementBytes !== bytes)
        throw new FormatError(`${name} has ${count} elements, expected ${bytes / elementBytes} as its tensors have`);
      return partSource(source, offset, offset + bytes, name);
    },
  };
}
