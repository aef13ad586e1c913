/** ONNX for the registry. */

import { describe } from "../../base/describe.ts";
import type { Origin } from "../../base/model.ts";
import type { FormatModule } from "../format.ts";
import { sameTensorInfos } from "../same-contents.ts";
import { type OnnxContainer, openOnnx } from "./open-onnx.ts";
import { writeIntoOnnx } from "./write-onnx.ts";

export const open: FormatModule["open"] = (source, files, { signal }) => openOnnx(source, files, { signal });

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  const into = containerOf(like);
  if (into === undefined)
    throw new RangeError(
      `${model.name} as a new ONNX file, expected a model that came from one: its graph goes with it`,
    );
  const missing = into.leftOut.find(({ isNumeric }) => isNumeric);
  if (missing !== undefined)
    throw new RangeError(
      `${into.source.name} holds ${describe(missing.name)} (${missing.what}), whose units would stay where they are, so it is only read: expected tensors of plain types`,
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
    await writeIntoOnnx(containerOf(like)!, model, sink, options);
    options.signal?.throwIfAborted();
    await sink.close();
    return [];
  } catch (error) {
    // The first error is the one to know; that cleaning up failed too adds nothing.
    await sink.abort().catch(() => {});
    throw error;
  }
};

function containerOf(like: Origin | undefined): OnnxContainer | undefined {
  return like?.format === "onnx" ? (like.container as OnnxContainer) : undefined;
}
