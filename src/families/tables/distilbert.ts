/** DistilBERT, as transformers' `DistilBertModel` and its heads save it. */

import { attentionAxes } from "./attention.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { frozen } from "./outputs.ts";
import { behind, dense, describeLayers, norm, optional, type TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

const PREFIX = "[distilbert.]";
const QUERY = `${PREFIX}transformer.layer.{L}.attention.q_lin.weight`;
const HEADS = ["vocab_transform.weight", "pre_classifier.weight", "classifier.weight", "qa_outputs.weight"];

/** Heads; that of masked words ends in the word embeddings again, unless the configuration differs. */
function headRows(checkpoint: CheckpointFacts): TensorRows {
  const out = checkpoint.config("tie_word_embeddings") === false ? "T" : "R";
  return {
    ...dense("vocab_transform", out, "R"),
    ...norm("vocab_layer_norm", out),
    ...dense("vocab_projector", "_", out),
    ...dense("pre_classifier", "Q", "R"),
    ...dense("classifier", "_", checkpoint.has("pre_classifier.weight") ? "Q" : "R"),
    ...dense("qa_outputs", "_", "R"),
  };
}

export const distilbert: Table = {
  name: "distilbert",
  signs: [`${PREFIX}embeddings.word_embeddings.weight`, `${PREFIX}transformer.layer.0.attention.q_lin.weight`],
  layout(checkpoint) {
    const { heads, headDim } = checkpoint.heads(checkpoint.size(QUERY, 0)!, ["n_heads", "num_attention_heads"]);
    const { q, k, v, o, permutations } = attentionAxes({ heads, headDim, keepsOrder: false, suffix: "{L}" });
    const layer = {
      ...dense("attention.q_lin", q, "R"),
      ...dense("attention.k_lin", k, "R"),
      ...dense("attention.v_lin", v, "R"),
      ...dense("attention.out_lin", "R", o),
      ...norm("sa_layer_norm", "R"),
      ...dense("ffn.lin1", "F{L}", "R"),
      ...dense("ffn.lin2", "R", "F{L}"),
      ...norm("output_layer_norm", "R"),
    };
    const layout: TableLayout = {
      permutations: {
        R: { role: "residual" },
        "F{L}": { role: "ffn" },
        Q: { role: "pooler" },
        T: { role: "embedding" },
        ...permutations,
      },
      tensors: {
        ...behind(PREFIX, {
          "embeddings.word_embeddings.weight": ["_", "R"],
          "embeddings.position_embeddings.weight": ["_", "R"],
          "embeddings.position_ids?": "fixed",
          ...norm("embeddings.LayerNorm", "R"),
          ...behind("transformer.layer.{L}.", layer),
        }),
        ...optional(headRows(checkpoint)),
      },
      why: describeLayers(checkpoint.count(QUERY), heads, headDim),
    };
    if (HEADS.some((head) => checkpoint.has(head))) return layout;
    return frozen(layout, "R", "residual stream, which is the output of a model without a head");
  },
};
