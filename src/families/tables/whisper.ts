/**
 * Whisper, as transformers' `WhisperForConditionalGeneration` saves it: keys have no bias, and cross-attention reads
 * the encoder's stream into the decoder's.
 */

import { type AttentionAxes, attentionAxes } from "./attention.ts";
import { withOutput } from "./outputs.ts";
import { behind, dense, describeLayers, norm, optional, type TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

const PREFIX = "[model.]";
const QUERY = `${PREFIX}encoder.layers.{L}.self_attn.q_proj.weight`;

function attention(name: string, axes: AttentionAxes, stream: string, source: string): TensorRows {
  return {
    ...dense(`${name}.q_proj`, axes.q, stream),
    ...dense(`${name}.k_proj`, axes.k, source, "maybe"),
    ...dense(`${name}.v_proj`, axes.v, source),
    ...dense(`${name}.out_proj`, stream, axes.o),
    ...norm(`${name}_layer_norm`, stream),
  };
}

const feed = (stream: string, units: string): TensorRows => ({
  ...dense("fc1", units, stream),
  ...dense("fc2", stream, units),
  ...norm("final_layer_norm", stream),
});

/** Sound by two convolutions: the first has separate channels, the second writes the stream. */
const encoderRows = (encoder: AttentionAxes): TensorRows => ({
  ...{ "conv1.weight": ["C", "_", "_"], "conv1.bias": ["C"] },
  ...{ "conv2.weight": ["R.enc", "C", "_"], "conv2.bias": ["R.enc"] },
  "embed_positions.weight": ["_", "R.enc"],
  ...behind("layers.{L}.", {
    ...attention("self_attn", encoder, "R.enc", "R.enc"),
    ...feed("R.enc", "F.enc{L}"),
  }),
  ...norm("layer_norm", "R.enc"),
});

export const whisper: Table = {
  name: "whisper",
  signs: [`${PREFIX}encoder.conv1.weight`, QUERY, `${PREFIX}decoder.layers.0.encoder_attn.q_proj.weight`],
  layout(checkpoint) {
    const { heads, headDim } = checkpoint.heads(checkpoint.size(QUERY, 0)!, ["encoder_attention_heads"]);
    const kind = { heads, headDim, keepsOrder: false };
    const [encoder, decoder, cross] = ["enc", "dec", "cross"].map((part) =>
      attentionAxes({ ...kind, suffix: `.${part}{L}` }),
    ) as [AttentionAxes, AttentionAxes, AttentionAxes];
    const layout: TableLayout = {
      permutations: {
        ...{ "R.enc": { role: "residual" }, R: { role: "residual" }, C: { role: "embedding" } },
        ...{ "F.enc{L}": { role: "ffn" }, "F.dec{L}": { role: "ffn" } },
        ...encoder.permutations,
        ...decoder.permutations,
        ...cross.permutations,
      },
      tensors: {
        ...behind(`${PREFIX}encoder.`, encoderRows(encoder)),
        ...behind(`${PREFIX}decoder.`, {
          "embed_tokens.weight": ["_", "R"],
          "embed_positions.weight": ["_", "R"],
          ...behind("layers.{L}.", {
            ...attention("self_attn", decoder, "R", "R"),
            ...attention("encoder_attn", cross, "R", "R.enc"),
            ...feed("R", "F.dec{L}"),
          }),
          ...norm("layer_norm", "R"),
        }),
        ...optional({ "proj_out.weight": ["_", "R"] }),
      },
      why: describeLayers(checkpoint.count(QUERY), heads, headDim),
    };
    return withOutput(layout, checkpoint, ["proj_out.weight"]);
  },
};
