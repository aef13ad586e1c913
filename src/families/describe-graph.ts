/** What a model computes, told by the names and shapes of its tensors, as far as its family is known. */

import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { Graph } from "../graph/graph.ts";
import { describeMlp, describeVgg } from "./describe-chain.ts";
import { describeResidual } from "./describe-residual.ts";
import { likelyFamily } from "./known-families.ts";
import { mlpChain } from "./mlp.ts";
import { type DetectOptions, toldOf } from "./options.ts";
import { residualNetwork } from "./resnet.ts";
import { vggChain } from "./vgg.ts";

/**
 * The graph of a multilayer perceptron, a VGG or a residual network, with BatchNorm, LayerNorm or no norm, in PyTorch's
 * names and layouts or Flax's. What names and shapes do not tell is taken as those networks have it: ReLU, 2×2 max
 * pools, stride 2 where a residual stage begins, LayerNorm over the channels of each position with ε = 1e-6.
 *
 * @throws {RangeError} for tensors of no such network, and where it cannot be told how they are used.
 *
 * @example
 * const { operations } = await describeGraph(model);
 */
export async function describeGraph(
  model: Pick<Model, "name" | "tensors"> & Pick<Partial<Model>, "metadata">,
  options: DetectOptions = {},
): Promise<Graph> {
  const told = toldOf({ normGroups: 1, ...options }, model.metadata);
  const family = likelyFamily(model.tensors, told);
  try {
    if (family === "mlp") return describeMlp(mlpChain(model.tensors, told).steps);
    if (family === "resnet") return describeResidual(residualNetwork(model.tensors, told), model.tensors);
    return describeVgg(vggChain(model.tensors, told).steps, model.tensors);
  } catch (error) {
    if (error instanceof RangeError) throw new RangeError(`${model.name} cannot be run: ${error.message}`);
    if (!(error instanceof SpecError)) throw error;
    throw new RangeError(
      `${model.name} has tensors of no network known here, expected an MLP, a VGG or a ResNet (${error.message})`,
    );
  }
}
