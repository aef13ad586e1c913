/** GPT-NeoX and Pythia: q, k and v are inside each head; rotary positions turn the first units of q and k. */

import { attentionAxes } from "./attention.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { withOutput } from "./outputs.ts";
import { behind, dense, describeLayers, norm, optional } from "./rows.ts";
import type { PermutationRow, Table, TableLayout } from "./table.ts";

const PREFIX = "[gpt_neox.]";
const FUSED = `${PREFIX}layers.{L}.attention.query_key_value.weight`;

/** Units of a head that positions turn; all where nothing shows it. */
function turnedUnits(checkpoint: CheckpointFacts, headDim: number): number {
  const share = checkpoint.config("rotary_pct", "partial_rotary_factor", "rope_parameters.partial_rotary_factor");
  if (typeof share !== "number" || !(share > 0 && share <= 1)) return headDim;
  return Math.floor(headDim * share);
}

export const gptNeox: Table = {
  name: "gpt-neox",
  signs: [`${PREFIX}embed_in.weight`, `${PREFIX}layers.0.attention.query_key_value.weight`],
  layout(checkpoint) {
    const rows = checkpoint.divide(checkpoint.size(FUSED, 0)!, 3, "queries, keys and values");
    const { heads, headDim } = checkpoint.heads(rows, ["num_attention_heads"]);
    const { v, permutations } = attentionAxes({ heads, headDim, keepsOrder: true, suffix: "{L}" });
    const turned = turnedUnits(checkpoint, headDim);
    const rest = headDim - turned;
    const free: Record<string, PermutationRow> =
      rest === 0 ? {} : { "K{L}": { role: "head-inner", in: ["H{L}", rest] } };
    const key = rest === 0 ? `${headDim}` : `${turned}|K{L}/H{L}`;
    const layer = {
      ...norm("input_layernorm", "R"),
      ...norm("post_attention_layernorm", "R"),
      ...dense("attention.query_key_value", `H{L}*(${key}|${key}|V{L}/H{L})`, "R", "maybe"),
      ...dense("attention.dense", "R", v, "maybe"),
      ...dense("mlp.dense_h_to_4h", "F{L}", "R"),
      ...dense("mlp.dense_4h_to_h", "R", "F{L}"),
      "attention.bias?": "fixed" as const,
      "attention.masked_bias?": "fixed" as const,
      "attention.rotary_emb.inv_freq?": "fixed" as const,
    };
    const layout: TableLayout = {
      permutations: { R: { role: "residual" }, "F{L}": { role: "ffn" }, ...permutations, ...free },
      tensors: {
        ...behind(PREFIX, {
          "embed_in.weight": ["_", "R"],
          ...behind("layers.{L}.", layer),
          ...norm("final_layer_norm", "R"),
        }),
        ...optional({ "embed_out.weight": ["_", "R"], ...dense("score", "_", "R", "none") }),
      },
      why: describeLayers(checkpoint.count(FUSED), heads, headDim),
      frozen: [`${turned} of ${headDim} units of q and k inside heads, which rotary positions turn in pairs`],
    };
    return withOutput(layout, checkpoint, ["embed_out.weight", "score.weight"]);
  },
};
