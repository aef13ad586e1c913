/**
 * CLIP, as transformers' `CLIPModel` saves it: two towers that project into one space, which is the output and stays.
 */

import { attentionAxes } from "./attention.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { behind, dense, describeLayers, norm, type TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

const layersOf = (tower: string): string => `${tower}_model.encoder.layers.{L}.`;

/** Heads of a tower: by its part of the configuration, else by the units of a head, as many in both towers. */
function headsOf(checkpoint: CheckpointFacts, tower: string): { heads: number; headDim: number } {
  const rows = checkpoint.size(`${layersOf(tower)}self_attn.q_proj.weight`, 0)!;
  const key = `${tower}_config.num_attention_heads`;
  const count = checkpoint.number(key);
  const derived = count === undefined ? undefined : checkpoint.divide(rows, count, "queries");
  const headDim = checkpoint.ask("headDim", [`${tower}_config.head_dim`], derived);
  return { heads: checkpoint.divide(rows, headDim, "queries"), headDim };
}

function tower(checkpoint: CheckpointFacts, name: "text" | "vision"): TableLayout {
  const { heads, headDim } = headsOf(checkpoint, name);
  const [stream, units] = [`R.${name}`, `F.${name}{L}`];
  const { q, k, v, o, permutations } = attentionAxes({ heads, headDim, keepsOrder: false, suffix: `.${name}{L}` });
  return {
    permutations: { [stream]: { role: "residual" }, [units]: { role: "ffn" }, ...permutations },
    tensors: behind(layersOf(name), {
      ...norm("layer_norm1", stream),
      ...dense("self_attn.q_proj", q, stream),
      ...dense("self_attn.k_proj", k, stream),
      ...dense("self_attn.v_proj", v, stream),
      ...dense("self_attn.out_proj", stream, o),
      ...norm("layer_norm2", stream),
      ...dense("mlp.fc1", units, stream),
      ...dense("mlp.fc2", stream, units),
    }),
    why: describeLayers(checkpoint.count(`${layersOf(name)}self_attn.q_proj.weight`), heads, headDim),
  };
}

const OTHERS: TensorRows = {
  "text_model.embeddings.token_embedding.weight": ["_", "R.text"],
  "text_model.embeddings.position_embedding.weight": ["_", "R.text"],
  "text_model.embeddings.position_ids?": "fixed",
  ...norm("text_model.final_layer_norm", "R.text"),
  "text_projection.weight": ["_", "R.text"],
  "vision_model.embeddings.class_embedding": ["R.vision"],
  "vision_model.embeddings.patch_embedding.weight": ["R.vision", "_", "_", "_"],
  "vision_model.embeddings.position_embedding.weight": ["_", "R.vision"],
  "vision_model.embeddings.position_ids?": "fixed",
  ...norm("vision_model.pre_layrnorm", "R.vision"),
  ...norm("vision_model.post_layernorm", "R.vision"),
  "visual_projection.weight": ["_", "R.vision"],
  "logit_scale?": "fixed",
};

export const clip: Table = {
  name: "clip",
  signs: ["text_projection.weight", "visual_projection.weight", "vision_model.embeddings.patch_embedding.weight"],
  layout(checkpoint) {
    const [text, vision] = [tower(checkpoint, "text"), tower(checkpoint, "vision")];
    return {
      permutations: { ...text.permutations, ...vision.permutations },
      tensors: { ...OTHERS, ...text.tensors, ...vision.tensors },
      why: `text: ${text.why}; images: ${vision.why}`,
      frozen: ["the common space of both towers, which is the output"],
    };
  },
};
