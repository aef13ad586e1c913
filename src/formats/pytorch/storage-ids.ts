/**
 * Persistent ids of storages: `("storage", class, key, location, elements)`, and in old files a view of another
 * storage.
 */

import { FormatError } from "../../base/errors.ts";
import { isCount } from "../../base/tensor-bytes.ts";
import { storageKey } from "./container.ts";
import { PickleTuple, type PickleValue } from "./pickle-values.ts";
import { type StorageSpan, storageClass } from "./tensor-values.ts";

/** What an id contains: the storage that the file holds, and the part of it that is meant. */
interface StatedStorage extends StorageSpan {
  /** Bytes of the storage that the file holds. */
  readonly wholeBytes: number;
  readonly elementBytes: number;
}

/** Storages as the ids of one pickle state them; each must be stated alike everywhere. */
export class StatedStorages {
  /** Bytes and element size by key. */
  readonly sizes: Map<string, { readonly bytes: number; readonly elementBytes: number }> = new Map();

  /**
   * @throws {FormatError} for an id that is none of a storage, on the meta device, or states another size than before
   */
  read(id: PickleValue, where: string): StorageSpan {
    const stated = statedStorage(id, where);
    const known = this.sizes.get(stated.key);
    if (known !== undefined && known.bytes !== stated.wholeBytes)
      throw new FormatError(`${where} has a storage of ${stated.wholeBytes} bytes, expected ${known.bytes} as before`);
    if (known === undefined)
      this.sizes.set(stated.key, { bytes: stated.wholeBytes, elementBytes: stated.elementBytes });
    return stated;
  }
}

function statedStorage(id: PickleValue, where: string): StatedStorage {
  const parts = id instanceof PickleTuple ? id.items : [];
  const [kind, cls, key, location, count, view] = parts;
  const type = storageClass(cls);
  // Python 2 has bytes for text, which are read as text here.
  if (kind !== "storage" || type === undefined || !isCount(count))
    throw new FormatError(`${where} has a persistent id that is none of a storage, expected one`);
  if (location === "meta")
    throw new FormatError(`${where} is on the meta device, which has no data, expected a tensor with data`);
  const wholeBytes = count * type.size;
  const whole = {
    ...{ key: storageKey(key, where), dtype: type.dtype, kind: type.kind },
    ...{ wholeBytes, elementBytes: type.size },
  };
  if (view === undefined || view === null) return { ...whole, start: 0, byteLength: wholeBytes };
  // (key of the view, first element, elements)
  const [, first, elements] = view instanceof PickleTuple ? view.items : [];
  if (!isCount(first) || !isCount(elements) || !((first + elements) * type.size <= wholeBytes))
    throw new FormatError(`${where} has a view that is not inside its storage of ${wholeBytes} bytes, expected one`);
  return { ...whole, start: first * type.size, byteLength: elements * type.size };
}
