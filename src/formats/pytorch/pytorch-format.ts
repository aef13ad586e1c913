/** PyTorch's files for the registry. */

import type { Model, Origin } from "../../base/model.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import type { FormatModule } from "../format.ts";
import { newFileNote, sameTensorInfos, staleNotes } from "../same-contents.ts";
import { openPytorch, type PytorchContainer } from "./open-pytorch.ts";
import { writeIntoPytorch } from "./write-into.ts";
import { checkPytorchTensors, writePytorch } from "./write-pytorch.ts";

export const open: FormatModule["open"] = (source, _files, { key, signal, maxIndexBytes }) =>
  openPytorch(source, { key, signal, maxIndexBytes });

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  const into = containerOf(like);
  if (into?.container.kind === "TorchScript")
    throw new RangeError(
      `${into.container.source.name} is TorchScript, which is only read: its code may depend on the units' order; write a .safetensors file`,
    );
  if (!hasRoom(into, model)) checkPytorchTensors(model);
};

export const write: NonNullable<FormatModule["write"]> = (model, sink, { like, ...options }) =>
  writeThenClose(sink, options.signal, async () => {
    checkWrite(model, like);
    const into = containerOf(like);
    let notes: readonly string[] = [];
    if (into !== undefined && hasRoom(into, model)) {
      if (await writeIntoPytorch(into, model, sink, options))
        notes = staleNotes(into.container.source.name, into.training, into.others);
    } else {
      await writePytorch(model, sink, options);
      if (into !== undefined) notes = [newFileNote(into.container.source.name)];
    }
    return notes;
  });

function containerOf(like: Origin | undefined): PytorchContainer | undefined {
  return like?.format === "pytorch" ? (like.container as PytorchContainer) : undefined;
}

/** True when the file's tensors have the model's names, dtypes and shapes. */
function hasRoom(into: PytorchContainer | undefined, model: Pick<Model, "tensors">): boolean {
  return into !== undefined && sameTensorInfos(model.tensors, into.tensors);
}
