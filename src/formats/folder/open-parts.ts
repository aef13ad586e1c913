/** Opens the files that an index names. */

import { listFirst } from "../../base/compare-tensors.ts";
import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Files } from "../../io/files.ts";
import type { OpenOptions } from "../open-options.ts";
import { headOf, openSource } from "../open-source.ts";
import type { OpenedPart } from "./folder-container.ts";

/** Headers that are read at a time: on a web server each takes the time of a request. */
const PARALLEL = 8;

/**
 * Opens every shard; `index` names the index in messages. Rejects with `FormatError` for shards that are not there, and
 * with what opening one rejects with; nothing stays open then.
 */
export async function openParts(
  shards: readonly string[],
  files: Files,
  index: string,
  options: OpenOptions,
): Promise<OpenedPart[]> {
  const opened: (OpenedPart | undefined)[] = new Array(shards.length).fill(undefined);
  const missing: string[] = [];
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (next < shards.length && failure === undefined) {
      const at = next++;
      try {
        opened[at] = await openPart(shards[at]!, files, options);
        if (opened[at] === undefined) missing.push(shards[at]!);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, shards.length) }, lane));
  const parts = opened.filter((part) => part !== undefined);
  if (failure === undefined && missing.length === 0) return parts;
  for (const { model } of parts) await model.close?.();
  if (failure !== undefined) throw failure.error;
  const sorted = shards.filter((shard) => missing.includes(shard));
  const there = `${parts.length} of its ${shards.length} shards are`;
  throw new FormatError(`${index} names ${listFirst(sorted, 3)}, which is not there (${there}), expected every shard`);
}

async function openPart(path: string, files: Files, options: OpenOptions): Promise<OpenedPart | undefined> {
  const source = await files.open(path, options.signal);
  if (source === undefined) return undefined;
  try {
    const model = await openSource(source, await headOf(source, options.signal), { ...options, files });
    return { path, model };
  } catch (error) {
    await close(source);
    throw error;
  }
}

async function close(source: ByteSource): Promise<void> {
  await source.close?.();
}
