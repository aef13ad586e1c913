/** What the three kinds of PyTorch files have in common, once open: a pickled object, and storages by their keys. */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Zip } from "../../io/zip.ts";
import type { PickleValue } from "./pickle-values.ts";
import type { References } from "./tensor-values.ts";

/** A storage's bytes in the file. */
export interface StoragePlace {
  readonly byteLength: number;
  /** Its entry, in a zip archive; else its first byte in the file. */
  readonly entry: string | undefined;
  readonly offset: number;
  /** True where each slice costs what all bytes before it do. */
  readonly isPacked?: boolean | undefined;
  /** Reads and checks what precedes the bytes. */
  open(signal?: AbortSignal): Promise<ByteSource>;
}

/** An open PyTorch file. */
export interface Container {
  readonly source: ByteSource;
  readonly kind: "zip" | "TorchScript" | "legacy" | "tar";
  readonly zip: Zip | undefined;
  readonly root: PickleValue;
  readonly references: References;
  /** The place of a storage that `references` gave the key of. Throws `FormatError` for one that the file lacks. */
  place(key: string, where: string): StoragePlace;
  /** True when numbers are big-endian. */
  readonly isSwapped: boolean;
}

/** A pickle is read at once; that of 100,000 tensors has 20 MB. */
export const MAX_PICKLE_BYTES: number = 256 * 2 ** 20;

/** How a file is opened: what index it may have at most (see `FormatOptions.maxIndexBytes`). */
export interface ContainerOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxIndexBytes?: number | undefined;
}

/** The most bytes that a pickle may have. */
export function pickleLimit({ maxIndexBytes = MAX_PICKLE_BYTES }: ContainerOptions): number {
  return Math.min(maxIndexBytes, MAX_PICKLE_BYTES);
}

/** Checks a storage's key, which becomes the name of an entry. */
export function storageKey(key: PickleValue | undefined, where: string): string {
  const text = typeof key === "number" || typeof key === "bigint" ? String(key) : key;
  if (typeof text === "string" && /^[\w.-]{1,128}$/.test(text)) return text;
  throw new FormatError(
    `${where} names a storage by ${typeof text === "string" ? describe(text) : "no key"}, expected digits`,
  );
}
