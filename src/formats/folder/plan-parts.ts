/** Which tensors go into which files of a folder. */

import type { Model, Origin, TensorInfo } from "../../base/model.ts";
import { tensorBytes } from "../../base/tensor-bytes.ts";
import { sameEntries, sameTensorInfos } from "../same-contents.ts";
import type { FolderContainer } from "./folder-container.ts";
import { formatShardName, shardName } from "./shard-names.ts";

/** One file to be written. */
export interface PlannedPart {
  readonly path: string;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
  /** The format of the file, and what it is written into. */
  readonly format: string;
  readonly like: Origin | undefined;
}

/** The files of `container` again: each a copy with other tensors. Undefined where the model has other tensors. */
export function sameParts(
  { tensors, metadata }: Pick<Model, "tensors" | "metadata">,
  container: FolderContainer,
): PlannedPart[] | undefined {
  if (!sameTensorInfos(tensors, container.tensors)) return undefined;
  const isSame = sameEntries(metadata, container.metadata);
  return container.parts.map(({ path, model }) => ({
    path,
    tensors: model.tensors,
    metadata: isSame ? model.metadata : metadata,
    format: model.origin!.format,
    like: model.origin,
  }));
}

/** New files: one, or shards of at most `shardBytes` in the model's order; a larger tensor gets its own shard. */
export function newParts(
  { tensors, metadata }: Pick<Model, "tensors" | "metadata">,
  { stem, ending, format }: { readonly stem: string; readonly ending: string; readonly format: string },
  shardBytes: number = Number.POSITIVE_INFINITY,
): PlannedPart[] {
  const shards: Map<string, TensorInfo>[] = [new Map()];
  let filled = 0;
  for (const [name, info] of tensors) {
    const bytes = tensorBytes(info);
    if (filled > 0 && filled + bytes > shardBytes) {
      shards.push(new Map());
      filled = 0;
    }
    shards.at(-1)!.set(name, info);
    filled += bytes;
  }
  return shards.map((some, at) => ({
    path: formatShardName({ stem, number: at + 1, count: shards.length, ending }),
    tensors: some,
    metadata,
    format,
    like: undefined,
  }));
}

/** What a file of a folder is called without its number and ending, and its ending. */
export function namesOf(path: string): { readonly stem: string; readonly ending: string } {
  const shard = shardName(path);
  if (shard !== undefined) return shard;
  const file = path.split("/").at(-1)!;
  const dot = file.lastIndexOf(".");
  return dot <= 0 ? { stem: file, ending: "" } : { stem: file.slice(0, dot), ending: file.slice(dot) };
}
