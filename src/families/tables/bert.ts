/**
 * BERT and RoBERTa (post-LayerNorm encoders), as transformers' `BertModel`, `RobertaModel` and their heads save them;
 * names of the modules at https://github.com/huggingface/transformers, models/bert and models/roberta.
 */

import { attentionAxes } from "./attention.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { frozen } from "./outputs.ts";
import { behind, dense, describeLayers, optional, type TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

const LAYER = "encoder.layer.{L}.";
/** Converted from TensorFlow, norms have gamma and beta. */
const lnorm = (name: string): TensorRows => ({
  [`${name}.(weight|gamma)`]: ["R"],
  [`${name}.(bias|beta)`]: ["R"],
});

function encoder(
  prefix: string,
  checkpoint: CheckpointFacts,
  heads: (pooled: boolean, tied: boolean) => TensorRows,
): TableLayout {
  const query = `${prefix}${LAYER}attention.self.query.weight`;
  const { heads: count, headDim } = checkpoint.heads(checkpoint.size(query, 0)!, ["num_attention_heads"]);
  const axes = attentionAxes({ heads: count, headDim, keepsOrder: false, suffix: "{L}" });
  const pooled = checkpoint.has(`${prefix}pooler.dense.weight`);
  const tied = checkpoint.config("tie_word_embeddings") !== false;
  const body: TensorRows = {
    "embeddings.(word|position|token_type)_embeddings.weight": ["_", "R"],
    "embeddings.(position|token_type)_ids?": "fixed",
    ...lnorm("embeddings.LayerNorm"),
    ...dense(`${LAYER}attention.self.query`, axes.q, "R"),
    ...dense(`${LAYER}attention.self.key`, axes.k, "R"),
    ...dense(`${LAYER}attention.self.value`, axes.v, "R"),
    ...dense(`${LAYER}attention.output.dense`, "R", axes.o),
    ...lnorm(`${LAYER}attention.output.LayerNorm`),
    ...dense(`${LAYER}intermediate.dense`, "F{L}", "R"),
    ...dense(`${LAYER}output.dense`, "R", "F{L}"),
    ...lnorm(`${LAYER}output.LayerNorm`),
    ...optional(dense("pooler.dense", "Q", "R")),
  };
  const layout: TableLayout = {
    permutations: {
      R: { role: "residual" },
      "F{L}": { role: "ffn" },
      Q: { role: "pooler" },
      T: { role: "embedding" },
      ...axes.permutations,
    },
    tensors: { ...behind(prefix, separate(body)), ...optional(heads(pooled, tied)) },
    why: describeLayers(checkpoint.count(query), count, headDim),
  };
  return withHeads(layout, checkpoint, heads(pooled, tied));
}

/** What no head reads is an output, and stays: of a model without heads the residual stream, and the pooler's units. */
function withHeads(layout: TableLayout, checkpoint: CheckpointFacts, heads: TensorRows): TableLayout {
  const reads = (units: string): boolean =>
    Object.entries(heads).some(([text, row]) => Array.isArray(row) && row[1] === units && checkpoint.has(text));
  const [ofPooler, ofStream] = [reads("Q"), reads("R")];
  const pooled = ofPooler ? layout : frozen(layout, "Q", "units of the pooler, which no head of the file reads");
  if (ofStream || ofPooler) return pooled;
  return frozen(pooled, "R", "residual stream, which is the output of a model without a head");
}

/** One row for each tensor: a row is for one name. */
function separate(rows: TensorRows): TensorRows {
  const { "embeddings.(word|position|token_type)_embeddings.weight": embedding, ...rest } = rows;
  return {
    "embeddings.word_embeddings.weight": embedding!,
    "embeddings.position_embeddings.weight": embedding!,
    "embeddings.token_type_embeddings.weight?": embedding!,
    ...rest,
  };
}

export const bert: Table = {
  name: "bert",
  signs: [
    "[bert.]embeddings.word_embeddings.weight",
    "[bert.]embeddings.LayerNorm.(weight|gamma)",
    "[bert.]encoder.layer.0.attention.self.query.weight",
    "[bert.]encoder.layer.0.attention.output.LayerNorm.(weight|gamma)",
  ],
  layout: (checkpoint) =>
    encoder("[bert.]", checkpoint, (pooled, tied) => {
      // The decoder is the word embeddings again, unless the configuration says otherwise: its units are the residual's.
      const out = tied ? "R" : "T";
      return {
        ...dense("cls.predictions.transform.dense", out, "R"),
        "cls.predictions.transform.LayerNorm.(weight|gamma)": [out],
        "cls.predictions.transform.LayerNorm.(bias|beta)": [out],
        "cls.predictions.decoder.weight": ["_", out],
        "cls.predictions.decoder.bias": ["_"],
        "cls.predictions.bias": ["_"],
        ...dense("cls.seq_relationship", "_", "Q"),
        ...dense("classifier", "_", pooled ? "Q" : "R"),
        ...dense("qa_outputs", "_", "R"),
      };
    }),
};

export const roberta: Table = {
  name: "roberta",
  signs: ["roberta.embeddings.word_embeddings.weight", "roberta.encoder.layer.0.attention.self.query.weight"],
  layout: (checkpoint) =>
    encoder("roberta.", checkpoint, (pooled, tied) => {
      const out = tied ? "R" : "T";
      const classifies = checkpoint.has("classifier.out_proj.weight");
      return {
        ...dense("lm_head.dense", out, "R"),
        "lm_head.layer_norm.weight": [out],
        "lm_head.layer_norm.bias": [out],
        "lm_head.decoder.weight": ["_", out],
        "lm_head.decoder.bias": ["_"],
        "lm_head.bias": ["_"],
        ...(classifies
          ? { ...dense("classifier.dense", "Q", "R"), ...dense("classifier.out_proj", "_", "Q") }
          : dense("classifier", "_", pooled ? "Q" : "R")),
        ...dense("qa_outputs", "_", "R"),
      };
    }),
};
