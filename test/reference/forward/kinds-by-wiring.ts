/** Networks wired otherwise than a chain, with shapes that fit a chain wherever they can. */

import { mlp } from "./chains.ts";
import { net } from "./kind-lists.ts";
import type { PlainNetwork } from "./network.ts";
import { RESIDUAL_NAMES } from "./residual.ts";
import { add, concat, maxPool, meanPool, multiply, relu, type Value } from "./values.ts";

export const BLOCKS: readonly string[] = [
  "stem blocks.0.fc1 blocks.0.fc2 blocks.1.fc1 blocks.1.fc2 head",
  "conv_in body.0.conv1 body.0.conv2 body.1.conv1 body.1.conv2 fc",
  "fc_in layers.0.linear1 layers.0.linear2 layers.1.linear1 layers.1.linear2 fc_out",
  "input body.0.0 body.0.2 body.1.0 body.1.2 output",
  "first block1.0 block1.2 block2.0 block2.2 last",
  "in res1a res1b res2a res2b out",
  "stem stage1_fc1 stage1_fc2 stage2_fc1 stage2_fc2 head",
  "encoder rb1.l1 rb1.l2 rb2.l1 rb2.l2 decoder",
  "stem units.0.a units.0.b units.1.a units.1.b head",
];

export const blockNet =
  (convs: boolean, one: boolean) =>
  (names: readonly string[], i: number): PlainNetwork => {
    const width = [8, 6, 16][i % 3]!;
    const inner = convs ? width : [16, 6, 32][i % 3]!;
    return net("", convs ? [3, 3, 3] : [6], (l, x) => {
      const layer = (name: string, value: Value, outs: number): Value =>
        convs ? l.conv(name, value, outs) : l.dense(name, value, outs);
      let value = relu(layer(names[0]!, x, width));
      for (const k of one ? [1] : [1, 3])
        value = relu(add(value, layer(names[k + 1]!, relu(layer(names[k]!, value, inner)), width)));
      return l.dense(names[5]!, convs ? meanPool(value) : value, 4);
    });
  };

export const SHORTCUTS: readonly string[] = [
  "conv1 conv2 conv_skip fc",
  "conv1 conv2 shortcut fc",
  "conv1 conv2 proj fc",
  "block.conv1 block.conv2 block.downsample head",
  "conv1 conv2 conv_res fc",
  "conv1 conv2 res_conv fc",
  "c1 c2 match out",
  "conv_a conv_b conv_id fc",
];

export const shortcut = (names: readonly string[], i: number): PlainNetwork =>
  net("", [3, 3, 3], (l, x) => {
    const width = [8, 6, 10][i % 3]!;
    const first = relu(l.conv(names[0]!, x, width));
    return l.dense(
      names[3]!,
      meanPool(relu(add(l.conv(names[1]!, first, width), l.conv(names[2]!, first, width, 1)))),
      4,
    );
  });

export const GATES: readonly string[] = [
  "feed_forward.w1 feed_forward.w2 feed_forward.w3",
  "mlp.gate_proj mlp.down_proj mlp.up_proj",
  "ffn.gate ffn.down ffn.up",
  "w1 w2 w3",
  "fc1 fc2 gate",
  "wi_0 wo wi_1",
  "glu.a glu.out glu.b",
  "lin_a lin_out lin_gate",
];

export const gated = (names: readonly string[], i: number): PlainNetwork =>
  net("", [8], (l, x) =>
    l.dense(
      names[1]!,
      multiply(
        relu(l.dense(names[0]!, x, [16, 8][i % 2]!, { bias: i % 2 === 1 })),
        l.dense(names[2]!, x, [16, 8][i % 2]!, { bias: i % 2 === 1 }),
      ),
      8,
      { bias: i % 2 === 1 },
    ),
  );

export const SQUEEZE: readonly string[] = [
  "conv1 conv2 ca.fc.0 ca.fc.2 fc",
  "conv1 conv2 se.fc1 se.fc2 fc",
  "conv1 conv2 squeeze excite fc",
  "features.0 features.2 attn.0 attn.2 classifier",
  "conv1 conv2 channel.0 channel.2 fc",
  "conv1 conv2 se.0 se.2 head",
  "conv1 conv2 scale.down scale.up out",
];

export const squeezed = (names: readonly string[], i: number): PlainNetwork =>
  net("", [3, 3, 3], (l, x) => {
    const width = [16, 8][i % 2]!;
    const value = relu(l.conv(names[1]!, relu(l.conv(names[0]!, x, width)), width));
    const gate = l.dense(names[3]!, relu(l.dense(names[2]!, meanPool(value), 4)), width);
    return l.dense(names[4]!, meanPool(multiply(value, gate)), 10);
  });

export const BESIDE: readonly string[] = [
  "conv_last",
  "conv2",
  "head.conv",
  "final_conv",
  "neck",
  "tail.0",
  "last_conv",
];

export const besideBlocks = (names: readonly string[], i: number): PlainNetwork =>
  net("", [3, 3, 3], (l, x) => {
    const start = RESIDUAL_NAMES[i % 2]!;
    let value = relu(l.batchNorm(start.stemNorm, l.conv(start.stem, x, 8, 3, { bias: false })));
    for (const b of [0, 1]) {
      const path = start.block(0, b);
      const inner = relu(l.batchNorm(`${path}.bn1`, l.conv(`${path}.conv1`, value, 8, 3, { bias: false })));
      value = relu(add(value, l.batchNorm(`${path}.bn2`, l.conv(`${path}.conv2`, inner, 8, 3, { bias: false }))));
    }
    return l.dense("fc", meanPool(relu(l.conv(names[0]!, value, 8, 1))), 4);
  });

