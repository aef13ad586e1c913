/** Networks that names and shapes cannot tell, given as graphs: the spec is right, and the function is kept. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../../src/axes/axis.ts";
import { createRng } from "../../../src/base/rng.ts";
import { type GraphBuilder, graphBuilder } from "../../reference/operators/graph-builder.ts";
import { deviationOf } from "../../reference/operators/graph-laws.ts";

const test = suite("infer: misread networks");

const ROW = [2, 8];
const IMAGE = [2, 3, 6, 6];

/** Spec and function of a network; `axes` are those of some tensors, as text. */
function network(
  what: string,
  input: readonly number[],
  make: (b: GraphBuilder, x: string) => string,
  axes: Record<string, string>,
): void {
  test(what, async () => {
    const rng = createRng(7);
    const b = graphBuilder(rng);
    const graph = b.build(make(b, b.input("x", input)));
    const { spec, off } = await deviationOf({ graph, tensors: b.tensors, input, parts: [] }, rng);
    assert.ok(off < 1e-7, `off by ${off}`);
    const found = Object.keys(axes).map((name) => [name, spec.tensors.get(name)!.axes.map(formatAxis).join(", ")]);
    assert.equal(Object.fromEntries(found), axes);
  });
}

function dense(b: GraphBuilder, x: string, name: string, shape: readonly [number, number], bias = true): string {
  const product = b.operator("MatMul", [
    x,
    b.operator("Transpose", [b.tensor(`${name}.weight`, shape)], { perm: [1, 0] }),
  ]);
  return bias ? b.operator("Add", [product, b.tensor(`${name}.bias`, [shape[0]])]) : product;
}

function conv(
  b: GraphBuilder,
  x: string,
  name: string,
  shape: readonly number[],
  attributes = {},
  kind = "Conv",
): string {
  const pad = (shape.at(-1)! - 1) / 2;
  const pads = Number.isInteger(pad) && kind === "Conv" ? { pads: shape.slice(2).flatMap(() => [pad, pad]) } : {};
  const out = kind === "Conv" ? shape[0]! : shape[1]!;
  return b.operator(kind, [x, b.tensor(`${name}.weight`, shape), b.tensor(`${name}.bias`, [out])], {
    ...pads,
    ...attributes,
  });
}

const relu = (b: GraphBuilder, x: string): string => b.operator("Relu", [x]);
const pooled = (b: GraphBuilder, x: string): string => b.operator("Flatten", [b.operator("GlobalAveragePool", [x])]);

network(
  "transposed convolutions are [in, out]",
  [2, 1, 6, 6],
  (b, x) => {
    const first = relu(b, conv(b, x, "enc.0", [16, 1, 3, 3]));
    const second = relu(b, conv(b, first, "enc.2", [16, 16, 3, 3]));
    const third = relu(b, conv(b, second, "dec.0", [16, 16, 2, 2], { strides: [2, 2] }, "ConvTranspose"));
    return conv(b, third, "dec.2", [1, 16, 3, 3]);
  },
  { "enc.2.weight": "P1, P0, _, _", "dec.0.weight": "P1, P2, _, _", "dec.0.bias": "P2", "dec.2.weight": "_, P2, _, _" },
);

network(
  "norms in four groups move groups, and channels inside",
  IMAGE,
  (b, x) => {
    const norm = (value: string, name: string): string => {
      const vectors = [b.tensor(`${name}.weight`, [16]), b.tensor(`${name}.bias`, [16])];
      return relu(b, b.operator("GroupNormalization", [value, ...vectors], { num_groups: 4 }));
    };
    const first = norm(conv(b, x, "conv1", [16, 3, 3, 3]), "norm1");
    return dense(b, pooled(b, norm(conv(b, first, "conv2", [16, 16, 3, 3]), "norm2")), "fc", [10, 16]);
  },
  { "norm1.weight": "P1", "conv2.weight": "P3, P1, _, _", "fc.weight": "_, P3" },
);

