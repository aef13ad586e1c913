/** The network that a model's ONNX file describes. */

import type { Model } from "../../base/model.ts";
import { INPUT, LAYOUT } from "../../base/network-notes.ts";
import { fileValues } from "../../formats/onnx/onnx-bytes.ts";
import { readGraph } from "../../formats/operator-graph.ts";
import type { ImageLayout } from "../../infer/image-input.ts";
import { type NetworkGraph, networkGraph } from "../../infer/network-graph.ts";

/** Found before, by the file: merges and renumbered models hand it on. */
const known = new WeakMap<object, Map<string, Promise<NetworkGraph>>>();

/**
 * The network of a model that came from an ONNX file, with the input that its notes name (`withNetworkNotes`). Rejects
 * with `RangeError` for another model, and where no input or output is one of images.
 */
export async function onnxGraph(model: Pick<Model, "name" | "tensors" | "metadata" | "origin">): Promise<NetworkGraph> {
  const own = fileValues(model);
  const [input, layout] = [model.metadata.get(INPUT), model.metadata.get(LAYOUT)];
  if (layout !== undefined && layout !== "nchw" && layout !== "nhwc")
    throw new RangeError(`${model.name} has layout ${layout} in its metadata, expected nchw or nhwc`);
  const container = model.origin!.container as object;
  const found = known.get(container) ?? new Map<string, Promise<NetworkGraph>>();
  known.set(container, found);
  const key = JSON.stringify([input, layout]);
  const before = found.get(key);
  if (before !== undefined) return before;
  const reading = read(model, own, { input, layout });
  found.set(key, reading);
  reading.catch(() => found.delete(key));
  return reading;
}

async function read(
  model: Pick<Model, "name" | "tensors" | "origin">,
  own: ReadonlySet<string>,
  choice: { readonly input: string | undefined; readonly layout: ImageLayout | undefined },
): Promise<NetworkGraph> {
  const graph = (await readGraph(model))!;
  // Where a name is there twice, in a function that is called, nothing shows which of the two the file means.
  const twice = graph.operators.flatMap(({ outputs }) =>
    outputs.flatMap((name) => /^(.*)#\d+$/s.exec(name)?.[1] ?? []),
  );
  return networkGraph(graph, model, new Set([...own].filter((name) => !twice.includes(name))), choice);
}
