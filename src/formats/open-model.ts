/** Opens a model from any source, in any format. */

import { type ClosingModel, closing } from "../base/closing-model.ts";
import type { Model } from "../base/model.ts";
import { type ByteSource, blobSource, bytesSource } from "../io/byte-source.ts";
import type { Files } from "../io/files.ts";
import { urlSource } from "../io/url-source.ts";
import { HEAD_BYTES } from "./format.ts";
import type { OpenOptions } from "./open-options.ts";
import { looksLikeSafetensors } from "./safetensors/looks-like-safetensors.ts";
import { openSafetensors } from "./safetensors/open-safetensors.ts";

/**
 * Opens a model from bytes, a Blob or File, a URL, any byte source, or a folder of files. Only the index is read;
 * tensors are read when asked for (for bytes in memory as *views*). What is read and written is in docs/formats.md;
 * edge workers read safetensors alone. `prefix` opens one of several networks in a file.
 *
 * On failure your byte source stays open; on success the model owns it. Paths are for `rebasin/node`, URLs are
 * `new URL(...)`.
 *
 * @throws {FormatError} for a file that is malformed, or of a format that is not read (the message names the likely
 * format).
 * @throws {TypeError} for anything that is no source, strings included.
 *
 * @example
 * const model = await openModel(await file.arrayBuffer(), { name: "model.safetensors" });
 * const remote = await openModel(new URL("https://example.org/model.safetensors"));
 */
export async function openModel(
  source: ByteSource | Files | Uint8Array | ArrayBuffer | Blob | URL,
  options: OpenOptions = {},
): Promise<ClosingModel> {
  return closing(await open(source, options));
}

async function open(
  source: ByteSource | Files | Uint8Array | ArrayBuffer | Blob | URL,
  options: OpenOptions,
): Promise<Model> {
  const model = await openWhole(source, options);
  const { prefix } = options;
  const files = isFiles(source) ? source : options.files;
  if (files !== undefined) model.beside ??= async (path, signal) => readBeside(files, path, signal);
  return prefix === undefined ? model : (await import("./prefixed-model.ts")).prefixedModel(model, prefix);
}

async function openWhole(
  source: ByteSource | Files | Uint8Array | ArrayBuffer | Blob | URL,
  options: OpenOptions,
): Promise<Model> {
  const { signal } = options;
  if (isFiles(source)) return (await import("./open-other.ts")).openFolder(source, options);
  const own = await toSource(source, options);
  const opened = rename(own, options.name);
  const head = await opened.slice(0, Math.min(opened.byteLength, HEAD_BYTES), signal);
  if (looksLikeSafetensors(head)) return openSafetensors(opened, { signal });
  const { openOther } = await import("./open-other.ts");
  return openOther(opened, head, options, { file: own.name, url: source instanceof URL ? source : undefined });
}

/** Longer files beside a model are no configuration. */
const MAX_BESIDE_BYTES = 2 ** 24;

async function readBeside(
  files: Files,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const source = await files.open(path, signal);
  if (source === undefined) return undefined;
  try {
    return (await source.slice(0, Math.min(source.byteLength, MAX_BESIDE_BYTES), signal)).slice();
  } finally {
    await source.close?.();
  }
}

async function toSource(source: unknown, { name, signal }: OpenOptions): Promise<ByteSource> {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return bytesSource(source, name);
  if (source instanceof Blob) return blobSource(source, name);
  if (source instanceof URL) return urlSource(source, { signal });
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

function isFiles(source: unknown): source is Files {
  return typeof source === "object" && source !== null && typeof (source as Partial<Files>).open === "function";
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
