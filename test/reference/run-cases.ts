/** A small network of every kind that `describeGraph` knows, with its plain-loop reference. */

import { createRng } from "../../src/base/rng.ts";
import { type ImageNetwork, inFlax, resnetNetwork, vggNetwork } from "./image-networks.ts";
import { mlpNetwork } from "./networks.ts";

function mlp(seed: number): ImageNetwork {
  const { tensors, forward } = mlpNetwork(createRng(seed), [9, 12, 7, 4]);
  return { tensors, side: 3, logits: (pixels) => forward(tensors, Float64Array.from(pixels)) };
}

const VGG11 = [2, "M", 3, "M", 3, 4, "M", 4, 4, "M", 4, 4] as const;

/** Flax's tensors, PyTorch's reference: the same function. */
function flaxVgg(pool: boolean): ImageNetwork {
  const plan = pool ? ([...VGG11, "M"] as const) : VGG11;
  const network = vggNetwork(createRng(8), { plan, side: 34 });
  const positions = pool ? 1 : 4;
  return { ...network, tensors: inFlax(network.tensors, { name: "classifier.1.weight", positions }) };
}

/** By name; all have four classes. */
export const RUN_CASES: ReadonlyMap<string, () => ImageNetwork> = new Map<string, () => ImageNetwork>([
  ["mlp", () => mlp(6)],
  ["mlp in Flax", () => ({ ...mlp(6), tensors: inFlax(mlp(6).tensors) })],
  ["vgg", () => vggNetwork(createRng(1))],
  ["vgg with a pool after the last convolution", () => vggNetwork(createRng(2), { plan: [3, "M", 4, 5, "M"] })],
  ["vgg with LayerNorm", () => vggNetwork(createRng(3), { norm: "layer", plan: [3, "M", 4, 5, "M"] })],
  ["vgg without norms", () => vggNetwork(createRng(4), { norm: "none", plan: [3, 2, "M", 4, 5] })],
  ["vgg in Flax", () => flaxVgg(false)],
  ["vgg in Flax with a pool at the end", () => flaxVgg(true)],
  ["resnet of even side", () => resnetNetwork(createRng(10), 14)],
  ["resnet of odd side", () => resnetNetwork(createRng(11), 7)],
  ["resnet with BatchNorm", () => resnetNetwork(createRng(12), 8, { norm: "batch" })],
  ["resnet without norms", () => resnetNetwork(createRng(13), 8, { norm: "none" })],
  ["resnet with bare shortcuts", () => resnetNetwork(createRng(14), 8, { norm: "batch", shortcutNorm: false })],
  ["resnet of bottlenecks", () => resnetNetwork(createRng(15), 8, { norm: "batch", bottleneck: true })],
  ["resnet of bottlenecks with LayerNorm", () => resnetNetwork(createRng(16), 7, { bottleneck: true })],
  ["pre-activation resnet", () => resnetNetwork(createRng(17), 8, { norm: "batch", pre: true, shortcutNorm: false })],
  [
    "pre-activation resnet of bottlenecks",
    () => resnetNetwork(createRng(18), 8, { norm: "batch", pre: true, shortcutNorm: false, bottleneck: true }),
  ],
]);
