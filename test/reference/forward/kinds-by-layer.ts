import { net, softmax } from "./kind-lists.ts";
import type { PlainNetwork } from "./network.ts";
import { add, concat, meanPool, relu, type Value, vector } from "./values.ts";

export const TRANSPOSED: readonly string[] = [
  "enc.0 enc.2 dec.0 dec.2",
  "encoder.0 encoder.3 decoder.0 decoder.3",
  "conv1 conv2 deconv1 out",
  "down.0 down.1 up.0 up.1",
  "conv1 conv2 up1 conv3",
  "features.0 features.2 upsample.0 upsample.2",
  "c1 c2 tconv1 tconv2",
  "conv1 conv2 conv_transpose1 conv_out",
  "model.enc_conv1 model.enc_conv2 model.dec_conv1 model.dec_conv2",
  "net.0 net.2 net.4 net.6",
];

export function autoencoder(names: readonly string[], i: number): PlainNetwork {
  const width = [16, 8, 6, 12][i % 4]!;
  const side = [2, 4, 2, 3][i % 4]!;
  const even = names[0] === "net.0" ? 4 : side;
  return net("", [1 + 2 * (i % 2), 2, 2], (l, x) => {
    const inner = relu(l.conv(names[1]!, relu(l.conv(names[0]!, x, width)), width));
    return l.conv(names[3]!, relu(l.convTransposed(names[2]!, inner, width, even)), x.channels);
  });
}

export const GENERATORS: readonly string[] = [
  "main.0 main.3 main.6 main.1 main.4",
  "net.0 net.3 net.6 net.1 net.4",
  "gen.0 gen.3 gen.6 gen.1 gen.4",
  "layers.0 layers.1 layers.2 norms.0 norms.1",
  "deconv1 deconv2 deconv3 bn1 bn2",
  "conv1 conv2 conv3 bn1 bn2",
];

export const generator = (names: readonly string[], i: number): PlainNetwork => {
  const widths = [
    [8, 8, 8, 3],
    [12, 8, 6, 3],
    [8, 8, 8, 8],
  ][i % 3]!;
  return net("", [widths[0]!, 2, 2], (l, x) => {
    const first = relu(l.batchNorm(names[3]!, l.convTransposed(names[0]!, x, widths[1]!, 2, { bias: i % 2 === 0 })));
    return l.convTransposed(
      names[2]!,
      relu(l.batchNorm(names[4]!, l.convTransposed(names[1]!, first, widths[2]!, 2, { bias: i % 2 === 0 }))),
      widths[3]!,
      2,
    );
  });
};

export const GROUP_NORMS: readonly string[] = [
  "conv1 norm1 conv2 norm2 fc",
  "conv1 bn1 conv2 bn2 fc",
  "features.0 features.1 features.3 features.4 classifier",
  "conv1 gn1 conv2 gn2 head",
  "block1.conv block1.norm block2.conv block2.norm fc",
  "conv_layers.0 conv_layers.1 conv_layers.3 conv_layers.4 fc.0",
  "0 1 3 4 8",
];

export const groupNormed = (names: readonly string[], i: number): PlainNetwork =>
  net("", [3, 4, 4], (l, x) => {
    const [width, groups] = [
      [16, 4],
      [8, 2],
      [12, 3],
    ][i % 3] as [number, number];
    const first = relu(l.groupNorm(names[1]!, l.conv(names[0]!, x, width), groups));
    return l.dense(names[4]!, meanPool(relu(l.groupNorm(names[3]!, l.conv(names[2]!, first, width), groups))), 4);
  });

export const PAIRS: readonly string[] = [
  "net.encoder net.decoder ema.encoder ema.decoder",
  "student.fc1 student.fc2 teacher.fc1 teacher.fc2",
  "fc1 fc2 ema.fc1 ema.fc2",
  "model.0 model.2 model_ema.0 model_ema.2",
  "online.net.0 online.net.2 target.net.0 target.net.2",
  "nets.0.fc1 nets.0.fc2 nets.1.fc1 nets.1.fc2",
  "net1.0 net1.2 net2.0 net2.2",
  "models.0.0 models.0.2 models.1.0 models.1.2",
  "mlp1.0 mlp1.2 mlp2.0 mlp2.2",
  "net.0 net.2 mlp.0 mlp.2",
  "actor.0 actor.2 critic.0 critic.2",
  "generator.0 generator.2 discriminator.0 discriminator.2",
  "pi.0 pi.2 vf.0 vf.2",
  "encoder1.0 encoder1.2 encoder2.0 encoder2.2",
  "a.0 a.2 b.0 b.2",
  "phi.0 phi.2 rho.0 rho.2",
  "tower_a.0 tower_a.2 tower_b.0 tower_b.2",
  "head1.0 head1.2 head2.0 head2.2",
];

export const pair = (names: readonly string[], i: number): PlainNetwork => {
  const [width, hidden] = [
    [4, 8],
    [8, 8],
    [6, 10],
  ][i % 3] as [number, number];
  return net("", [width], (l, x) => {
    const run = (from: number): Value =>
      l.dense(names[from + 1]!, relu(l.dense(names[from]!, x, hidden)), i % 3 === 2 && from === 2 ? 1 : width);
    return concat(run(0), run(2));
  });
};

