/** Opens what is not a lone safetensors file. Loaded with the first such file. */

import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { Files } from "../io/files.ts";
import { FORMATS } from "./formats.ts";
import type { OpenOptions } from "./open-options.ts";
import { openSafetensors } from "./safetensors/open-safetensors.ts";
import { guessFormat } from "./signatures.ts";

/** Opens a source by the registry. `head` are its first bytes; `url` is where it is, if it is on a web server. */
export async function openOther(
  source: ByteSource,
  head: Uint8Array,
  options: OpenOptions & { readonly url?: URL },
): Promise<Model> {
  const { signal, key, assume, files } = options;
  const format = FORMATS.find((candidate) => candidate.recognises(head, source.name));
  if (format !== undefined) return (await format.load()).open(source, files, { signal, key, assume });
  const guess = guessFormat(head);
  if (guess !== undefined)
    throw new FormatError(`${source.name} looks like ${guess}, which is not supported, expected safetensors`);
  // The reader says what is wrong with it.
  return openSafetensors(source, { signal });
}

/** Opens the model in a folder. */
export async function openFolder(files: Files, _options: OpenOptions): Promise<Model> {
  throw new FormatError(`${files.name} is a folder, expected a model file`);
}
