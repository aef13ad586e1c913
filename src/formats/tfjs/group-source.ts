/** The files of a group of weights as one source: tensors may begin in one and end in the next. */

import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { ByteSource } from "../../io/byte-source.ts";
import type { Files } from "../../io/files.ts";

/** Opens the files of a group. Rejects with `FormatError` for one that is not there; what was opened is closed then. */
export async function openGroup(
  paths: readonly string[],
  files: Files | undefined,
  file: string,
  signal: AbortSignal | undefined,
): Promise<ByteSource[]> {
  const sources: ByteSource[] = [];
  try {
    for (const path of paths) {
      const source = await files?.open(path, signal);
      if (source === undefined) {
        const advice = files === undefined ? "that file too (its folder, or option files)" : "that file beside it";
        throw new FormatError(`${file} keeps weights in ${describe(path)}, which is not there, expected ${advice}`);
      }
      sources.push(source);
    }
    return sources;
  } catch (error) {
    for (const source of sources) await source.close?.();
    throw error;
  }
}

/** The bytes of all files, one after the other. Slices are what the files' are, or copies where two meet. */
export function joinSources(sources: readonly ByteSource[], name: string): ByteSource {
  const byteLength = sources.reduce((sum, source) => sum + source.byteLength, 0);
  return {
    name,
    byteLength,
    async slice(start, end, signal) {
      const parts: Uint8Array[] = [];
      let at = 0;
      for (const source of sources) {
        const [from, until] = [Math.max(start - at, 0), Math.min(end - at, source.byteLength)];
        if (from < until) parts.push(await source.slice(from, until, signal));
        at += source.byteLength;
      }
      if (parts.length === 1) return parts[0]!;
      const all = new Uint8Array(end - start);
      let to = 0;
      for (const part of parts) {
        all.set(part, to);
        to += part.length;
      }
      return all;
    },
    async close() {
      for (const source of sources) await source.close?.();
    },
  };
}
