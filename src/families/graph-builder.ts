/** Writes a graph operation by operation; values are named after the modules that make them. */

import type { Role } from "../base/tensor-names.ts";
import type { Graph, Operation, OperationKind } from "../graph/graph.ts";
import type { Module } from "./modules.ts";

/** PyTorch's default and Flax's. */
const BATCH_NORM_EPSILON = 1e-5;
/** Flax's default, which the paper's code uses. PyTorch's is 1e-5; tensors do not show it. */
const LAYER_NORM_EPSILON = 1e-6;

export interface GraphBuilder {
  /** Adds an operation and returns the name of its value: `name`, or `name.2` and so on where that is taken. */
  add(name: string, kind: OperationKind, ...inputs: readonly string[]): string;
  build(output: string): Graph;
}

/** An empty graph; the images are the value `input`. */
export function graphBuilder(): GraphBuilder {
  const operations: Operation[] = [];
  const taken = new Set(["input"]);
  return {
    add(name, kind, ...inputs) {
      let output = name;
      for (let k = 2; taken.has(output); k++) output = `${name}.${k}`;
      taken.add(output);
      operations.push({ output, inputs, kind });
      return output;
    },
    build: (output) => ({ operations, output }),
  };
}

/** How a convolution moves. */
export interface Steps {
  readonly stride: number;
  /** Side of the kernel. */
  readonly side: number;
}

/** Adds a dense matrix, a convolution or a norm; returns its value. Throws `RangeError` for what cannot be run. */
export function addModule(builder: GraphBuilder, module: Module, input: string, steps?: Steps): string {
  const name = module.path === "" ? module.kind : module.path;
  return builder.add(name, moduleKind(module, steps), input);
}

function moduleKind(module: Module, steps: Steps | undefined): OperationKind {
  if (module.kind === "norm") return normKind(module);
  const { layout, tensors } = module;
  const weight = tensors.get("weight")!;
  const bias = optional("bias", tensors.get("bias"));
  if (module.kind === "dense")
    return { op: "dense", weight, ...bias, layout: layout === "torch" ? "out-in" : "in-out" };
  const { stride, side } = steps!;
  if (layout === "torch" && side % 2 === 0)
    throw new RangeError(
      `${weight} has a kernel of even side ${side}, expected an odd one: names do not show its padding`,
    );
  const [order, padding] = layout === "torch" ? (["oihw", (side - 1) / 2] as const) : (["hwio", "same"] as const);
  return { op: "conv", weight, ...bias, layout: order, stride, padding };
}

function normKind({ name, path, tensors }: Module): OperationKind {
  const at = (role: Role): string | undefined => tensors.get(role);
  const [mean, variance] = [at("mean"), at("variance")];
  const affine = { ...optional("scale", at("weight")), ...optional("shift", at("bias")) };
  if (/(^|[._])(gn|group_?norm)/i.test(path))
    throw new RangeError(
      `${name} belongs to a GroupNorm, expected BatchNorm or LayerNorm: shapes do not show its groups`,
    );
  if (mean === undefined && variance === undefined) return { op: "layer-norm", ...affine, epsilon: LAYER_NORM_EPSILON };
  if (mean === undefined || variance === undefined)
    throw new RangeError(`${name} has one running statistic, expected mean and variance`);
  return { op: "batch-norm", ...affine, mean, variance, epsilon: BATCH_NORM_EPSILON };
}

function optional<K extends string>(key: K, name: string | undefined): { readonly [key in K]?: string } {
  return (name === undefined ? {} : { [key]: name }) as { readonly [key in K]?: string };
}

/** Whether PyTorch's or TensorFlow's order of flattening fits the matrix that reads what is flattened. */
export function flattenKind(next: Module): OperationKind {
  return { op: "flatten", order: next.flatten ?? (next.layout === "torch" ? "channel-major" : "channel-minor") };
}
