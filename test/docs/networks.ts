/** Files that guides take for granted: the two checkpoints as ONNX exports, and two small transformers. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors, openModel, readFloats } from "../../src/index.ts";
import { Weights } from "../reference/forward/sequences.ts";
import { NETWORKS, SEQUENCES } from "../reference/forward/transformers.ts";
import { residual } from "../reference/keras-cases.ts";
import { wholeKeras } from "../reference/keras-files.ts";
import { configOf, tensorsOf } from "../reference/keras-networks.ts";
import { toModel } from "../reference/networks.ts";
import { attribute, graph, node, onnxOf, part, raw, tensor, valueInfo, whole } from "../reference/onnx-builder.ts";

/** A small residual network as Keras 3 saves it. */
export function kerasNetwork(): Uint8Array<ArrayBuffer> {
  const tensors = tensorsOf(residual, "keras3", createRng(1));
  return wholeKeras(configOf(residual, "keras3"), tensors, "keras3");
}

/** An MLP of the fixtures as PyTorch exports it: images `[n, 1, 28, 28]`, flattened, then matrices with ReLU between. */
export async function onnxOfMlp(safetensors: Uint8Array): Promise<Uint8Array> {
  const model: Model = await openModel(safetensors);
  const tensors: Uint8Array[] = [];
  for (const [name, { shape }] of model.tensors) {
    const values = Float32Array.from(await readFloats(model, name));
    tensors.push(tensor(name, 1, shape, raw(new Uint8Array(values.buffer))));
  }
  const nodes = [node("Flatten", ["image"], ["flat"], [], "flatten")];
  const count = model.tensors.size / 2;
  let value = "flat";
  for (let at = 0; at < count; at++) {
    const dense = at === count - 1 ? "logits" : `dense_${at}`;
    const turned = attribute("transB", whole(3, 1), whole(20, 2));
    nodes.push(
      node("Gemm", [value, `layers.${at}.weight`, `layers.${at}.bias`], [dense], [turned], `layers.${at}`),
      ...(at === count - 1 ? [] : [node("Relu", [dense], [`relu_${at}`], [], `relu_${at}`)]),
    );
    value = `relu_${at}`;
  }
  const ports = [[valueInfo("image", ["n", 1, 28, 28])], [valueInfo("logits", ["n", 10])]];
  return onnxOf(17, graph(nodes, tensors, ports), part(2, "an exporter"));
}

/** Two BERTs as folders with `config.json`, and two GPT-2s as lone files. */
export async function writeTransformers(folder: string): Promise<void> {
  for (const [at, letter] of ["a", "b"].entries()) {
    for (const [kind, name] of [
      ["BERT, masked words", `bert-${letter}/model.safetensors`],
      ["GPT-2", `gpt2-${letter}.safetensors`],
    ] as const) {
      const network = NETWORKS[kind]!;
      const weights = new Weights(new Map(), createRng(at));
      network.run(weights, SEQUENCES[0]!);
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), await encodeSafetensors(toModel(weights.tensors)));
      if (name.includes("/")) writeFileSync(join(folder, name, "../config.json"), JSON.stringify(network.config));
    }
  }
}
