/** Vision transformers, CLIP and Whisper in plain loops. Pixels and sound are made of the token numbers. */

import { LAYERS, numbers, type SequenceNetwork, VOCABULARY } from "./sequence-network.ts";
import {
  attend,
  columns,
  each,
  embed,
  gelu,
  layerNorm,
  linear,
  plus,
  quickGelu,
  type Sequence,
  tiedHead,
  type Weights,
} from "./sequences.ts";

const WIDTH = 12;
const HEADS = 3;
/** Three colours, patches of 2 × 2. */
const PIXELS = 12;
const signal = (token: number, at: number): number => Math.sin(token * 1.7 + at * 2.3 + (token * at) / 5);

/** A convolution whose patches do not overlap is a matrix on the pixels of each. */
function patchRows(w: Weights, tokens: readonly number[], name: string, bias: boolean): Sequence {
  const kernel = w.get(`${name}.weight`, WIDTH, 3, 2, 2);
  const shift = bias ? w.get(`${name}.bias`, WIDTH) : undefined;
  return tokens.map((token) =>
    numbers(WIDTH).map((o) =>
      numbers(PIXELS).reduce((sum, i) => sum + kernel[o * PIXELS + i]! * signal(token, i), shift?.[o] ?? 0),
    ),
  );
}

/** A row of a token [1, 1, width] before the patches, and positions [1, n, width] added to all. */
function withToken(w: Weights, x: Sequence, token: string, positions: string): Sequence {
  const all = [[...w.get(token, 1, 1, WIDTH)], ...x];
  const table = w.get(positions, 1, all.length, WIDTH);
  return all.map((row, t) => row.map((value, i) => value + table[t * WIDTH + i]!));
}

function vit(w: Weights, tokens: readonly number[]): number[] {
  const e = "vit.embeddings";
  const patches = patchRows(w, tokens, `${e}.patch_embeddings.projection`, true);
  let x = withToken(w, patches, `${e}.cls_token`, `${e}.position_embeddings`);
  for (let l = 0; l < LAYERS; l++) {
    const layer = `vit.encoder.layer.${l}`;
    const y = layerNorm(w, x, `${layer}.layernorm_before`);
    const [q, k, v] = ["query", "key", "value"].map((name) =>
      linear(w, y, `${layer}.attention.attention.${name}`, WIDTH),
    );
    x = plus(x, linear(w, attend(q!, k!, v!, { heads: HEADS }), `${layer}.attention.output.dense`, WIDTH));
    const units = each(linear(w, layerNorm(w, x, `${layer}.layernorm_after`), `${layer}.intermediate.dense`, 10), gelu);
    x = plus(x, linear(w, units, `${layer}.output.dense`, WIDTH));
  }
  return linear(w, [layerNorm(w, x, "vit.layernorm")[0]!], "classifier", 4).flat();
}

/** Scales each unit by its own factor, as layer scale does. */
const scaled = (w: Weights, x: Sequence, name: string): Sequence => {
  const gamma = w.get(name, WIDTH);
  return x.map((row) => row.map((value, i) => value * gamma[i]!));
};

function timm(w: Weights, tokens: readonly number[], scale: boolean, normed: boolean): number[] {
  let x = withToken(w, patchRows(w, tokens, "patch_embed.proj", true), "cls_token", "pos_embed");
  const dim = WIDTH / HEADS;
  for (let l = 0; l < LAYERS; l++) {
    const block = `blocks.${l}`;
    const fused = linear(w, layerNorm(w, x, `${block}.norm1`), `${block}.attn.qkv`, 3 * WIDTH);
    const headNorm = (y: Sequence, name: string): Sequence =>
      normed
        ? y.map((row) =>
            numbers(HEADS).flatMap(
              (h) => layerNorm(w, [row.slice(h * dim, (h + 1) * dim)], `${block}.attn.${name}`)[0]!,
            ),
          )
        : y;
    const q = headNorm(columns(fused, 0, WIDTH), "q_norm");
    const k = headNorm(columns(fused, WIDTH, 2 * WIDTH), "k_norm");
    const mixed = linear(
      w,
      attend(q, k, columns(fused, 2 * WIDTH, 3 * WIDTH), { heads: HEADS }),
      `${block}.attn.proj`,
      WIDTH,
    );
    x = plus(x, scale ? scaled(w, mixed, `${block}.ls1.gamma`) : mixed);
    const units = each(linear(w, layerNorm(w, x, `${block}.norm2`), `${block}.mlp.fc1`, 10), gelu);
    const fed = linear(w, units, `${block}.mlp.fc2`, WIDTH);
    x = plus(x, scale ? scaled(w, fed, `${block}.ls2.gamma`) : fed);
  }
  return linear(w, [layerNorm(w, x, "norm")[0]!], "head", 4).flat();
}

