/** GPT-2, GPT-NeoX and OPT in plain loops. */

import { LAYERS, LENGTH, numbers, VOCABULARY } from "./sequence-network.ts";
import {
  attend,
  columns,
  each,
  embed,
  gelu,
  layerNorm,
  linear,
  plus,
  relu,
  rotate,
  type Sequence,
  tiedHead,
  type Weights,
} from "./sequences.ts";

/** Pre-LayerNorm with fused q, k, v; matrices [in, out] as in `Conv1D`, or [out, in]. */
export function gpt2(w: Weights, tokens: readonly number[], prefix: string, transposed: boolean): number[] {
  let x = plus(
    embed(w, tokens, `${prefix}wte.weight`, VOCABULARY, 12),
    embed(w, numbers(tokens.length), `${prefix}wpe.weight`, LENGTH, 12),
  );
  for (let l = 0; l < LAYERS; l++) {
    const layer = `${prefix}h.${l}`;
    const fused = linear(w, layerNorm(w, x, `${layer}.ln_1`), `${layer}.attn.c_attn`, 36, { transposed });
    const mixed = attend(columns(fused, 0, 12), columns(fused, 12, 24), columns(fused, 24, 36), {
      heads: 3,
      causal: true,
    });
    x = plus(x, linear(w, mixed, `${layer}.attn.c_proj`, 12, { transposed }));
    const units = each(linear(w, layerNorm(w, x, `${layer}.ln_2`), `${layer}.mlp.c_fc`, 16, { transposed }), gelu);
    x = plus(x, linear(w, units, `${layer}.mlp.c_proj`, 12, { transposed }));
  }
  return tiedHead(w, layerNorm(w, x, `${prefix}ln_f`), `${prefix}wte.weight`, VOCABULARY).flat();
}

/** q, k, v inside each head; positions turn the first `turned` units; attention and units beside each other. */
export function neox(w: Weights, tokens: readonly number[], turned: number): number[] {
  const [heads, dim] = [3, 8];
  let x = embed(w, tokens, "gpt_neox.embed_in.weight", VOCABULARY, 24);
  for (let l = 0; l < LAYERS; l++) {
    const layer = `gpt_neox.layers.${l}`;
    const fused = linear(w, layerNorm(w, x, `${layer}.input_layernorm`), `${layer}.attention.query_key_value`, 3 * 24);
    const part = (which: number): Sequence =>
      fused.map((row) => numbers(heads).flatMap((h) => row.slice((h * 3 + which) * dim, (h * 3 + which + 1) * dim)));
    const mixed = attend(rotate(part(0), dim, turned), rotate(part(1), dim, turned), part(2), { heads, causal: true });
    const units = each(
      linear(w, layerNorm(w, x, `${layer}.post_attention_layernorm`), `${layer}.mlp.dense_h_to_4h`, 10),
      gelu,
    );
    x = plus(x, linear(w, mixed, `${layer}.attention.dense`, 24), linear(w, units, `${layer}.mlp.dense_4h_to_h`, 24));
  }
  return linear(w, layerNorm(w, x, "gpt_neox.final_layer_norm"), "embed_out", VOCABULARY, { bias: false }).flat();
}

export function opt(w: Weights, tokens: readonly number[], first: boolean): number[] {
  const width = 12;
  const d = "model.decoder";
  const small = first ? width : 6;
  let x = embed(w, tokens, `${d}.embed_tokens.weight`, VOCABULARY, small);
  if (!first) x = linear(w, x, `${d}.project_in`, width, { bias: false });
  x = plus(
    x,
    embed(
      w,
      numbers(tokens.length).map((t) => t + 2),
      `${d}.embed_positions.weight`,
      LENGTH + 2,
      width,
    ),
  );
  const branch = (run: (y: Sequence) => Sequence, norm: string): void => {
    x = first ? plus(x, run(layerNorm(w, x, norm))) : layerNorm(w, plus(x, run(x)), norm);
  };
  for (let l = 0; l < LAYERS; l++) {
    const layer = `${d}.layers.${l}`;
    branch((y) => {
      const [q, k, v] = ["q", "k", "v"].map((name) => linear(w, y, `${layer}.self_attn.${name}_proj`, width));
      return linear(w, attend(q!, k!, v!, { heads: 3, causal: true }), `${layer}.self_attn.out_proj`, width);
    }, `${layer}.self_attn_layer_norm`);
    branch(
      (y) => linear(w, each(linear(w, y, `${layer}.fc1`, 10), relu), `${layer}.fc2`, width),
      `${layer}.final_layer_norm`,
    );
  }
  if (first) x = layerNorm(w, x, `${d}.final_layer_norm`);
  else x = linear(w, x, `${d}.project_out`, small, { bias: false });
  return tiedHead(w, x, `${d}.embed_tokens.weight`, VOCABULARY).flat();
}