network(
  "two networks in one file stay apart",
  [2, 8],
  (b, x) => {
    const half = (name: string): string =>
      dense(b, relu(b, dense(b, x, `${name}.encoder`, [4, 8])), `${name}.decoder`, [8, 4]);
    return b.operator("Concat", [half("net"), half("ema")], { axis: 1 });
  },
  { "net.decoder.weight": "_, P0", "ema.encoder.weight": "P1, _", "ema.decoder.weight": "_, P1" },
);

network(
  "several heads",
  ROW,
  (b, x) => {
    const body = relu(b, dense(b, relu(b, dense(b, x, "fc1", [16, 8])), "fc2", [16, 16]));
    return b.operator("Concat", [dense(b, body, "policy_head", [16, 16]), dense(b, body, "value_head", [1, 16])], {
      axis: 1,
    });
  },
  { "policy_head.weight": "_, P1", "policy_head.bias": "_", "value_head.weight": "_, P1" },
);

network(
  "a depthwise convolution of the input's channels is fixed",
  IMAGE,
  (b, x) => {
    const dw = relu(b, conv(b, x, "dw", [3, 1, 3, 3], { group: 3 }));
    return dense(b, pooled(b, relu(b, conv(b, dw, "pw", [16, 3, 1, 1]))), "fc", [10, 16]);
  },
  { "dw.weight": "_, _, _, _", "pw.weight": "P0, _, _, _", "fc.weight": "_, P0" },
);

network(
  "a recurrence by hand has one permutation on both axes",
  [2, 6],
  (b, x) => {
    let hidden = b.operator("Tanh", [dense(b, x, "i2h", [16, 6])]);
    const w = b.operator("Transpose", [b.tensor("h2h.weight", [16, 16])], { perm: [1, 0] });
    for (let step = 0; step < 3; step++) hidden = b.operator("Tanh", [b.operator("MatMul", [hidden, w])]);
    return dense(b, hidden, "h2o", [4, 16]);
  },
  { "i2h.weight": "P0, _", "h2h.weight": "P0, P0", "h2o.weight": "_, P0" },
);

network(
  "attention of one head",
  [2, 5, 6],
  (b, x) => {
    const stream = dense(b, x, "fc_in", [16, 6]);
    const [q, k, v] = ["q", "k", "v"].map((name) => dense(b, stream, `attn_${name}`, [16, 16])) as [
      string,
      string,
      string,
    ];
    const weights = b.operator("Softmax", [
      b.operator("MatMul", [q, b.operator("Transpose", [k], { perm: [0, 2, 1] })]),
    ]);
    return dense(b, dense(b, b.operator("MatMul", [weights, v]), "attn_o", [16, 16]), "fc_final", [4, 16]);
  },
  { "attn_q.weight": "P1, P0", "attn_k.weight": "P1, P0", "attn_v.weight": "P2, P0", "attn_o.weight": "P3, P2" },
);

network(
  "words of an embedding keep their order",
  [2, 32],
  (b, x) => {
    const ids = b.operator("Cast", [b.operator("Greater", [x, b.constant([0], [], "float")])]);
    const words = b.operator(
      "ReduceMean",
      [b.operator("Gather", [b.tensor("emb.weight", [32, 32]), ids]), b.constant([1])],
      { keepdims: 0 },
    );
    return dense(b, relu(b, dense(b, words, "fc1", [16, 32])), "fc2", [4, 16]);
  },
  { "emb.weight": "_, P0", "fc1.weight": "P1, P0", "fc2.weight": "_, P1" },
);

network(
  "residual blocks and a shortcut share one stream",
  IMAGE,
  (b, x) => {
    let value = relu(b, conv(b, x, "conv_in", [8, 3, 3, 3]));
    for (const at of [0, 1])
      value = b.operator("Add", [
        value,
        conv(b, relu(b, conv(b, value, `body.${at}.conv1`, [8, 8, 3, 3])), `body.${at}.conv2`, [8, 8, 3, 3]),
      ]);
    const skip = b.operator("Add", [
      conv(b, value, "conv_skip", [8, 8, 1, 1]),
      conv(b, relu(b, value), "conv_last", [8, 8, 1, 1]),
    ]);
    return dense(b, pooled(b, skip), "fc", [4, 8]);
  },
  {
    "body.0.conv1.weight": "P1, P0, _, _",
    "body.1.conv2.weight": "P0, P2, _, _",
    "conv_skip.weight": "P3, P0, _, _",
    "conv_last.weight": "P3, P0, _, _",
    "fc.weight": "_, P3",
  },
);

