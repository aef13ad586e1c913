/** Small transformers of the families that tables know, as `transformers` computes them, in plain loops. */

import { gpt2, neox, opt } from "./decoders.ts";
import { BERT, bert, classify, distilbert, maskedWords } from "./encoders.ts";
import { fusedFeed, kin, mixtralFeed, qwenFeed, stackedFeed } from "./llamas.ts";
import { type SequenceNetwork, VOCABULARY } from "./sequence-network.ts";
import { each, gelu, layerNorm, linear, tiedHead } from "./sequences.ts";

/** By name: every architecture of the tables' first half. */
export const NETWORKS: Readonly<Record<string, SequenceNetwork>> = {
  "BERT, masked words": bert(BERT, maskedWords),
  "BERT, classes, names of TensorFlow": bert({ ...BERT, norm: ["gamma", "beta"] }, classify),
  "BERT alone": bert({ ...BERT, prefix: "" }, (_, x) =>
    x.map((row) => [row.reduce((sum, value, i) => sum + value ** 2 * (1 + 0 * i), 0)]),
  ),
  "RoBERTa, masked words": bert({ ...BERT, family: "roberta", prefix: "roberta." }, (w, x) => {
    const t = layerNorm(w, each(linear(w, x, "lm_head.dense", 12), gelu), "lm_head.layer_norm");
    const bias = w.get("lm_head.bias", VOCABULARY);
    return tiedHead(w, t, "roberta.embeddings.word_embeddings.weight", VOCABULARY).map((row) =>
      row.map((value, i) => value + bias[i]!),
    );
  }),
  "RoBERTa, classes": bert({ ...BERT, family: "roberta", prefix: "roberta." }, (w, x) =>
    linear(w, each(linear(w, [x[0]!], "classifier.dense", 12), Math.tanh), "classifier.out_proj", 3),
  ),
  DistilBERT: { family: "distilbert", config: { n_heads: 3 }, run: distilbert },
  "GPT-2": { family: "gpt2", config: { n_head: 3 }, run: (w, tokens) => gpt2(w, tokens, "transformer.", true) },
  "GPT-2 alone": { family: "gpt2", config: { n_head: 3 }, run: (w, tokens) => gpt2(w, tokens, "", true) },
  nanoGPT: { family: "gpt2", config: { n_head: 3 }, run: (w, tokens) => gpt2(w, tokens, "transformer.", false) },
  "GPT-NeoX": {
    family: "gpt-neox",
    config: { num_attention_heads: 3, rotary_pct: 0.5 },
    run: (w, tokens) => neox(w, tokens, 4),
  },
  "GPT-NeoX, all units turned": {
    family: "gpt-neox",
    config: { num_attention_heads: 3, rotary_pct: 1 },
    run: (w, tokens) => neox(w, tokens, 8),
  },
  OPT: { family: "opt", config: { num_attention_heads: 3 }, run: (w, tokens) => opt(w, tokens, true) },
  "OPT 350m": {
    family: "opt",
    config: { num_attention_heads: 3, do_layer_norm_before: false },
    run: (w, tokens) => opt(w, tokens, false),
  },
  Llama: kin("llama"),
  "Llama, one head a group": kin("llama", { heads: 3, kvHeads: 3 }),
  "Llama, one group": kin("llama", { heads: 3, kvHeads: 1 }),
  "Qwen2, tied": kin("llama", { bias: true, tied: true }),
  Qwen3: kin("llama", { qkNorm: "head" }),
  Gemma: kin("llama", { offset: 1, tied: true }),
  "Gemma 3": kin("llama", { offset: 1, norms: "both", qkNorm: "head" }),
  "OLMo 2": kin("llama", { norms: "after", qkNorm: "all" }),
  "Phi-3": kin("phi3", { fused: true, feed: fusedFeed }),
  Mixtral: kin("mixtral", { feed: mixtralFeed }),
  "Qwen2-MoE": kin("qwen-moe", { feed: qwenFeed, bias: true }),
  "Qwen3-MoE, stacked": kin("qwen-moe", { feed: stackedFeed, qkNorm: "head" }),
};

/** Positions and words that the networks run on. */
export const SEQUENCES: readonly (readonly number[])[] = [
  [1, 4, 2, 9, 0, 7],
  [3, 3, 8, 10, 5, 6],
];
