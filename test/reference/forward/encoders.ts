/** Post-LayerNorm encoders in plain loops. */

import { LAYERS, LENGTH, numbers, type SequenceNetwork, VOCABULARY } from "./sequence-network.ts";
import {
  attend,
  each,
  embed,
  gelu,
  layerNorm,
  linear,
  plus,
  relu,
  type Sequence,
  tiedHead,
  type Weights,
} from "./sequences.ts";

export interface BertNames {
  readonly family: string;
  readonly prefix: string;
  readonly norm: [string, string];
}

/** Post-LayerNorm: every branch is added first and normed then. */
function bertBody(w: Weights, tokens: readonly number[], { prefix, norm: [gain, shift] }: BertNames): Sequence {
  const norm = (x: Sequence, name: string): Sequence => layerNorm(w, x, name, [`${name}.${gain}`, `${name}.${shift}`]);
  const e = `${prefix}embeddings`;
  let x = plus(
    embed(w, tokens, `${e}.word_embeddings.weight`, VOCABULARY, 12),
    embed(w, numbers(tokens.length), `${e}.position_embeddings.weight`, LENGTH, 12),
    embed(
      w,
      tokens.map(() => 0),
      `${e}.token_type_embeddings.weight`,
      2,
      12,
    ),
  );
  x = norm(x, `${e}.LayerNorm`);
  for (let l = 0; l < LAYERS; l++) {
    const layer = `${prefix}encoder.layer.${l}`;
    const [q, k, v] = ["query", "key", "value"].map((name) => linear(w, x, `${layer}.attention.self.${name}`, 12));
    const mixed = attend(q!, k!, v!, { heads: 3 });
    x = norm(plus(x, linear(w, mixed, `${layer}.attention.output.dense`, 12)), `${layer}.attention.output.LayerNorm`);
    const units = each(linear(w, x, `${layer}.intermediate.dense`, 10), gelu);
    x = norm(plus(x, linear(w, units, `${layer}.output.dense`, 12)), `${layer}.output.LayerNorm`);
  }
  return x;
}

export const bert = (names: BertNames, head: (w: Weights, x: Sequence) => Sequence): SequenceNetwork => ({
  family: names.family,
  config: { num_attention_heads: 3, hidden_size: 12 },
  run: (w, tokens) => head(w, bertBody(w, tokens, names)).flat(),
});

export const BERT: BertNames = { family: "bert", prefix: "bert.", norm: ["weight", "bias"] };

/** The head of masked words, tied to the embeddings. */
export const maskedWords = (w: Weights, x: Sequence): Sequence => {
  const t = layerNorm(
    w,
    each(linear(w, x, "cls.predictions.transform.dense", 12), gelu),
    "cls.predictions.transform.LayerNorm",
  );
  const bias = w.get("cls.predictions.bias", VOCABULARY);
  return tiedHead(w, t, "bert.embeddings.word_embeddings.weight", VOCABULARY).map((row) =>
    row.map((value, i) => value + bias[i]!),
  );
};

export const classify = (w: Weights, x: Sequence): Sequence => {
  const pooled = each(linear(w, [x[0]!], "bert.pooler.dense", 12), Math.tanh);
  return linear(w, pooled, "classifier", 3);
};

export function distilbert(w: Weights, tokens: readonly number[]): number[] {
  const e = "distilbert.embeddings";
  let x = plus(
    embed(w, tokens, `${e}.word_embeddings.weight`, VOCABULARY, 12),
    embed(w, numbers(tokens.length), `${e}.position_embeddings.weight`, LENGTH, 12),
  );
  x = layerNorm(w, x, `${e}.LayerNorm`);
  for (let l = 0; l < LAYERS; l++) {
    const layer = `distilbert.transformer.layer.${l}`;
    const [q, k, v] = ["q", "k", "v"].map((name) => linear(w, x, `${layer}.attention.${name}_lin`, 12));
    x = layerNorm(
      w,
      plus(x, linear(w, attend(q!, k!, v!, { heads: 3 }), `${layer}.attention.out_lin`, 12)),
      `${layer}.sa_layer_norm`,
    );
    const units = each(linear(w, x, `${layer}.ffn.lin1`, 10), gelu);
    x = layerNorm(w, plus(x, linear(w, units, `${layer}.ffn.lin2`, 12)), `${layer}.output_layer_norm`);
  }
  return linear(w, each(linear(w, [x[0]!], "pre_classifier", 12), relu), "classifier", 3).flat();
}
