/** Opens a model, whatever it comes from and, one day, whatever its format. */

import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { type ByteSource, blobSource, bytesSource } from "../io/byte-source.ts";
import { urlSource } from "../io/url-source.ts";
import { openSafetensors } from "./safetensors/open-safetensors.ts";
import { guessFormat, SIGNATURE_BYTES } from "./signatures.ts";

/** `name` replaces the source's in messages. */
export interface OpenOptions {
  readonly name?: string;
  readonly signal?: AbortSignal;
}

/**
 * Opens a safetensors model from bytes, a Blob or File, a URL, or any byte source. Only the header is read; tensors
 * are read when asked for (for bytes in memory as *views*).
 *
 * Rejects with `FormatError` for a file that is malformed, or is of another format (the message says which it looks
 * like); with `TypeError` for anything that is no source, strings included: paths are for `rebasin/node`, URLs are
 * `new URL(...)`. A byte source of yours stays open then, and belongs to the model otherwise.
 *
 * @example
 * const model = await openModel(await file.arrayBuffer(), { name: "model.safetensors" });
 * const remote = await openModel(new URL("https://example.org/model.safetensors"));
 */
export async function openModel(
  source: ByteSource | Uint8Array | ArrayBuffer | Blob | URL,
  options: OpenOptions = {},
): Promise<Model> {
  const { signal } = options;
  const opened = rename(await toSource(source, options), options.name);
  const head = await opened.slice(0, Math.min(opened.byteLength, SIGNATURE_BYTES), signal);
  const format = guessFormat(head);
  if (format !== undefined) {
    throw new FormatError(`${opened.name} looks like ${format}, which is not supported, expected safetensors`);
  }
  return openSafetensors(opened, signal ? { signal } : {});
}

async function toSource(source: unknown, { name, signal }: OpenOptions): Promise<ByteSource> {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return bytesSource(source, name);
  if (source instanceof Blob) return blobSource(source, name);
  if (source instanceof URL) return urlSource(source, signal ? { signal } : {});
  if (isByteSource(source)) return source;
  const got = typeof source === "string" ? `string "${source}"` : source === null ? "null" : typeof source;
  throw new TypeError(
    `model source is ${got}, expected bytes, a Blob, a URL object or a byte source (for paths: openModelFile of rebasin/node)`,
  );
}

function isByteSource(source: unknown): source is ByteSource {
  if (typeof source !== "object" || source === null) return false;
  const { slice, byteLength } = source as Partial<ByteSource>;
  return typeof slice === "function" && typeof byteLength === "number";
}

/** The same source under another name in messages. */
function rename(source: ByteSource, name: string | undefined): ByteSource {
  if (name === undefined || name === source.name) return source;
  return {
    name,
    byteLength: source.byteLength,
    slice: (start, end, signal) => source.slice(start, end, signal),
    close: async () => source.close?.(),
  };
}
