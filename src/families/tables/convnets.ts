/** DenseNet and ConvNeXt of torchvision. */

import { SpecError } from "../../base/errors.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { batchNorm, conv2d, dense, norm, type TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

/** How many of `name(0)`, `name(1)`… the model has, from `first` on. */
function countFrom({ has }: CheckpointFacts, first: number, name: (at: number) => string): number {
  let count = 0;
  while (has(name(first + count))) count++;
  return count;
}

function denseNetLayout(checkpoint: CheckpointFacts): TableLayout {
  // Older files have `norm.1` for `norm1`.
  const dot = checkpoint.has("features.denseblock1.denselayer1.conv.1.weight") ? "." : "";
  const tensors: TensorRows = { ...conv2d("features.conv0", "R0", "_"), ...batchNorm("features.norm0", "R0") };
  let stream = "R0";
  let layers = 0;
  const blocks = countFrom(checkpoint, 1, (at) => `features.denseblock${at}.denselayer1.conv${dot}1.weight`);
  for (let b = 1; b <= blocks; b++) {
    const count = countFrom(checkpoint, 1, (at) => `features.denseblock${b}.denselayer${at}.conv${dot}1.weight`);
    for (let at = 1; at <= count; at++, layers++) {
      const layer = `features.denseblock${b}.denselayer${at}`;
      const [inner, out] = [`P${b}.${at}`, `D${b}.${at}`];
      Object.assign(tensors, batchNorm(`${layer}.norm${dot}1`, stream), conv2d(`${layer}.conv${dot}1`, inner, stream));
      Object.assign(tensors, batchNorm(`${layer}.norm${dot}2`, inner), conv2d(`${layer}.conv${dot}2`, out, inner));
      stream = `${stream}|${out}`;
    }
    if (b === blocks) break;
    const transition = `features.transition${b}`;
    Object.assign(tensors, batchNorm(`${transition}.norm`, stream), conv2d(`${transition}.conv`, `R${b}`, stream));
    stream = `R${b}`;
  }
  Object.assign(tensors, batchNorm("features.norm5", stream), dense("classifier", "_", stream));
  return {
    permutations: { "R{N}": { role: "residual" }, "D{N}.{M}": { role: "residual" }, "P{N}.{M}": { role: "ffn" } },
    tensors,
    why: `${blocks} dense blocks of ${layers} layers`,
  };
}

export const denseNet: Table = {
  name: "densenet",
  signs: ["features.conv0.weight", "features.denseblock1.denselayer1.conv[.]1.weight", "classifier.weight"],
  layout: denseNetLayout,
};

/** Odd numbers are stages of blocks, even ones change the stream; number 0 reads the pixels. */
function convNextLayout(checkpoint: CheckpointFacts): TableLayout {
  const tensors: TensorRows = { ...conv2d("features.0.0", "R1", "_", "bias"), ...norm("features.0.1", "R1") };
  let last = 1;
  let blocks = 0;
  for (let stage = 1; checkpoint.has(`features.${stage}.0.layer_scale`); stage += 2) {
    const stream = `R${stage}`;
    if (stage > 1) {
      const change = `features.${stage - 1}`;
      Object.assign(tensors, norm(`${change}.0`, `R${last}`), conv2d(`${change}.1`, stream, `R${last}`, "bias"));
    }
    const count = countFrom(checkpoint, 0, (at) => `features.${stage}.${at}.layer_scale`);
    for (let at = 0; at < count; at++, blocks++) {
      const block = `features.${stage}.${at}`;
      const hidden = `F${stage}.${at}`;
      Object.assign(tensors, { [`${block}.layer_scale`]: [stream, "_", "_"] });
      Object.assign(tensors, conv2d(`${block}.block.0`, stream, "_", "bias"), norm(`${block}.block.2`, stream));
      Object.assign(tensors, dense(`${block}.block.3`, hidden, stream), dense(`${block}.block.5`, stream, hidden));
    }
    last = stage;
  }
  Object.assign(tensors, norm("classifier.0", `R${last}`), dense("classifier.2", "_", `R${last}`));
  const depthwise = checkpoint.size("features.1.0.block.0.weight", 1);
  if (depthwise !== 1)
    throw new SpecError(`features.1.0.block.0.weight reads ${depthwise} channels, expected 1 (depthwise)`);
  return {
    permutations: { "R{N}": { role: "residual" }, "F{N}.{M}": { role: "ffn" } },
    tensors,
    why: `${(last + 1) / 2} stages of ${blocks} blocks`,
  };
}

export const convNext: Table = {
  name: "convnext",
  signs: ["features.0.0.weight", "features.1.0.layer_scale", "features.1.0.block.0.weight", "classifier.2.weight"],
  layout: convNextLayout,
};
