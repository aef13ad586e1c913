/**
 * GPT-2, as transformers' `GPT2Model` and its heads save it, with matrices [in, out]; and nanoGPT's, which has the same
 * names and matrices [out, in]. The shape of the fused q, k, v decides.
 */

import { describeTensor } from "../../base/compare-tensors.ts";
import { SpecError } from "../../base/errors.ts";
import { attentionAxes } from "./attention.ts";
import { withOutput } from "./outputs.ts";
import { behind, conv1d, dense, describeLayers, norm, optional } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

const PREFIX = "[transformer.]";
const FUSED = `${PREFIX}h.{L}.attn.c_attn.weight`;

export const gpt2: Table = {
  name: "gpt2",
  signs: [
    `${PREFIX}wte.weight`,
    `${PREFIX}h.0.ln_1.weight`,
    `${PREFIX}h.0.attn.c_attn.weight`,
    `${PREFIX}h.0.mlp.c_fc.weight`,
  ],
  without: [`${PREFIX}h.0.crossattention.c_attn.weight`],
  layout(checkpoint) {
    const width = checkpoint.size(`${PREFIX}wte.weight`, 1)!;
    const [rows, columns] = [checkpoint.size(FUSED, 0)!, checkpoint.size(FUSED, 1)!];
    const matrix = rows === width ? conv1d : dense;
    const fused = rows === width ? columns : rows;
    if (width === 0 || fused !== 3 * width || (rows !== width && columns !== width))
      throw new SpecError(
        `h.0.attn.c_attn.weight is [${rows}, ${columns}], expected [${width}, ${3 * width}] or [${3 * width}, ${width}] beside ${describeTensor({ dtype: "F32", shape: [width] })} units`,
      );
    const { heads, headDim } = checkpoint.heads(width, ["n_head", "num_attention_heads"]);
    const { q, k, v, o, permutations } = attentionAxes({ heads, headDim, keepsOrder: false, suffix: "{L}" });
    const layer = {
      ...norm("ln_1", "R", "maybe"),
      ...matrix("attn.c_attn", `${q}|${k}|${v}`, "R", "maybe"),
      ...matrix("attn.c_proj", "R", o, "maybe"),
      ...norm("ln_2", "R", "maybe"),
      ...matrix("mlp.c_fc", "F{L}", "R", "maybe"),
      ...matrix("mlp.c_proj", "R", "F{L}", "maybe"),
      "attn.bias?": "fixed" as const,
      "attn.masked_bias?": "fixed" as const,
    };
    const layout: TableLayout = {
      permutations: { R: { role: "residual" }, "F{L}": { role: "ffn" }, ...permutations },
      tensors: {
        ...behind(PREFIX, {
          "wte.weight": ["_", "R"],
          "wpe.weight": ["_", "R"],
          ...behind("h.{L}.", layer),
          ...norm("ln_f", "R", "maybe"),
        }),
        ...optional({ "lm_head.weight": ["_", "R"], ...dense("score", "_", "R", "none") }),
      },
      why: describeLayers(checkpoint.count(FUSED), heads, headDim),
    };
    return withOutput(layout, checkpoint, ["lm_head.weight", "score.weight"]);
  },
};
