/** NumPy's .npz and .npy files for the registry. */

import type { Model, Origin } from "../../base/model.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import type { FormatModule } from "../format.ts";
import { newFileNote, sameTensorInfos } from "../same-contents.ts";
import { isNpy } from "./npy-header.ts";
import { type NpzContainer, openNpy, openNpz } from "./open-npz.ts";
import { checkNpzTensors, writeIntoNpz, writeNpz } from "./write-npz.ts";

export const open: FormatModule["open"] = async (source, _files, { assume, signal, maxIndexBytes }) => {
  const head = await source.slice(0, Math.min(source.byteLength, 6), signal);
  return isNpy(head) ? openNpy(source, { assume, signal }) : openNpz(source, { assume, signal, maxIndexBytes });
};

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  if (!hasRoom(containerOf(like), model)) checkNpzTensors(model);
};

export const write: NonNullable<FormatModule["write"]> = (model, sink, { like, ...options }) =>
  writeThenClose(sink, options.signal, async () => {
    checkWrite(model, like);
    const into = containerOf(like);
    const notes: string[] = [];
    if (into !== undefined && hasRoom(into, model)) await writeIntoNpz(into, model, sink, options);
    else {
      await writeNpz(model, sink, options);
      if (into !== undefined) notes.push(newFileNote(into.source.name));
    }
    return notes;
  });

/** True when the file's arrays have the model's names, dtypes and shapes. */
function hasRoom(into: NpzContainer | undefined, model: Pick<Model, "tensors">): boolean {
  return into !== undefined && sameTensorInfos(model.tensors, into.arrays);
}

function containerOf(like: Origin | undefined): NpzContainer | undefined {
  return like?.format === "npz" || like?.format === "npy" ? (like.container as NpzContainer) : undefined;
}
