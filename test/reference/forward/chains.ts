/** Chains that detection knows, under the names of the field. Each must be aligned rightly. */

import type { Layers, PlainNetwork } from "./network.ts";
import { flatten, halve, meanPool, relu, type Value } from "./values.ts";

export type Names = readonly string[];

/** Dense tensors with ReLU between. */
export function mlp(
  names: Names,
  widths: readonly number[],
  more: Partial<PlainNetwork> & { bias?: boolean } = {},
): PlainNetwork {
  const { bias = true, ...rest } = more;
  return {
    name: `mlp ${names.join(" ")}`,
    input: [widths[0]!],
    forward: (l, x) =>
      names.reduce(
        (value, name, i) =>
          (i + 1 < names.length ? relu : (v: Value) => v)(l.dense(name, value, widths[i + 1]!, { bias })),
        x,
      ),
    ...rest,
  };
}

export type NormOf = (l: Layers, name: string, value: Value) => Value;
export const batch: NormOf = (l, name, value) => l.batchNorm(name, value);
export const layer: NormOf = (l, name, value) => l.layerNorm(name, value);
export const slopes: NormOf = (l, name, value) => l.prelu(name, value);

/** Convolutions, a flatten or a mean, dense tensors; `norms` name a norm after each convolution, "" for none. */
export interface ConvNet {
  readonly convs: Names;
  readonly widths: readonly number[];
  readonly norms?: Names;
  readonly norm?: NormOf;
  readonly dense: Names;
  readonly outs: readonly number[];
  readonly input: readonly number[];
  readonly end?: "mean" | "flatten";
  readonly side?: number;
}

export function convnet(net: ConvNet, more: Partial<PlainNetwork> = {}): PlainNetwork {
  const { convs, widths, norms = [], norm = batch, dense, outs, input, end = "flatten", side = 3 } = net;
  return {
    name: `convnet ${[...convs, ...dense].join(" ")} ${norms.join(" ")}`,
    input,
    forward(l, x) {
      let value = x;
      for (const [i, name] of convs.entries()) {
        value = l.conv(name, value, widths[i]!, side);
        const own = norms[i];
        if (own) value = norm(l, own, value);
        value = relu(value);
      }
      const order = l.isChannelsLast ? "channel-minor" : "channel-major";
      value = end === "mean" ? meanPool(value) : flatten(halve(value), order);
      return dense.reduce(
        (at, name, i) => (i + 1 < dense.length ? relu : (v: Value) => v)(l.dense(name, at, outs[i]!)),
        value,
      );
    },
    ...more,
  };
}

const TORCH: readonly Names[] = [
  ["layers.0", "layers.1", "layers.2"],
  ["0", "2", "4"],
  ["fc1", "fc2", "fc3"],
  ["module.net.0", "module.net.3", "module.net.6"],
  ["model.linear1", "model.linear2", "model.linear3"],
  ["linear_relu_stack.0", "linear_relu_stack.2", "linear_relu_stack.4"],
  ["l1", "l2", "l3"],
  ["fc_in", "hidden", "fc_out"],
  ["input_layer", "hidden_layers.0", "output_layer"],
  ["stem", "hidden.0", "head"],
  ["q.0", "q.2", "q.4"],
  ["v.0", "v.2", "v.4"],
  ["critic.0", "critic.2", "critic.4"],
  ["policy.net.0", "policy.net.2", "policy.net.4"],
  ["encoder.0", "encoder.2", "decoder.0"],
  ["linear", "linear1", "linear2"],
  ["layer1.linear", "layer2.linear", "layer3.linear"],
  ["features.fc1", "features.fc2", "classifier"],
  ["dense1", "dense2", "out"],
];

/** Chains of dense tensors. */
export const MLPS: readonly PlainNetwork[] = [
  ...TORCH.flatMap((names) => [mlp(names, [6, 8, 10, 4]), mlp(names, [8, 8, 8, 8])]),
  mlp(["q.0", "q.2"], [6, 8, 1]),
  mlp(["encoder.0", "encoder.2", "decoder.0", "decoder.2"], [12, 8, 4, 8, 12]),
  mlp(["encoder.0", "encoder.2", "decoder.0", "decoder.2"], [8, 8, 8, 8, 8]),
  mlp(["enc1", "enc2", "dec2", "dec1"], [12, 8, 4, 7, 12]),
  mlp(["enc.fc1", "enc.fc2", "bottleneck", "dec.fc1", "dec.fc2"], [12, 8, 6, 4, 5, 12]),
  ...(["flax", "keras", "haiku"] as const).flatMap((style) => {
    const names = {
      flax: ["Dense_0", "Dense_1", "Dense_2"],
      keras: ["dense", "dense_1", "dense_2"],
      haiku: ["linear", "linear_1", "linear_2"],
    }[style];
    const haiku = { haiku: ["mlp/~/linear_0", "mlp/~/linear_1", "mlp/~/linear_2"] }[style as "haiku"] ?? names;
    return [names, haiku].flatMap((each) => [
      mlp(each, [6, 8, 10, 4], { naming: { style } }),
      mlp(each, [8, 8, 8, 8], { naming: { style } }),
    ]);
  }),
  mlp(["Dense_0", "Dense_1", "Dense_2"], [8, 8, 8, 8], { naming: { style: "flax", collections: true } }),
  mlp(["dense_5", "dense_6", "dense_7"], [8, 8, 8, 8], { naming: { style: "keras" } }),
  mlp(["0", "2", "4"], [8, 8, 8, 8], { bias: false }),
];

/** A convolution, then pairs of a depthwise and a pointwise one. */
export function separable([first, ...names]: Names): PlainNetwork["forward"] {
  return (l, x) => {
    let value = relu(l.conv(first!, x, 8));
    for (let k = 0; k + 1 < names.length; k += 2) {
      value = relu(l.conv(names[k]!, value, value.channels, 3, { groups: value.channels }));
      value = relu(l.conv(names[k + 1]!, value, 8 + 2 * k, 1));
    }
    return l.dense(names.at(-1)!, meanPool(value), 4);
  };
}
