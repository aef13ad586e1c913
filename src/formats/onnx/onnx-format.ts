/** ONNX for the registry. */

import type { Origin } from "../../base/model.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import type { FormatModule } from "../format.ts";
import { requireNumbersRead, requireSameInfos } from "../same-contents.ts";
import { type OnnxContainer, openOnnx } from "./open-onnx.ts";
import { readOperatorGraph } from "./operators/operator-graph.ts";
import { writeIntoOnnx } from "./write-onnx.ts";

export const open: FormatModule["open"] = (source, files, { signal }) => openOnnx(source, files, { signal });

export const readGraph: NonNullable<FormatModule["readGraph"]> = async ({ container }, { signal }) =>
  readOperatorGraph(container as OnnxContainer, signal);

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  const into = containerOf(like);
  if (into === undefined)
    throw new RangeError(
      `${model.name} as a new ONNX file, expected a model that came from one: its graph goes with it`,
    );
  requireNumbersRead(into.leftOut, into.source.name);
  requireSameInfos(model, into.tensors, into.source.name);
};

export const write: NonNullable<FormatModule["write"]> = (model, sink, { like, ...options }) =>
  writeThenClose(sink, options.signal, async () => {
    checkWrite(model, like);
    await writeIntoOnnx(containerOf(like)!, model, sink, options);
    return [];
  });

function containerOf(like: Origin | undefined): OnnxContainer | undefined {
  return like?.format === "onnx" ? (like.container as OnnxContainer) : undefined;
}
