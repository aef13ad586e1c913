/** Networks of Keras that the tests of its graphs use. */

import type { KerasNetwork, Layer } from "./keras-networks.ts";

export const image: Layer = ["InputLayer", "x", { batch_shape: [null, 8, 8, 3] }, []];
export const conv = (name: string, reads: string, from: number, to: number, config: object = {}): Layer => [
  "Conv2D",
  name,
  { filters: to, kernel_size: [3, 3], padding: "same", activation: "relu", ...config },
  [reads],
  { kernel: [3, 3, from, to], bias: [to] },
];
export const dense = (
  name: string,
  reads: string,
  from: number,
  to: number,
  config: object = { activation: "relu" },
): Layer => ["Dense", name, { units: to, ...config }, [reads], { kernel: [from, to], bias: [to] }];
const norm = (name: string, reads: string, size: number): Layer => [
  "BatchNormalization",
  name,
  { axis: [3], epsilon: 1e-3 },
  [reads],
  { gamma: [size], beta: [size], moving_mean: [size], moving_variance: [size] },
];

export const residual: KerasNetwork = {
  layers: [
    image,
    conv("c1", "x", 3, 6),
    conv("c2", "c1", 6, 6, { activation: "linear" }),
    norm("n2", "c2", 6),
    ["Add", "sum", {}, ["c1", "n2"]],
    ["Activation", "act", { activation: "tanh" }, ["sum"]],
    ["MaxPooling2D", "pool", { pool_size: [2, 2], strides: [2, 2], padding: "valid" }, ["act"]],
    ["Dropout", "drop", { rate: 0.5 }, ["pool"]],
    ["Flatten", "flat", { data_format: "channels_last" }, ["drop"]],
    dense("d1", "flat", 96, 10),
    dense("d2", "d1", 10, 4, { activation: { module: "builtins", class_name: "function", config: "softmax" } }),
  ],
  outputs: ["d2"],
};

export const separable: KerasNetwork = {
  layers: [
    image,
    conv("c1", "x", 3, 4, { strides: [2, 2] }),
    [
      "DepthwiseConv2D",
      "dw",
      { kernel_size: [3, 3], padding: "same", depth_multiplier: 2, use_bias: false },
      ["c1"],
      { kernel: [3, 3, 4, 2] },
    ],
    [
      "SeparableConv2D",
      "sep",
      { filters: 5, kernel_size: [3, 3], padding: "valid", activation: "relu" },
      ["dw"],
      { depthwise_kernel: [3, 3, 8, 1], pointwise_kernel: [1, 1, 8, 5], bias: [5] },
    ],
    [
      "Conv2DTranspose",
      "up",
      { filters: 6, kernel_size: [2, 2], strides: [2, 2], padding: "valid" },
      ["sep"],
      { kernel: [2, 2, 6, 5], bias: [6] },
    ],
    ["Concatenate", "cat", { axis: -1 }, ["up", "up"]],
    ["Flatten", "flat", {}, ["cat"]],
    dense("d1", "flat", 192, 3, {}),
  ],
  outputs: ["d1"],
};

export const recurrent: KerasNetwork = {
  layers: [
    ["InputLayer", "x", { batch_shape: [null, 5, 4] }, []],
    [
      "LSTM",
      "lstm",
      { units: 6, return_sequences: true },
      ["x"],
      { "lstm_cell/kernel": [4, 24], "lstm_cell/recurrent_kernel": [6, 24], "lstm_cell/bias": [24] },
    ],
    [
      "GRU",
      "gru",
      { units: 5, reset_after: true },
      ["lstm"],
      { "gru_cell/kernel": [6, 15], "gru_cell/recurrent_kernel": [5, 15], "gru_cell/bias": [2, 15] },
    ],
    dense("d", "gru", 5, 2, {}),
  ],
  outputs: ["d"],
};

export const attention: KerasNetwork = {
  layers: [
    ["InputLayer", "x", { batch_shape: [null, 5, 4] }, []],
    dense("in", "x", 4, 8, {}),
    [
      "MultiHeadAttention",
      "mha",
      { num_heads: 2, key_dim: 3, use_bias: true },
      ["in", "in"],
      {
        "query/kernel": [8, 2, 3],
        "query/bias": [2, 3],
        "key/kernel": [8, 2, 3],
        "key/bias": [2, 3],
        "value/kernel": [8, 2, 3],
        "value/bias": [2, 3],
        "attention_output/kernel": [2, 3, 8],
        "attention_output/bias": [8],
      },
    ],
    ["Add", "sum", {}, ["in", "mha"]],
    dense("out", "sum", 8, 3, {}),
  ],
  outputs: ["out"],
};
