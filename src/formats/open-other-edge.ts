/**
 * Replaces open-other.ts in edge workers. Their bundlers put imports on demand into the worker's one file, which is
 * read before every first request. It opens safetensors, and the formats that the worker imports itself (option
 * `formats`).
 */

import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { Files } from "../io/files.ts";
import type { OpenOptions } from "./open-options.ts";
import { openSafetensors } from "./safetensors/open-safetensors.ts";
import { guessFormat } from "./signatures.ts";
import { isZip } from "./zip-head.ts";

/** Opens a source of which `head` are the first bytes. */
export async function openOther(source: ByteSource, head: Uint8Array, options: OpenOptions): Promise<Model> {
  const { signal, key, assume, maxIndexBytes, files, formats = [] } = options;
  const format = formats.find((candidate) => candidate.recognises(head, source.name));
  if (format !== undefined) return (await format.load()).open(source, files, { signal, key, assume, maxIndexBytes });
  const guess = guessArchive(head) ?? guessFormat(head);
  if (guess === undefined) return openSafetensors(source, { signal }); // says what is wrong with it
  throw new FormatError(`${source.name} looks like ${guess}, which is not supported, expected safetensors`);
}

/** Only the formats themselves identify archives, and they are not loaded here. */
function guessArchive(head: Uint8Array): string | undefined {
  if (isZip(head)) return "a zip archive";
  return head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5 ? "a Python pickle" : undefined;
}

/** Refuses a folder. */
export async function openFolder({ name }: Files): Promise<Model> {
  throw new FormatError(`${name} is a folder, expected one safetensors file`);
}
