/** TensorFlow.js for the registry. */

import type { Origin, TensorInfo } from "../../base/model.ts";
import { writeThenClose } from "../../io/write-then-close.ts";
import type { FormatModule } from "../format.ts";
import { readKerasConfig } from "../keras/graph/read-config.ts";
import { graphOfConfig } from "../keras/read-graph.ts";
import { requireSameInfos } from "../same-contents.ts";
import { graphModel } from "./graph/graph-model.ts";
import { isObject } from "./manifest.ts";
import { openTfjs } from "./open-tfjs.ts";
import type { TfjsContainer } from "./tfjs-container.ts";
import { writeIntoTfjs } from "./write-tfjs.ts";

export const open: FormatModule["open"] = (source, files, { signal, maxIndexBytes }) =>
  openTfjs(source, files, { signal, maxIndexBytes });

export const readGraph: NonNullable<FormatModule["readGraph"]> = async ({ container }, { signal }) => {
  const { json, source, tensors } = container as TfjsContainer;
  const { modelTopology: topology, convertedBy } = json;
  if (!isObject(topology)) return undefined;
  if (Array.isArray(topology.node)) return graphModel(container as TfjsContainer, topology, json, signal);
  const model = readKerasConfig(topology.model_config ?? topology, source.name);
  const producer = typeof convertedBy === "string" ? convertedBy : undefined;
  return model && graphOfConfig(model, tensors.keys(), source.name, producer);
};

export const checkWrite: NonNullable<FormatModule["checkWrite"]> = (model, like) => {
  const into = containerOf(like);
  if (into === undefined)
    throw new RangeError(
      `${model.name} as a new model of TensorFlow.js, expected a model that came from one: its topology goes with it`,
    );
  requireSameInfos(model, withWidened(into, model.tensors), into.source.name);
};

export const write: NonNullable<FormatModule["write"]> = (model, sink, { like, ...options }) =>
  writeThenClose(sink, options.signal, async () => {
    checkWrite(model, like);
    const notes = await writeIntoTfjs(containerOf(like)!, model, sink, options);
    return notes;
  });

/**
 * The file's tensors, those that it stores as float16 with the dtype that the model has them in: F32 has room in it
 * too.
 */
function withWidened(
  { infos, tensors }: TfjsContainer,
  wanted: ReadonlyMap<string, TensorInfo>,
): Map<string, TensorInfo> {
  const widened = (name: string): boolean =>
    tensors.get(name)!.quantization?.dtype === "float16" && wanted.get(name)?.dtype === "F32";
  return new Map(Array.from(infos, ([name, info]) => [name, widened(name) ? { ...info, dtype: "F32" } : info]));
}

function containerOf(like: Origin | undefined): TfjsContainer | undefined {
  return like?.format === "tfjs" ? (like.container as TfjsContainer) : undefined;
}
