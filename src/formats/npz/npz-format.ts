/** NumPy's .npz and .npy files for the registry. */

import type { Origin } from "../../base/model.ts";
import type { FormatModule } from "../format.ts";
import { sameTensorInfos } from "../same-contents.ts";
import { isNpy } from "./npy-header.ts";
import { type NpzContainer, openNpy, openNpz } from "./open-npz.ts";
import { checkNpzTensors, writeIntoNpz, writeNpz } from "./write-npz.ts";

export const open: FormatModule["open"] = async (source, _files, { assume, signal }) => {
  const head = await source.slice(0, Math.min(source.byteLength, 6), signal);
  return isNpy(head) ? openNpy(source, { assume, signal }) : openNpz(source, { assume, signal });
};

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  const into = containerOf(like);
  if (into === undefined) checkNpzTensors(model);
  else if (!sameTensorInfos(model.tensors, into.arrays))
    throw new RangeError(
      `${model.name} has other tensors than ${into.source.name}, expected the same names, dtypes and shapes: write a .safetensors file`,
    );
};

export const write: NonNullable<FormatModule["write"]> = async (model, sink, { like, ...options }) => {
  try {
    options.signal?.throwIfAborted();
    checkWrite(model, like);
    const into = containerOf(like);
    if (into === undefined) await writeNpz(model, sink, options);
    else await writeIntoNpz(into, model, sink, options);
    options.signal?.throwIfAborted();
    await sink.close();
    return [];
  } catch (error) {
    // The first error is the one to know; that cleaning up failed too adds nothing.
    await sink.abort().catch(() => {});
    throw error;
  }
};

function containerOf(like: Origin | undefined): NpzContainer | undefined {
  return like?.format === "npz" || like?.format === "npy" ? (like.container as NpzContainer) : undefined;
}
