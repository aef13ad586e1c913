/**
 * Opens what is not a lone safetensors file: other formats, and models of several files. Loaded with the first of
 * them.
 */

import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { Files } from "../io/files.ts";
import { urlFiles } from "../io/url-files.ts";
import { openFolder as openFolderFiles, openIndex } from "./folder/open-folder.ts";
import { looksLikeIndex } from "./folder/shard-index.ts";
import type { OpenOptions } from "./open-options.ts";
import { openSource } from "./open-source.ts";

/** The source's own file name, which may differ from its name in messages, and its address on a web server. */
export interface Beside {
  readonly file: string;
  readonly url: URL | undefined;
}

/** Opens a source of which `head` are the first bytes. */
export async function openOther(
  source: ByteSource,
  head: Uint8Array,
  options: OpenOptions,
  { file, url }: Beside,
): Promise<Model> {
  const files = options.files ?? (url && urlFiles(url));
  if (!looksLikeIndex(head, file)) return openSource(source, head, { ...options, files });
  if (files !== undefined) return openIndex(source, files, options, file.split(/[\\/]/).at(-1)!);
  throw new FormatError(
    `${source.name} is the index of a model in shards, expected its shards too (their folder, or option files)`,
  );
}

/** Opens the model in a folder. */
export async function openFolder(files: Files, options: OpenOptions): Promise<Model> {
  return openFolderFiles(files, options);
}