network(
  "gated: w2(act(w1 x) · w3 x)",
  ROW,
  (b, x) => {
    const gate = b.operator("Sigmoid", [dense(b, x, "w1", [16, 8], false)]);
    return dense(b, b.operator("Mul", [gate, dense(b, x, "w3", [16, 8], false)]), "w2", [8, 16], false);
  },
  { "w1.weight": "P0, _", "w3.weight": "P0, _", "w2.weight": "_, P0" },
);

network(
  "squeeze and excitation",
  IMAGE,
  (b, x) => {
    const value = relu(b, conv(b, relu(b, conv(b, x, "conv1", [16, 3, 3, 3])), "conv2", [16, 16, 3, 3]));
    const scale = b.operator("Sigmoid", [
      dense(b, relu(b, dense(b, pooled(b, value), "ca.fc.0", [4, 16])), "ca.fc.2", [16, 4]),
    ]);
    const wide = b.operator("Unsqueeze", [scale, b.constant([2, 3])]);
    return dense(b, pooled(b, b.operator("Mul", [value, wide])), "fc", [10, 16]);
  },
  { "ca.fc.0.weight": "P2, P1", "ca.fc.2.weight": "P1, P2", "fc.weight": "_, P1" },
);

network(
  "average and maximum side by side are no flatten of two positions",
  IMAGE,
  (b, x) => {
    const value = relu(b, conv(b, relu(b, conv(b, x, "conv1", [8, 3, 3, 3])), "conv2", [16, 8, 3, 3]));
    const both = b.operator(
      "Concat",
      [b.operator("GlobalAveragePool", [value]), b.operator("GlobalMaxPool", [value])],
      { axis: 1 },
    );
    return dense(b, b.operator("Flatten", [both]), "fc", [10, 32]);
  },
  { "conv2.weight": "P1, P0, _, _", "fc.weight": "_, 2*P1" },
);

network(
  "three branches on one input",
  [2, 16, 8],
  (b, x) => {
    const arms = [3, 4, 5].map((size, at) => {
      const made = relu(b, conv(b, x, `convs.${at}`, [16, 16, size], { pads: [0, 0] }));
      return b.operator("ReduceMax", [made, b.constant([2])], { keepdims: 0 });
    });
    return dense(b, b.operator("Concat", arms, { axis: 1 }), "fc", [2, 48]);
  },
  { "convs.0.weight": "P0, _, _", "convs.2.weight": "P2, _, _", "fc.weight": "_, P0|P1|P2" },
);

network(
  "a norm after the second matrix, one on the input",
  [2, 16],
  (b, x) => {
    const norm = (value: string, name: string): string =>
      b.operator("LayerNormalization", [value, b.tensor(`${name}.weight`, [16]), b.tensor(`${name}.bias`, [16])]);
    const first = relu(b, dense(b, norm(x, "ln_in"), "fc1", [16, 16]));
    return dense(b, relu(b, norm(dense(b, first, "fc2", [16, 16]), "norm")), "fc3", [4, 16]);
  },
  { "ln_in.weight": "_", "fc1.weight": "P0, _", "norm.weight": "P1", "fc3.weight": "_, P1" },
);

network(
  "a decoder whose numbers count down",
  [2, 16],
  (b, x) => {
    const names = ["enc1", "enc2", "dec2", "dec1"];
    return names.reduce((value, name) => relu(b, dense(b, value, name, [16, 16])), x);
  },
  { "enc2.weight": "P1, P0", "dec2.weight": "P2, P1", "dec1.weight": "_, P2" },
);

network(
  "[in, out]",
  ROW,
  (b, x) => {
    const hidden = relu(b, b.operator("MatMul", [x, b.tensor("linear/w", [8, 8])]));
    return b.operator("MatMul", [hidden, b.tensor("linear_1/w", [8, 8])]);
  },
  { "linear/w": "_, P0", "linear_1/w": "P0, _" },
);

test.run();