function torchvision(w: Weights, tokens: readonly number[]): number[] {
  let x = withToken(w, patchRows(w, tokens, "conv_proj", true), "class_token", "encoder.pos_embedding");
  for (let l = 0; l < LAYERS; l++) {
    const layer = `encoder.layers.encoder_layer_${l}`;
    const a = `${layer}.self_attention`;
    const fused = linear(w, layerNorm(w, x, `${layer}.ln_1`), a, 3 * WIDTH, {
      names: [`${a}.in_proj_weight`, `${a}.in_proj_bias`],
    });
    const [q, k, v] = [0, 1, 2].map((part) => columns(fused, part * WIDTH, (part + 1) * WIDTH));
    x = plus(x, linear(w, attend(q!, k!, v!, { heads: HEADS }), `${a}.out_proj`, WIDTH));
    const units = each(linear(w, layerNorm(w, x, `${layer}.ln_2`), `${layer}.mlp.0`, 10), gelu);
    x = plus(x, linear(w, units, `${layer}.mlp.3`, WIDTH));
  }
  return linear(w, [layerNorm(w, x, "encoder.ln")[0]!], "heads.head", 4).flat();
}

/** The encoder of either tower of CLIP. */
function clipLayers(w: Weights, start: Sequence, tower: string, causal: boolean): Sequence {
  let x = start;
  for (let l = 0; l < LAYERS; l++) {
    const layer = `${tower}_model.encoder.layers.${l}`;
    const y = layerNorm(w, x, `${layer}.layer_norm1`);
    const [q, k, v] = ["q", "k", "v"].map((name) => linear(w, y, `${layer}.self_attn.${name}_proj`, WIDTH));
    x = plus(x, linear(w, attend(q!, k!, v!, { heads: HEADS, causal }), `${layer}.self_attn.out_proj`, WIDTH));
    const units = each(linear(w, layerNorm(w, x, `${layer}.layer_norm2`), `${layer}.mlp.fc1`, 10), quickGelu);
    x = plus(x, linear(w, units, `${layer}.mlp.fc2`, WIDTH));
  }
  return x;
}

function clip(w: Weights, tokens: readonly number[]): number[] {
  const t = "text_model";
  const words = plus(
    embed(w, tokens, `${t}.embeddings.token_embedding.weight`, VOCABULARY, WIDTH),
    embed(w, numbers(tokens.length), `${t}.embeddings.position_embedding.weight`, tokens.length, WIDTH),
  );
  const text = layerNorm(w, clipLayers(w, words, "text", true), `${t}.final_layer_norm`);
  const v = "vision_model";
  const patches = [
    [...w.get(`${v}.embeddings.class_embedding`, WIDTH)],
    ...patchRows(w, tokens, `${v}.embeddings.patch_embedding`, false),
  ];
  const placed = plus(
    patches,
    embed(w, numbers(patches.length), `${v}.embeddings.position_embedding.weight`, patches.length, WIDTH),
  );
  const image = clipLayers(w, layerNorm(w, placed, `${v}.pre_layrnorm`), "vision", false);
  return [
    ...linear(w, [text.at(-1)!], "text_projection", 5, { bias: false }).flat(),
    ...linear(w, layerNorm(w, [image[0]!], `${v}.post_layernorm`), "visual_projection", 5, { bias: false }).flat(),
    w.get("logit_scale")[0]!,
  ];
}

