/** Opens one file by the registry; for other files, the message names the likely format. */

import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { ByteSource } from "../io/byte-source.ts";
import { type Format, HEAD_BYTES } from "./format.ts";
import { FORMATS } from "./formats.ts";
import { whyNotRead } from "./not-read.ts";
import type { OpenOptions } from "./open-options.ts";
import { openSafetensors } from "./safetensors/open-safetensors.ts";
import { guessFormat } from "./signatures.ts";

/** The first bytes of a file, as many as formats are recognised by. */
export async function headOf(source: ByteSource, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return source.slice(0, Math.min(source.byteLength, HEAD_BYTES), signal);
}

/** Opens a file whose first bytes are `head`. On failure `source` stays open. */
export async function openSource(source: ByteSource, head: Uint8Array, options: OpenOptions): Promise<Model> {
  const { signal, key, assume, maxIndexBytes, files, formats = [] } = options;
  const known: readonly Format[] = [...formats, ...FORMATS];
  const format = known.find((candidate) => candidate.recognises(head, source.name));
  if (format !== undefined) return (await format.load()).open(source, files, { signal, key, assume, maxIndexBytes });
  const reason = whyNotRead(head, source.name);
  if (reason !== undefined) throw new FormatError(reason);
  const guess = guessFormat(head);
  if (guess === undefined) {
    // What looks like nothing is taken for what its name says: that reader says what is wrong with it.
    const named = known.find(({ endings }) => endings.some((ending) => source.name.toLowerCase().endsWith(ending)));
    if (named !== undefined) return (await named.load()).open(source, files, { signal, key, assume, maxIndexBytes });
    return openSafetensors(source, { signal });
  }
  const want = known.length > 1 ? `a model file: ${known.map(({ title }) => title).join(", ")}` : "safetensors";
  throw new FormatError(`${source.name} looks like ${guess}, which is not supported, expected ${want}`);
}
