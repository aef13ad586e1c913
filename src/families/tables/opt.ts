/**
 * OPT, as transformers' `OPTModel` and its heads save it; OPT-350m projects its embeddings into the residual stream and
 * out of it.
 */

import { attentionAxes } from "./attention.ts";
import { withOutput } from "./outputs.ts";
import { behind, dense, describeLayers, norm, optional } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

const PREFIX = "[model.]decoder.";
const QUERY = `${PREFIX}layers.{L}.self_attn.q_proj.weight`;

export const opt: Table = {
  name: "opt",
  signs: [
    `${PREFIX}embed_tokens.weight`,
    `${PREFIX}embed_positions.weight`,
    `${PREFIX}layers.0.self_attn.q_proj.weight`,
    `${PREFIX}layers.0.fc1.weight`,
  ],
  without: [`${PREFIX}layers.0.encoder_attn.q_proj.weight`],
  layout(checkpoint) {
    const { heads, headDim } = checkpoint.heads(checkpoint.size(QUERY, 0)!, ["num_attention_heads"]);
    const { q, k, v, o, permutations } = attentionAxes({ heads, headDim, keepsOrder: false, suffix: "{L}" });
    const words = checkpoint.has(`${PREFIX}project_in.weight`) ? "W" : "R";
    const layer = {
      ...dense("self_attn.q_proj", q, "R", "maybe"),
      ...dense("self_attn.k_proj", k, "R", "maybe"),
      ...dense("self_attn.v_proj", v, "R", "maybe"),
      ...dense("self_attn.out_proj", "R", o, "maybe"),
      ...optional(norm("self_attn_layer_norm", "R")),
      ...dense("fc1", "F{L}", "R", "maybe"),
      ...dense("fc2", "R", "F{L}", "maybe"),
      ...optional(norm("final_layer_norm", "R")),
    };
    const layout: TableLayout = {
      permutations: { R: { role: "residual" }, W: { role: "embedding" }, "F{L}": { role: "ffn" }, ...permutations },
      tensors: {
        ...behind(PREFIX, {
          "embed_tokens.weight": ["_", words],
          "embed_positions.weight": ["_", "R"],
          ...optional({ ...dense("project_in", "R", "W", "none"), ...dense("project_out", "W", "R", "none") }),
          ...behind("layers.{L}.", layer),
          ...optional(norm("final_layer_norm", "R")),
        }),
        ...optional({ "lm_head.weight": ["_", words], ...dense("score", "_", "R", "none") }),
      },
      why: describeLayers(checkpoint.count(QUERY), heads, headDim),
    };
    return withOutput(layout, checkpoint, ["lm_head.weight", "score.weight"]);
  },
};
