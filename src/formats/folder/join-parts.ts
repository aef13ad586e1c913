/** Holds an index against its shards: every tensor is in the shard that the index names, and in no other. */

import { listFirst } from "../../base/compare-tensors.ts";
import { describe } from "../../base/describe.ts";
import { FormatError } from "../../base/errors.ts";
import type { OpenedPart } from "./folder-container.ts";
import type { ShardIndex } from "./shard-index.ts";

/**
 * Returns notes for people. Throws `FormatError` for a tensor that its shard lacks and for one that two shards have.
 * Tensors that the index does not name are read, as every loader of whole shards does, and noted.
 */
export function joinParts(
  parts: readonly OpenedPart[],
  index: ShardIndex,
  name: string,
): [label: string, text: string][] {
  const homes = new Map<string, string>();
  for (const { path, model } of parts) {
    for (const tensor of model.tensors.keys()) {
      const other = homes.get(tensor);
      if (other !== undefined)
        throw new FormatError(
          `${name} tensor ${describe(tensor)} is in ${other} and in ${path}, expected it in one shard`,
        );
      homes.set(tensor, path);
    }
  }
  for (const [tensor, shard] of index.weightMap) {
    const home = homes.get(tensor);
    if (home === shard) continue;
    const found = home === undefined ? "no shard has it" : `${home} has it`;
    throw new FormatError(`${name} tensor ${describe(tensor)} is not in ${shard} (${found}), expected it there`);
  }
  const unlisted = [...homes.keys()].filter((tensor) => !index.weightMap.has(tensor));
  return unlisted.length === 0 ? [] : [["not in index", listFirst(unlisted, 5)]];
}
