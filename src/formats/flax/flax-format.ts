/** Flax's files for the registry. */

import type { Origin } from "../../base/model.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import type { FormatModule } from "../format.ts";
import { requireNumbersRead, requireSameInfos, staleNotes } from "../same-contents.ts";
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
  requireNumbersRead(into.leftOut, into.source.name);
  requireSameInfos(model, into.tensors, into.source.name);
};

export const write: NonNullable<FormatModule["write"]> = (model, sink, { like, ...options }) =>
  writeThenClose(sink, options.signal, async () => {
    checkWrite(model, like);
    const into = containerOf(like)!;
    const changed = await writeIntoFlax(into, model, sink, options);
    return changed ? staleNotes(into.source.name, into.training, into.others) : [];
  });

function containerOf(like: Origin | undefined): FlaxContainer | undefined {
  return like?.format === "flax" ? (like.container as FlaxContainer) : undefined;
}
