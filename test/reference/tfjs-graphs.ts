/** Graph models of TensorFlow.js put together by hand, as its converter writes them. */

import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { memoryFiles } from "./memory-files.ts";
import { gaussianArray } from "./random.ts";
import { type TfjsWeight, tfjsFiles, weight } from "./tfjs-builder.ts";

/** A node of a graph in the making. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: object;
}

/** Attributes of nodes, as the converter writes them. */
export const text = (value: string): object => ({ s: btoa(value) });
export const numbers = (...values: number[]): object => ({ list: { i: values.map(String) } });
export const texts = (...values: string[]): object => ({ list: { s: values.map((value) => btoa(value)) } });

/** Weights and nodes of a graph in the making. */
export class TfjsGraph {
  readonly nodes: GraphNode[] = [];
  readonly weights: TfjsWeight[] = [];
  readonly #rng = createRng(3);

  node(op: string, name: string, input: readonly string[], attr: object = {}): string {
    this.nodes.push({ name, op, input, attr });
    return name;
  }

  floats(name: string, ...shape: number[]): string {
    const size = shape.reduce((product, each) => product * each, 1);
    const data = gaussianArray(size, this.#rng, 0.5).map((value) =>
      name.endsWith("variance") ? 0.5 + Math.abs(value) : value,
    );
    this.weights.push(weight(name, "float32", shape, new Uint8Array(data.buffer)));
    return this.node("Const", name, []);
  }

  ints(name: string, ...values: number[]): string {
    this.weights.push(weight(name, "int32", [values.length], new Uint8Array(Int32Array.from(values).buffer)));
    return this.node("Const", name, []);
  }

  files(rest: object = {}): Record<string, Uint8Array> {
    const topology = {
      modelTopology: { node: this.nodes, library: {}, versions: { producer: 27 } },
      convertedBy: "by hand",
    };
    return tfjsFiles(this.weights, { rest: { format: "graph-model", ...topology, ...rest } });
  }

  open(rest: object = {}): Promise<Model> {
    return openModel(memoryFiles(this.files(rest)));
  }
}

/** Attributes of a convolution that keeps the size. */
export const CONV: object = {
  strides: numbers(1, 1, 1, 1),
  padding: text("SAME"),
  data_format: text("NHWC"),
  dilations: numbers(1, 1, 1, 1),
};

/** A residual network as the converter writes it: biases and activations fused, a norm by itself, a flatten by its sizes. */
export function residualGraph(): TfjsGraph {
  const g = new TfjsGraph();
  g.node("Placeholder", "x", [], {
    shape: { shape: { dim: [{ size: "-1" }, { size: "6" }, { size: "6" }, { size: "3" }] } },
  });
  const c1 = g.node("_FusedConv2D", "c1", ["x", g.floats("c1/w", 3, 3, 3, 4), g.floats("c1/b", 4)], {
    ...CONV,
    fused_ops: texts("BiasAdd", "Relu"),
    num_args: { i: "1" },
  });
  const dw = g.node("FusedDepthwiseConv2dNative", "dw", [c1, g.floats("dw/w", 3, 3, 4, 1), g.floats("dw/b", 4)], {
    ...CONV,
    fused_ops: texts("BiasAdd"),
    num_args: { i: "1" },
  });
  const statistics = ["scale", "shift", "mean", "variance"].map((name) => g.floats(`bn/${name}`, 4));
  const bn = g.node("FusedBatchNormV3", "bn", [dw, ...statistics], {
    epsilon: { f: 0.001 },
    data_format: text("NHWC"),
    is_training: { b: false },
  });
  const sum = g.node("AddV2", "sum", [c1, `${bn}:0`]);
  const pool = g.node("MaxPool", "pool", [sum], {
    ksize: numbers(1, 2, 2, 1),
    strides: numbers(1, 2, 2, 1),
    padding: text("VALID"),
  });
  const flat = g.node("Reshape", "flat", [pool, g.ints("flat/shape", -1, 36)]);
  const hidden = g.node("_FusedMatMul", "hidden", [flat, g.floats("hidden/w", 36, 5), g.floats("hidden/b", 5)], {
    fused_ops: texts("BiasAdd", "Relu"),
    num_args: { i: "1" },
  });
  const out = g.node("MatMul", "out", [hidden, g.floats("out/w", 2, 5)], {
    transpose_a: { b: false },
    transpose_b: { b: true },
  });
  g.node("Softmax", "Identity", [out]);
  return g;
}