export const HEADS: readonly string[] = [
  "fc1 fc2 policy_head value_head",
  "fc1 fc2 output1 output2",
  "hidden.0 hidden.2 output.0 output.1",
  "fc1 fc21 fc22 fc3",
  "l1 l2 pi v",
  "trunk.0 trunk.2 actor critic",
  "features.0 features.2 head1 head2",
  "fc1 fc2 out1 out2",
  "body.0 body.2 heads.0 heads.1",
  "encoder.0 encoder.2 mu logvar",
  "shared.0 shared.2 fc_a fc_b",
  "fc1 fc2 head output",
  "fc1 fc2 advantage value",
  "hidden1 hidden2 classifier decoder",
  "encoder.0 encoder.2 decoder classifier",
];

export const headed = (names: readonly string[], i: number): PlainNetwork =>
  net("", [[8, 6, 12][i % 3]!], (l, x) => {
    const width = [16, 8, 12][i % 3]!;
    const trunk = relu(l.dense(names[1]!, relu(l.dense(names[0]!, x, width)), width));
    return concat(l.dense(names[2]!, trunk, width), l.dense(names[3]!, trunk, i % 2 === 0 ? 1 : width));
  });

export const DEPTHWISE: readonly string[] = [
  "dw pw fc",
  "depthwise pointwise classifier",
  "sep.depthwise sep.pointwise head",
  "conv_dw conv_pw fc",
  "block1.dw block1.pw fc",
  "depth_conv point_conv out",
];

export const depthwise = (names: readonly string[], i: number): PlainNetwork =>
  net("", [[3, 4, 2][i % 3]!, 4, 4], (l, x) =>
    l.dense(
      names[2]!,
      meanPool(relu(l.conv(names[1]!, relu(l.conv(names[0]!, x, x.channels, 3, { groups: x.channels })), 8, 1))),
      4,
    ),
  );

export const RECURRENCE: readonly string[] = [
  "i2h h2h h2o",
  "in2hidden hidden2hidden hidden2out",
  "input_to_hidden hidden_to_hidden hidden_to_output",
  "w_ih w_hh fc",
  "wx wh wy",
  "fc_x fc_h out",
  "rnn.in rnn.rec out",
  "cell.x cell.h head",
  "W U V",
];

export const recurrent = (names: readonly string[], i: number): PlainNetwork =>
  net("", [[6, 8][i % 2]!], (l, x) => {
    let state = vector(new Float64Array([16, 8][i % 2]!));
    for (let t = 0; t < 3; t++)
      state = relu(add(l.dense(names[0]!, x, state.channels), l.dense(names[1]!, state, state.channels)));
    return l.dense(names[2]!, state, 4);
  });

export const ATTENTION: readonly string[] = [
  "fc_in attn_q attn_k attn_v attn_o fc_final",
  "embed q k v proj head",
  "input.0 attn.0 attn.1 attn.2 attn.3 head",
  "inp to_q to_k to_v to_out out",
  "fc1 query key value dense fc2",
  "in_proj mha.wq mha.wk mha.wv mha.wo out",
  "fc_in theta phi g w fc_out",
  "encoder.0 layer.lin_q layer.lin_k layer.lin_v layer.lin_o decoder.0",
  "fc_in fq fk fv fo fc_out",
];

export const attention = (names: readonly string[], i: number): PlainNetwork =>
  net("", [6, 3], (l, x) => {
    const width = [16, 8][i % 2]!;
    const tokens = relu(l.dense(names[0]!, x, width));
    const [q, k, v] = [1, 2, 3].map((at) => l.dense(names[at]!, tokens, width)) as [Value, Value, Value];
    const mixed = new Float64Array(width * 3);
    for (let t = 0; t < 3; t++) {
      const weights = softmax(
        [0, 1, 2].map(
          (s) => [...Array(width).keys()].reduce((sum, c) => sum + q.data[c * 3 + t]! * k.data[c * 3 + s]!, 0) / 4,
        ),
      );
      for (let c = 0; c < width; c++) mixed[c * 3 + t] = weights.reduce((sum, w, s) => sum + w * v.data[c * 3 + s]!, 0);
    }
    return l.dense(names[5]!, meanPool(l.dense(names[4]!, { ...tokens, data: mixed }, width)), 4);
  });

export const EMBEDDINGS: readonly string[] = [
  "emb fc1 fc2",
  "embedding fc1 fc2",
  "tok_emb fc1 out",
  "wte l1 l2",
  "embed.0 fc.0 fc.2",
  "word_vectors fc1 fc2",
  "table fc1 fc2",
  "model.embeddings model.fc1 model.fc2",
];

export const embedded = (names: readonly string[], i: number): PlainNetwork =>
  net("", [2], (l) =>
    l.dense(
      names[2]!,
      relu(l.dense(names[1]!, meanPool(l.embed(`${names[0]}.weight`, [1, 5, 2], [16, 8][i % 2]!, [16, 8][i % 2]!)), 8)),
      4,
    ),
  );
