/** Writes tensors back into the Flax file they came from: the same bytes but for the arrays'. */

import { describe } from "../../base/describe.ts";
import type { Model } from "../../base/model.ts";
import { createYielder, type OnProgress } from "../../base/progress.ts";
import type { ByteSink } from "../../io/sink.ts";
import { type Patch, writePatched } from "../../io/write-patched.ts";
import { sameBytes } from "../same-contents.ts";
import type { FlaxContainer } from "./open-flax.ts";

export interface FlaxWriteOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Writes a copy of the file with the tensors of `model` in it. The caller has checked that names, dtypes and shapes are
 * the file's. Resolves to whether anything changed. Neither closes nor aborts the sink.
 */
export async function writeIntoFlax(
  { source, tensors }: FlaxContainer,
  model: Model,
  sink: ByteSink,
  { signal, onProgress }: FlaxWriteOptions,
): Promise<boolean> {
  const giveWay = createYielder(signal);
  let [done, changed] = [0, false];
  const patches: Patch[] = [];
  for (const [name, { pieces }] of tensors) {
    const total = pieces.reduce((sum, { length }) => sum + length, 0);
    // Kept between the pieces of one array, which lie one after the other.
    let [bytes, left, from]: [Uint8Array | undefined, number, number] = [undefined, pieces.length, 0];
    for (const { offset, length } of pieces) {
      const start = from;
      from += length;
      const read = async (): Promise<Uint8Array> => {
        await giveWay();
        bytes ??= await model.read(name, signal);
        if (bytes.length !== total)
          throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${total}`);
        const part = bytes.subarray(start, start + length);
        changed ||= !sameBytes(part, await source.slice(offset, offset + length, signal));
        left--;
        if (left > 0) return part;
        bytes = undefined;
        done++;
        onProgress?.({ stage: "write", done, total: tensors.size });
        return part;
      };
      patches.push({ offset, length, read });
    }
  }
  await writePatched(source, patches, sink, signal);
  return changed;
}
