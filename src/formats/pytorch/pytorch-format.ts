/** PyTorch's files for the registry. */

import { listFirst } from "../../base/compare-tensors.ts";
import type { Model, Origin } from "../../base/model.ts";
import type { FormatModule } from "../format.ts";
import { newFileNote, sameTensorInfos } from "../same-contents.ts";
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

export const write: NonNullable<FormatModule["write"]> = async (model, sink, { like, ...options }) => {
  try {
    options.signal?.throwIfAborted();
    checkWrite(model, like);
    const into = containerOf(like);
    let notes: readonly string[] = [];
    if (into !== undefined && hasRoom(into, model)) {
      if (await writeIntoPytorch(into, model, sink, options)) notes = staleParts(into);
    } else {
      await writePytorch(model, sink, options);
      if (into !== undefined) notes = [newFileNote(into.container.source.name)];
    }
    options.signal?.throwIfAborted();
    await sink.close();
    return notes;
  } catch (error) {
    // The first error is the one to know; that cleaning up failed too adds nothing.
    await sink.abort().catch(() => {});
    throw error;
  }
};

function containerOf(like: Origin | undefined): PytorchContainer | undefined {
  return like?.format === "pytorch" ? (like.container as PytorchContainer) : undefined;
}

/** True when the file's tensors have the model's names, dtypes and shapes. */
function hasRoom(into: PytorchContainer | undefined, model: Pick<Model, "tensors">): boolean {
  return into !== undefined && sameTensorInfos(model.tensors, into.tensors);
}

/** What stays in the file although it belongs to the old tensors. */
function staleParts({ container: { source }, training, others }: PytorchContainer): string[] {
  const notes: string[] = [];
  if (training.length > 0)
    notes.push(`kept from ${source.name} and stale, as it fits the old weights: ${listFirst(training)}`);
  if (others.length > 0) notes.push(`kept from ${source.name} as they were: ${listFirst(others)}`);
  return notes;
}
