/** Vision transformers of transformers (`ViTModel`), timm and torchvision: pre-LayerNorm, patches by a convolution. */

import { attentionAxes } from "./attention.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { frozen } from "./outputs.ts";
import { behind, dense, describeLayers, norm, optional, type TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

/** Tokens [1, n, R], and the convolution of patches [R, 3, p, p]. */
const token = (name: string): TensorRows => ({ [name]: ["_", "_", "R"] });
const patches = (name: string): TensorRows => ({
  [`${name}.weight`]: ["R", "_", "_", "_"],
  [`${name}.bias?`]: ["R"],
});

interface VitParts {
  /** Pattern of the queries, or of q, k and v together, with `{L}`. */
  readonly queries: string;
  readonly fused: boolean;
  readonly heads: readonly string[];
  /** Norms of q and k have a gain for each unit of a head. */
  readonly normed?: boolean;
  readonly rows: (axes: {
    readonly q: string;
    readonly k: string;
    readonly v: string;
    readonly o: string;
  }) => TensorRows;
}

function vitLayout(checkpoint: CheckpointFacts, parts: VitParts): TableLayout {
  const rows = checkpoint.size(parts.queries, 0)!;
  const queries = parts.fused ? checkpoint.divide(rows, 3, "queries, keys and values") : rows;
  const { heads, headDim } = checkpoint.heads(queries, ["num_attention_heads", "num_heads"]);
  const { q, k, v, o, permutations } = attentionAxes({
    ...{ heads, headDim, keepsOrder: parts.normed === true, suffix: "{L}" },
  });
  const layout: TableLayout = {
    permutations: { R: { role: "residual" }, "F{L}": { role: "ffn" }, ...permutations },
    tensors: parts.rows({ q, k, v, o }),
    why: describeLayers(checkpoint.count(parts.queries), heads, headDim),
  };
  if (parts.heads.some((head) => checkpoint.has(head))) return layout;
  return frozen(layout, "R", "residual stream, which is the output of a model without a head");
}

const PREFIX = "[(vit|deit).]";
const QUERY = `${PREFIX}encoder.layer.{L}.attention.attention.query.weight`;

export const vit: Table = {
  name: "vit",
  signs: [`${PREFIX}embeddings.patch_embeddings.projection.weight`, QUERY],
  layout: (checkpoint) =>
    vitLayout(checkpoint, {
      queries: QUERY,
      fused: false,
      heads: ["classifier.weight", "cls_classifier.weight"],
      rows: ({ q, k, v, o }) => ({
        ...behind(PREFIX, {
          ...token("embeddings.cls_token"),
          ...optional(token("embeddings.distillation_token")),
          ...optional(token("embeddings.mask_token")),
          ...token("embeddings.position_embeddings"),
          ...patches("embeddings.patch_embeddings.projection"),
          ...behind("encoder.layer.{L}.", {
            ...norm("layernorm_before", "R"),
            ...dense("attention.attention.query", q, "R", "maybe"),
            ...dense("attention.attention.key", k, "R", "maybe"),
            ...dense("attention.attention.value", v, "R", "maybe"),
            ...dense("attention.output.dense", "R", o),
            ...norm("layernorm_after", "R"),
            ...dense("intermediate.dense", "F{L}", "R"),
            ...dense("output.dense", "R", "F{L}"),
          }),
          ...norm("layernorm", "R"),
          ...optional(dense("pooler.dense", "_", "R")),
        }),
        ...optional(dense("classifier", "_", "R")),
        ...optional(dense("cls_classifier", "_", "R")),
        ...optional(dense("distillation_classifier", "_", "R")),
      }),
    }),
};

const QKV = "blocks.{L}.attn.qkv.weight";

export const vitTimm: Table = {
  name: "vit-timm",
  signs: ["patch_embed.proj.weight", QKV, "blocks.0.norm1.weight"],
  without: ["blocks.0.attn.relative_position_bias_table", "blocks.0.attn.rel_pos_h"],
  layout: (checkpoint) =>
    vitLayout(checkpoint, {
      queries: QKV,
      fused: true,
      heads: ["head.weight"],
      normed: checkpoint.has("blocks.0.attn.q_norm.weight"),
      rows: ({ q, k, v, o }) => ({
        ...optional({
          ...token("cls_token"),
          ...token("dist_token"),
          ...token("reg_token"),
          ...token("register_tokens"),
        }),
        "mask_token?": ["_", "R"],
        ...token("pos_embed"),
        ...patches("patch_embed.proj"),
        ...behind("blocks.{L}.", {
          ...norm("norm1", "R"),
          ...dense("attn.qkv", `${q}|${k}|${v}`, "R", "maybe"),
          ...optional({ ...norm("attn.q_norm", "_"), ...norm("attn.k_norm", "_") }),
          ...dense("attn.proj", "R", o, "maybe"),
          ...norm("norm2", "R"),
          ...optional({ "ls1.gamma": ["R"], "ls2.gamma": ["R"] }),
          ...optional({ ...dense("mlp.fc1", "F{L}", "R"), ...dense("mlp.fc2", "R", "F{L}") }),
          ...optional({ ...dense("mlp.w12", "2*F{L}", "R"), ...dense("mlp.w3", "R", "F{L}") }),
        }),
        ...optional({ ...norm("norm", "R"), ...norm("fc_norm", "R"), ...norm("norm_pre", "R") }),
        ...optional({ ...dense("head", "_", "R"), ...dense("head_dist", "_", "R") }),
      }),
    }),
};

const IN_PROJ = "encoder.layers.encoder_layer_{L}.self_attention.in_proj_weight";

export const vitTorchvision: Table = {
  name: "vit-torchvision",
  signs: ["conv_proj.weight", IN_PROJ],
  layout: (checkpoint) =>
    vitLayout(checkpoint, {
      queries: IN_PROJ,
      fused: true,
      heads: ["heads.head.weight"],
      rows: ({ q, k, v, o }) => ({
        ...token("class_token"),
        ...token("encoder.pos_embedding"),
        ...patches("conv_proj"),
        ...behind("encoder.layers.encoder_layer_{L}.", {
          ...norm("ln_1", "R"),
          "self_attention.in_proj_weight": [`${q}|${k}|${v}`, "R"],
          "self_attention.in_proj_bias": [`${q}|${k}|${v}`],
          ...dense("self_attention.out_proj", "R", o),
          ...norm("ln_2", "R"),
          ...dense("mlp.(0|linear_1)", "F{L}", "R"),
          ...dense("mlp.(3|linear_2)", "R", "F{L}"),
        }),
        ...norm("encoder.ln", "R"),
        ...optional(dense("heads.head", "_", "R")),
      }),
    }),
};