export const CONCATENATIONS: readonly string[] = [
  "conv1 conv2 fc",
  "features.0 features.3 classifier",
  "conv1 conv2 head",
  "layers.0 layers.1 out",
  "c1 c2 linear",
];
export const poolPair = (names: readonly string[], i: number): PlainNetwork =>
  net("", i % 2 === 0 ? [3, 4, 4] : [3, 8], (l, x) => {
    const value = relu(l.conv(names[1]!, relu(l.conv(names[0]!, x, 8)), [16, 8, 12][i % 3]!));
    return l.dense(names[2]!, concat(meanPool(value), maxPool(value)), 10);
  });
export const twoScales = (names: readonly string[], i: number): PlainNetwork =>
  net("", [3, 4, 4], (l, x) => {
    const first = relu(l.conv(names[0]!, x, [8, 24, 16][i % 3]!));
    return l.dense(names[2]!, concat(meanPool(first), meanPool(relu(l.conv(names[1]!, first, [8, 8, 16][i % 3]!)))), 5);
  });
export const TEXT: readonly string[] = [
  "convs.0 convs.1 convs.2 fc",
  "conv1 conv2 conv3 fc",
  "branches.0 branches.1 branches.2 out",
  "conv3 conv4 conv5 classifier",
  "layers.0 layers.1 layers.2 linear",
];
export const textNet = (names: readonly string[], i: number): PlainNetwork =>
  net("", [[16, 8][i % 2]!, 7], (l, x) =>
    l.dense(
      names[3]!,
      concat(...[0, 1, 2].map((k) => maxPool(relu(l.conv(names[k]!, x, x.channels, i % 3 === 1 ? 3 : 3 + k))))),
      2,
    ),
  );

export const NORM_PLACES: readonly PlainNetwork[] = [
  ...[
    "fc1 fc2 norm fc3",
    "l1 l2 ln l3",
    "0 2 norm 4",
    "layers.0 layers.1 norm layers.2",
    "hidden1 hidden2 layer_norm out",
  ].map((line, i) => {
    const [a, b, n, c] = line.split(" ") as [string, string, string, string];
    return net(`norm after the second: ${line}`, [8], (l, x) =>
      l.dense(c, relu(l.layerNorm(n, l.dense(b, relu(l.dense(a, x, [16, 8][i % 2]!)), [16, 8][i % 2]!))), 4),
    );
  }),
  ...[
    "ln_in fc1 fc2",
    "norm fc1 fc2",
    "input_norm fc1 fc2",
    "norm_in layers.0 layers.1",
    "bn0 fc1 fc2",
    "norm.0 fc.0 fc.1",
    "ln fc1 fc2",
    "in_norm l1 l2",
  ].map((line) => {
    const [n, a, b] = line.split(" ") as [string, string, string];
    return net(`norm on the input: ${line}`, [8], (l, x) => l.dense(b, relu(l.dense(a, l.layerNorm(n, x), 8)), 4));
  }),
  ...[
    "norm1 fc1 norm2 fc2 out",
    "ln1 l1 ln2 l2 head",
    "bn1 fc1 bn2 fc2 fc3",
    "norms.0 layers.0 norms.1 layers.1 out",
    "block1.norm block1.fc block2.norm block2.fc head",
  ].map((line, i) => {
    const [m, a, n, b, c] = line.split(" ") as [string, string, string, string, string];
    return net(`norms before: ${line}`, [8], (l, x) =>
      l.dense(c, relu(l.dense(b, l.layerNorm(n, relu(l.dense(a, l.layerNorm(m, x), [8, 10][i % 2]!))), 8)), 4),
    );
  }),
];

export const COUNTDOWN: readonly string[] = [
  "enc1 enc2 dec2 dec1",
  "encoder1 encoder2 decoder2 decoder1",
  "enc_fc1 enc_fc2 dec_fc2 dec_fc1",
  "e.enc0 e.enc1 d.dec1 d.dec0",
  "enc_1 enc_2 dec_2 dec_1",
];
export const countdown = (names: readonly string[], i: number): PlainNetwork =>
  mlp(names, new Array<number>(5).fill([16, 8][i % 2]!));

export const UNSORTED: readonly string[] = [
  "fa fb gout",
  "beta alpha out",
  "proj1 core final",
  "w h o",
  "second first third",
];
export const ALIASES: readonly string[] = [
  "network.0.conv1 network.0.net.0 network.1.conv1 network.1.net.0 linear",
  "conv1 net.0 conv2 net.2 fc",
  "layer1.conv layer1.0 layer2.conv layer2.0 fc",
  "block.conv1 block.body.0 block.conv2 block.body.2 head",
  "a.conv seq.0 b.conv seq.1 fc",
];
/** One tensor under two names. */
export const aliased = (names: readonly string[], i: number): PlainNetwork =>
  net("", [8, 4], (l, x) => {
    const [a, copyA, b, copyB, head] = names as [string, string, string, string, string];
    const first = relu(l.conv(a, x, 8, 3, { bias: i % 2 === 0 }));
    l.conv(copyA, x, 8, 3, { bias: i % 2 === 0 });
    const second = relu(add(l.conv(b, first, 8, 3, { bias: i % 2 === 0 }), vectorLike(first)));
    // The copies are what another program reads: both must go on saying the same.
    const again = relu(l.conv(copyB, relu(l.conv(copyA, x, 8, 3, { bias: i % 2 === 0 })), 8, 3, { bias: i % 2 === 0 }));
    return concat(l.dense(head, meanPool(second), 4), l.dense(head, meanPool(again), 4));
  });
const vectorLike = (value: Value): Value => ({ ...value, data: value.data.map(() => 0) });
