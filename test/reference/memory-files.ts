/** A folder in memory, and folders of models in shards built by hand. */

import { bytesSource } from "../../src/io/byte-source.ts";
import { checkInnerPath, type Files } from "../../src/io/files.ts";
import { type FolderSink, type MemorySink, memorySink } from "../../src/io/sink.ts";
import { concat, entry, safetensorsFile, utf8 } from "./safetensors-builder.ts";

/** Counts what it opened and what was closed again. */
export interface MemoryFiles extends Files {
  readonly open: Files["open"];
  stillOpen(): number;
}

/** `contents` by path; text as UTF-8. */
export function memoryFiles(contents: Readonly<Record<string, Uint8Array | string>>, name = "hf"): MemoryFiles {
  const files = new Map(Object.entries(contents));
  let open = 0;
  return {
    name,
    async open(path) {
      checkInnerPath(path, name);
      const bytes = files.get(path);
      if (bytes === undefined) return undefined;
      open++;
      let isOpen = true;
      const close = async (): Promise<void> => {
        if (isOpen) open--;
        isOpen = false;
      };
      return { ...bytesSource(typeof bytes === "string" ? utf8(bytes) : bytes, `${name}/${path}`), close };
    },
    async list() {
      return [...files.keys()].sort();
    },
    stillOpen: () => open,
  };
}

/** A safetensors file of U8 tensors with these bytes. */
export function shardOf(tensors: Readonly<Record<string, readonly number[]>>): Uint8Array<ArrayBuffer> {
  let at = 0;
  const entries = Object.entries(tensors).map(([name, bytes]) => {
    const begin = at;
    at += bytes.length;
    return entry(name, "U8", `[${bytes.length}]`, `[${begin},${at}]`);
  });
  const header = safetensorsFile(`{"__metadata__":{"format":"pt"},${entries.join(",")}}`, 0);
  return concat(header, Uint8Array.from(Object.values(tensors).flat()));
}

/** An index as text. */
export function indexOf(weightMap: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap });
}

/** A folder sink in memory; `files` holds what was completed, once the folder is. */
export function memoryFolder(): FolderSink & { readonly files: Map<string, Uint8Array>; isAborted(): boolean } {
  const files = new Map<string, Uint8Array>();
  const made: [string, MemorySink][] = [];
  let aborted = false;
  return {
    name: "out",
    files,
    async create(path) {
      checkInnerPath(path, "out");
      const sink = memorySink();
      made.push([path, sink]);
      return sink;
    },
    async close() {
      for (const [path, sink] of made) files.set(path, sink.bytes());
    },
    async abort() {
      aborted = true;
    },
    isAborted: () => aborted,
  };
}
