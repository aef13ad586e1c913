/** What a model computes, by the names and shapes of its tensors, as far as its family is known. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { ACTIVATION } from "../base/network-notes.ts";
import type { Activation, Graph, OperationKind } from "../graph/graph.ts";
import { ACTIVATION_WORDS, withActivation } from "./activation.ts";
import { describeMlp, describeVgg } from "./describe-chain.ts";
import { describeResidual } from "./describe-residual.ts";
import type { Tensors } from "./modules.ts";
import { type DetectOptions, type Told, toldOf } from "./options.ts";

/** What `describeGraph` knows in addition to names and shapes. */
export interface DescribeOptions extends DetectOptions {
  /** The function after convolutions and matrices. Default: as in the model's metadata, else `"relu"`. */
  readonly activation?: Activation | undefined;
}

/**
 * The graph of a multilayer perceptron, a VGG or a residual network, with BatchNorm, LayerNorm or no norm, in PyTorch's
 * names and layouts or Flax's. Where names and shapes do not decide, the graph is as those networks have it. It then
 * has ReLU, 2×2 max pools, stride 2 where a residual stage begins, and LayerNorm over the channels of each position
 * with ε = 1e-6.
 *
 * These are among the `assumptions` of the graph, after those of the spec.
 *
 * @throws {RangeError} for tensors of no such network, where their use is unknown, for norms that have several groups
 * by the options, and for an unknown activation.
 *
 * @example
 * const { operations } = await describeGraph(model);
 */
export async function describeGraph(
  model: Pick<Model, "name" | "tensors"> & Pick<Partial<Model>, "metadata">,
  options: DescribeOptions = {},
): Promise<Graph> {
  const { activation = model.metadata?.get(ACTIVATION) ?? "relu", ...detection } = options;
  const known = toldOf(detection, model.metadata);
  const told = { ...known, normGroups: known.normGroups ?? 1 };
  const families = await import("./known-families.ts");
  try {
    const { graph, spec } = graphOf(families, model.tensors, told);
    checkNorms(graph, told.normGroups);
    return withAssumptions({ graph: withActivation(graph, activation), spec });
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${model.name} cannot be run: ${error.message}`);
    if (!(error instanceof SpecError)) throw error;
    throw await unknownNetwork(model, error.message);
  }
}

/** A family that is aligned and not run is named: the reason why it is no chain would mislead. */
async function unknownNetwork({ name, tensors }: Pick<Model, "name" | "tensors">, reason: string): Promise<RangeError> {
  const expected = "expected an MLP, a VGG or a ResNet";
  const family = await (await import("./table-spec.ts")).tableName(tensors);
  if (family === undefined)
    return new RangeError(`${name} has tensors of no network known here, ${expected} (${reason})`);
  return new RangeError(
    `${name} has the names of ${family}, which is aligned and not run, ${expected}; rebasin verify runs it with --graph MODEL.onnx`,
  );
}

/** A graph, and the spec of the same tensors. */
interface Described {
  readonly graph: Graph;
  readonly spec: Spec;
}

function graphOf(families: typeof import("./known-families.ts"), tensors: Tensors, told: Told): Described {
  const { likelyFamily, mlpChain, residualNetwork, vggChain } = families;
  const family = likelyFamily(tensors, told);
  if (family === "resnet") {
    const network = residualNetwork(tensors, told);
    return { graph: describeResidual(network, tensors), spec: network.spec };
  }
  const { steps, spec } = family === "mlp" ? mlpChain(tensors, told) : vggChain(tensors, told);
  return { graph: family === "mlp" ? describeMlp(steps) : describeVgg(steps, tensors), spec };
}

/** Norms in groups are aligned, not run. */
function checkNorms({ operations }: Graph, groups: number): void {
  const norm = operations.find(({ kind }) => kind.op === "layer-norm");
  if (norm !== undefined && groups > 1)
    throw new RangeError(`${norm.output} is a norm of ${groups} groups, expected one: GroupNorm is aligned, not run`);
}

/** What tensors do not show of a graph: activations, pools, strides, what norms add to variances. */
function withAssumptions({ graph, spec }: Described): Graph {
  const lines = [...(spec.assumptions ?? [])];
  const kinds = graph.operations.map(({ kind }) => kind);
  const of = (op: OperationKind["op"]): OperationKind | undefined => kinds.find((kind) => kind.op === op);
  const activation = kinds.find(({ op }) => op in ACTIVATION_WORDS)?.op;
  if (activation !== undefined) lines.push(`activations are ${ACTIVATION_WORDS[activation as Activation]}`);
  const pool = of("max-pool");
  if (pool?.op === "max-pool") lines.push(`pools are ${pool.size}×${pool.size} of maxima with stride ${pool.stride}`);
  const strided = graph.operations.flatMap(({ output, kind }) =>
    kind.op === "conv" && kind.stride > 1 ? [output] : [],
  );
  if (of("conv") !== undefined)
    lines.push(`convolutions keep sizes, but for strides at ${strided.join(", ") || "none"}`);
  const [batch, layer] = [of("batch-norm"), of("layer-norm")];
  if (batch?.op === "batch-norm") lines.push(`BatchNorm adds ε = ${batch.epsilon} to variances`);
  if (layer?.op === "layer-norm")
    lines.push(
      `norms without running statistics are LayerNorm over the channels of each position, ε = ${layer.epsilon}`,
    );
  return { ...graph, assumptions: lines };
}