/** A convolution over time of 3 steps with zeros around, every `stride` steps: kernel [out, in, 3]. */
function timeConv(w: Weights, x: Sequence, name: string, out: number, stride: number): Sequence {
  const size = x[0]!.length;
  const kernel = w.get(`${name}.weight`, out, size, 3);
  const shift = w.get(`${name}.bias`, out);
  return numbers(Math.ceil(x.length / stride)).map((t) =>
    numbers(out).map((o) => {
      let sum = shift[o]!;
      for (let step = 0; step < 3; step++)
        for (let i = 0; i < size; i++) sum += kernel[(o * size + i) * 3 + step]! * (x[t * stride + step - 1]?.[i] ?? 0);
      return sum;
    }),
  );
}

function whisper(w: Weights, tokens: readonly number[]): number[] {
  const attention = (y: Sequence, source: Sequence, name: string, causal: boolean): Sequence => {
    const q = linear(w, y, `${name}.q_proj`, WIDTH);
    const k = linear(w, source, `${name}.k_proj`, WIDTH, { bias: false });
    const v = linear(w, source, `${name}.v_proj`, WIDTH);
    return linear(w, attend(q, k, v, { heads: HEADS, causal }), `${name}.out_proj`, WIDTH);
  };
  const feed = (y: Sequence, layer: string): Sequence =>
    linear(
      w,
      each(linear(w, layerNorm(w, y, `${layer}.final_layer_norm`), `${layer}.fc1`, 10), gelu),
      `${layer}.fc2`,
      WIDTH,
    );
  const e = "model.encoder";
  const sound = tokens.map((token) => numbers(4).map((at) => signal(token, at)));
  const heard = each(timeConv(w, each(timeConv(w, sound, `${e}.conv1`, 9, 1), gelu), `${e}.conv2`, WIDTH, 2), gelu);
  let x = plus(heard, embed(w, numbers(heard.length), `${e}.embed_positions.weight`, heard.length, WIDTH));
  for (let l = 0; l < LAYERS; l++) {
    const layer = `${e}.layers.${l}`;
    const y = layerNorm(w, x, `${layer}.self_attn_layer_norm`);
    x = plus(x, attention(y, y, `${layer}.self_attn`, false));
    x = plus(x, feed(x, layer));
  }
  const encoded = layerNorm(w, x, `${e}.layer_norm`);
  const d = "model.decoder";
  let z = plus(
    embed(w, tokens, `${d}.embed_tokens.weight`, VOCABULARY, WIDTH),
    embed(w, numbers(tokens.length), `${d}.embed_positions.weight`, tokens.length, WIDTH),
  );
  for (let l = 0; l < LAYERS; l++) {
    const layer = `${d}.layers.${l}`;
    const y = layerNorm(w, z, `${layer}.self_attn_layer_norm`);
    z = plus(z, attention(y, y, `${layer}.self_attn`, true));
    z = plus(
      z,
      attention(layerNorm(w, z, `${layer}.encoder_attn_layer_norm`), encoded, `${layer}.encoder_attn`, false),
    );
    z = plus(z, feed(z, layer));
  }
  return tiedHead(w, layerNorm(w, z, `${d}.layer_norm`), `${d}.embed_tokens.weight`, VOCABULARY).flat();
}

const heads = { num_attention_heads: HEADS };

/** By name. */
export const IMAGE_AND_SOUND_NETWORKS: Readonly<Record<string, SequenceNetwork>> = {
  ViT: { family: "vit", config: heads, run: vit },
  "ViT of timm": { family: "vit-timm", config: heads, run: (w, tokens) => timm(w, tokens, false, false) },
  "ViT of timm, layer scale, norms of q and k": {
    family: "vit-timm",
    config: heads,
    run: (w, tokens) => timm(w, tokens, true, true),
  },
  "ViT of torchvision": { family: "vit-torchvision", config: heads, run: torchvision },
  CLIP: { family: "clip", config: { text_config: heads, vision_config: heads }, run: clip },
  Whisper: { family: "whisper", config: { encoder_attention_heads: HEADS }, run: whisper },
};
