/** Chains of convolutions that detection knows, under the names of the field. Each must be aligned rightly. */

import { convnet, layer, separable, slopes } from "./chains.ts";
import type { PlainNetwork } from "./network.ts";
import { flatten, halve, meanPool, relu } from "./values.ts";

const three = [3, 4, 4];

/** Chains of convolutions and dense tensors. */
export const CONVNETS: readonly PlainNetwork[] = [
  convnet({
    convs: ["conv1", "conv2"],
    widths: [6, 8],
    dense: ["fc1", "fc2", "fc3"],
    outs: [12, 10, 4],
    input: [1, 6, 6],
    side: 5,
  }),
  convnet({ convs: ["conv1", "conv2"], widths: [8, 8], dense: ["fc1", "fc2"], outs: [8, 8], input: three }),
  convnet({
    convs: ["conv1", "conv2", "conv3"],
    widths: [8, 8, 8],
    norms: ["bn1", "bn2", "bn3"],
    dense: ["fc"],
    outs: [4],
    input: three,
  }),
  convnet({
    convs: ["features.0", "features.3", "features.7"],
    widths: [8, 8, 10],
    norms: ["features.1", "features.4", "features.8"],
    dense: ["classifier.1", "classifier.3"],
    outs: [8, 4],
    input: three,
  }),
  convnet({
    convs: ["0", "3", "6"],
    widths: [8, 8, 8],
    norms: ["1", "4", "7"],
    dense: ["10", "12"],
    outs: [8, 4],
    input: three,
  }),
  convnet({
    convs: ["features.0", "features.2"],
    widths: [8, 8],
    norms: ["features.1", "features.3"],
    norm: slopes,
    dense: ["classifier"],
    outs: [4],
    input: three,
  }),
  convnet({
    convs: ["conv1", "conv2"],
    widths: [8, 8],
    norms: ["prelu1", "prelu2"],
    norm: slopes,
    dense: ["fc"],
    outs: [4],
    input: three,
  }),
  convnet({
    convs: ["conv1", "conv2"],
    widths: [8, 8],
    norms: ["ln1", "ln2"],
    norm: layer,
    dense: ["fc"],
    outs: [4],
    input: three,
    end: "mean",
  }),
  convnet({
    convs: ["conv_layers.0", "conv_layers.3"],
    widths: [8, 10],
    norms: ["conv_layers.1", "conv_layers.4"],
    dense: ["fc_layers.0", "fc_layers.2"],
    outs: [8, 4],
    input: three,
  }),
  convnet({
    convs: ["layer1.0", "layer2.0", "layer3.0"],
    widths: [8, 8, 8],
    norms: ["layer1.1", "layer2.1", "layer3.1"],
    dense: ["fc"],
    outs: [4],
    input: three,
  }),
  convnet({
    convs: ["block1.conv", "block2.conv", "block3.conv"],
    widths: [8, 8, 8],
    norms: ["block1.bn", "block2.bn", "block3.bn"],
    dense: ["head"],
    outs: [4],
    input: three,
  }),
  convnet({
    convs: ["conv1.conv", "conv2.conv"],
    widths: [8, 8],
    norms: ["conv1.bn", "conv2.bn"],
    dense: ["classifier"],
    outs: [4],
    input: three,
    end: "mean",
  }),
  convnet({
    convs: ["conv1", "conv2", "conv3"],
    widths: [8, 10, 12],
    dense: ["fc1", "fc2"],
    outs: [8, 4],
    input: [4, 8],
  }),
  convnet({
    convs: ["features.0", "features.3"],
    widths: [8, 8],
    norms: ["features.1", "features.4"],
    dense: ["classifier"],
    outs: [4],
    input: [2, 8],
  }),
  convnet({
    convs: ["conv1", "conv2"],
    widths: [6, 8],
    norms: ["bn1", "bn2"],
    dense: ["fc"],
    outs: [4],
    input: [2, 4, 4, 4],
  }),
  convnet({
    convs: ["conv1_1", "conv1_2", "conv2_1", "conv2_2"],
    widths: [8, 8, 10, 10],
    dense: ["fc6", "fc7"],
    outs: [8, 4],
    input: three,
  }),
  convnet(
    {
      convs: ["block1_conv1", "block1_conv2", "block2_conv1", "block2_conv2"],
      widths: [8, 8, 10, 10],
      dense: ["fc1", "predictions"],
      outs: [8, 4],
      input: three,
    },
    { naming: { style: "keras" } },
  ),
  convnet(
    {
      convs: ["conv2d", "conv2d_1", "conv2d_2"],
      widths: [8, 8, 8],
      norms: ["batch_normalization", "batch_normalization_1", "batch_normalization_2"],
      dense: ["dense", "dense_1"],
      outs: [8, 4],
      input: three,
    },
    { naming: { style: "keras" } },
  ),
  convnet(
    {
      convs: ["Conv_0", "Conv_1"],
      widths: [8, 8],
      norms: ["BatchNorm_0", "BatchNorm_1"],
      dense: ["Dense_0", "Dense_1"],
      outs: [8, 4],
      input: three,
    },
    { naming: { style: "flax", collections: true } },
  ),
  convnet(
    {
      convs: ["Conv_0", "Conv_1"],
      widths: [8, 8],
      norms: ["LayerNorm_0", "LayerNorm_1"],
      norm: layer,
      dense: ["Dense_0"],
      outs: [4],
      input: three,
      end: "mean",
    },
    { naming: { style: "flax", collections: true } },
  ),
  // Network in network: 1×1 convolutions between, the mean of the last ones is the output.
  {
    name: "NiN",
    input: [3, 4, 4],
    forward: (l, x) =>
      meanPool(
        ["0", "2", "4", "6"].reduce(
          (value, name, i) => relu(l.conv(`features.${name}`, value, [8, 8, 8, 5][i]!, i % 2 === 0 ? 3 : 1)),
          x,
        ),
      ),
  },
  {
    name: "1-D autoencoder of convolutions",
    input: [3, 8],
    forward: (l, x) =>
      l.conv(
        "decoder.2",
        relu(l.conv("decoder.0", relu(l.conv("encoder.2", relu(l.conv("encoder.0", x, 8)), 4)), 8)),
        3,
      ),
  },
  {
    name: "bn_flat",
    input: three,
    forward: (l, x) =>
      l.dense(
        "fc2",
        relu(
          l.dense(
            "fc1",
            l.batchNorm("bn_flat", flatten(halve(relu(l.conv("conv2", relu(l.conv("conv1", x, 6)), 8))))),
            10,
          ),
        ),
        4,
      ),
  },
  {
    name: "embedding",
    input: [3],
    forward: (l) => l.dense("fc2", relu(l.dense("fc1", meanPool(l.embed("embedding.weight", [1, 4, 2], 9, 8)), 8)), 4),
  },
  {
    name: "embedding of one size",
    input: [3],
    forward: (l) => l.dense("fc2", relu(l.dense("fc1", meanPool(l.embed("emb.weight", [1, 4, 2], 8, 8)), 8)), 4),
  },
  {
    name: "embedding, flattened",
    input: [3],
    forward: (l) =>
      l.dense(
        "fc2",
        relu(l.dense("fc1", flatten(l.embed("embed.weight", [1, 4, 2, 6, 3], 9, 8), "channel-minor"), 10)),
        4,
      ),
  },
  { name: "depthwise separable", input: [3, 4, 4], forward: separable(["conv1", "dw2", "pw2", "dw3", "pw3", "fc"]) },
  {
    name: "depthwise separable in a Sequential",
    input: [3, 4, 4],
    forward: separable(["features.0", "features.2", "features.4", "features.6", "features.8", "classifier"]),
  },
  {
    name: "depthwise first",
    input: [3, 4, 4],
    forward: (l, x) => l.dense("fc", meanPool(relu(l.conv("pw", relu(l.conv("dw", x, 3, 3, { groups: 3 })), 8, 1))), 4),
  },
  {
    name: "depthwise first, with more channels",
    input: [3, 4, 4],
    forward: (l, x) =>
      l.dense(
        "head",
        meanPool(relu(l.conv("layer1.pointwise", relu(l.conv("layer1.depthwise", x, 6, 3, { groups: 3 })), 8, 1))),
        4,
      ),
  },
  {
    name: "grouped",
    input: [3, 4, 4],
    forward: (l, x) =>
      l.dense(
        "fc",
        meanPool(relu(l.conv("conv3", relu(l.conv("conv2", relu(l.conv("conv1", x, 8)), 12, 3, { groups: 2 })), 10))),
        4,
      ),
  },
  {
    name: "depthwise with a multiplier",
    input: [3, 4, 4],
    forward: (l, x) =>
      l.dense(
        "fc",
        meanPool(
          relu(
            l.conv(
              "conv3",
              relu(
                l.batchNorm(
                  "bn2",
                  l.conv("conv2", relu(l.batchNorm("bn1", l.conv("conv1", x, 6))), 12, 3, { groups: 6 }),
                ),
              ),
              10,
            ),
          ),
        ),
        4,
      ),
  },
];
