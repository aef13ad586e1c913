/** Flax's files for the registry. */

import { listFirst } from "../../base/compare-tensors.ts";
import { describe } from "../../base/describe.ts";
import type { Origin } from "../../base/model.ts";
import type { FormatModule } from "../format.ts";
import { sameTensorInfos } from "../same-contents.ts";
import { type FlaxContainer, openFlax } from "./open-flax.ts";
import { writeIntoFlax } from "./write-flax.ts";

export const open: FormatModule["open"] = (source, _files, { key, signal, maxIndexBytes }) =>
  openFlax(source, { key, signal, maxIndexBytes });

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  const into = containerOf(like);
  if (into === undefined)
    throw new RangeError(
      `${model.name} as a new Flax file, expected a model that came from one: its tree goes with it`,
    );
  const missing = into.leftOut.find(({ isNumeric }) => isNumeric);
  if (missing !== undefined)
    throw new RangeError(
      `${into.source.name} holds ${describe(missing.name)} (${describe(missing.type)}), whose units would stay where they are, so it is only read: expected arrays of plain types`,
    );
  if (!sameTensorInfos(model.tensors, into.tensors))
    throw new RangeError(
      `${model.name} has other tensors than ${into.source.name}, expected the same names, dtypes and shapes: write a .safetensors file`,
    );
};

export const write: NonNullable<FormatModule["write"]> = async (model, sink, { like, ...options }) => {
  try {
    options.signal?.throwIfAborted();
    checkWrite(model, like);
    const into = containerOf(like)!;
    const changed = await writeIntoFlax(into, model, sink, options);
    options.signal?.throwIfAborted();
    await sink.close();
    return changed ? staleParts(into) : [];
  } catch (error) {
    // The first error is the one to know; that cleaning up failed too adds nothing.
    await sink.abort().catch(() => {});
    throw error;
  }
};

function containerOf(like: Origin | undefined): FlaxContainer | undefined {
  return like?.format === "flax" ? (like.container as FlaxContainer) : undefined;
}

/** What stays in the file although it belongs to the old arrays. */
function staleParts({ source, training, others }: FlaxContainer): string[] {
  const notes: string[] = [];
  if (training.length > 0)
    notes.push(`kept from ${source.name} and stale, as it fits the old weights: ${listFirst(training)}`);
  if (others.length > 0) notes.push(`kept from ${source.name} as they were: ${listFirst(others)}`);
  return notes;
}
