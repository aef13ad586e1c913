/**
 * Llama and its kin (Mistral, Qwen2, Qwen3, Gemma, OLMo 2), which share names. Phi-3 fuses q, k, v and gate, up. In
 * Mixtral and Qwen-MoE a permutation of the layer exchanges the experts. Positions are rotary: units of q and k keep
 * their order.
 */

import { SpecError } from "../../base/errors.ts";
import { type AttentionAxes, attentionAxes } from "./attention.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { withOutput } from "./outputs.ts";
import { behind, dense, describeLayers, norm, optional, type TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

const PREFIX = "[model.]";
const LAYER = `${PREFIX}layers.{L}.`;
const EMBEDDING = `${PREFIX}embed_tokens.weight`;

/** Heads by the configuration, the options, or a norm over the units of one head. */
interface Heads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

function headsOf(checkpoint: CheckpointFacts, queries: number, keys: number): Heads {
  const normed = checkpoint.size(`${LAYER}self_attn.q_norm.weight`, 0);
  const perHead = normed !== undefined && normed < queries ? normed : undefined;
  const { heads, headDim } = checkpoint.heads(
    queries,
    ["num_attention_heads", "text_config.num_attention_heads"],
    perHead,
  );
  const kvHeads = checkpoint.divide(keys, headDim, "keys");
  checkpoint.divide(heads, kvHeads, "heads");
  return { heads, kvHeads, headDim };
}

/** Norms of q and k: over a head, all of which share its gains, or over all heads. */
function normsOf(checkpoint: CheckpointFacts, { heads, kvHeads, headDim }: Heads, axes: AttentionAxes): TensorRows {
  const of = (name: string, whole: number, axis: string): TensorRows => {
    const size = checkpoint.size(`${LAYER}self_attn.${name}.weight`, 0);
    return optional(norm(`self_attn.${name}`, size === whole && whole !== headDim ? axis : "_", "none"));
  };
  return { ...of("q_norm", heads * headDim, axes.q), ...of("k_norm", kvHeads * headDim, axes.k) };
}

const NORMS: TensorRows = optional({
  ...norm("input_layernorm", "R", "none"),
  ...norm("post_attention_layernorm", "R", "none"),
  ...norm("pre_feedforward_layernorm", "R", "none"),
  ...norm("post_feedforward_layernorm", "R", "none"),
});

const GATED: TensorRows = {
  ...dense("mlp.gate_proj", "F{L}", "R", "maybe"),
  ...dense("mlp.up_proj", "F{L}", "R", "maybe"),
  ...dense("mlp.down_proj", "R", "F{L}", "maybe"),
};

function layoutOf(
  checkpoint: CheckpointFacts,
  attention: (axes: AttentionAxes) => TensorRows,
  sizes: [number, number],
  feed: TensorRows,
): TableLayout {
  const heads = headsOf(checkpoint, ...sizes);
  const axes = attentionAxes({ ...heads, keepsOrder: true, suffix: "{L}" });
  const layout: TableLayout = {
    permutations: {
      R: { role: "residual" },
      "E{L}": { role: "experts" },
      "F{L}": { role: "ffn" },
      "S{L}": { role: "ffn" },
      ...axes.permutations,
    },
    tensors: {
      [EMBEDDING]: ["_", "R"],
      ...behind(LAYER, {
        ...attention(axes),
        ...dense("self_attn.o_proj", "R", axes.o, "maybe"),
        ...normsOf(checkpoint, heads, axes),
        ...NORMS,
        ...feed,
        "self_attn.rotary_emb.inv_freq?": "fixed",
      }),
      ...behind(PREFIX, norm("norm", "R", "none")),
      ...optional({ "lm_head.weight": ["_", "R"], ...dense("score", "_", "R", "none") }),
    },
    why: describeLayers(checkpoint.count(`${LAYER}self_attn.o_proj.weight`), heads.heads, heads.headDim, heads.kvHeads),
    frozen: ["units of q and k inside heads, which rotary positions turn in pairs"],
  };
  return withOutput(layout, checkpoint, ["lm_head.weight", "score.weight"]);
}

const separate = (axes: AttentionAxes): TensorRows => ({
  ...dense("self_attn.q_proj", axes.q, "R", "maybe"),
  ...dense("self_attn.k_proj", axes.k, "R", "maybe"),
  ...dense("self_attn.v_proj", axes.v, "R", "maybe"),
});

const rowsOf = (checkpoint: CheckpointFacts): [number, number] => [
  checkpoint.size(`${LAYER}self_attn.q_proj.weight`, 0)!,
  checkpoint.size(`${LAYER}self_attn.k_proj.weight`, 0)!,
];

const SIGNS = [EMBEDDING, `${PREFIX}layers.0.self_attn.q_proj.weight`, `${PREFIX}layers.0.self_attn.o_proj.weight`];

export const llama: Table = {
  name: "llama",
  signs: [...SIGNS, `${PREFIX}layers.0.mlp.gate_proj.weight`, `${PREFIX}norm.weight`],
  without: [`${LAYER}mlp.gate.weight`],
  layout: (checkpoint) => layoutOf(checkpoint, separate, rowsOf(checkpoint), GATED),
};

export const phi3: Table = {
  name: "phi3",
  signs: [EMBEDDING, `${PREFIX}layers.0.self_attn.qkv_proj.weight`, `${PREFIX}layers.0.mlp.gate_up_proj.weight`],
  layout(checkpoint) {
    const fused = checkpoint.size(`${LAYER}self_attn.qkv_proj.weight`, 0)!;
    const queries = checkpoint.size(`${LAYER}self_attn.o_proj.weight`, 1)!;
    const keys = checkpoint.divide(fused - queries, 2, "keys and values");
    const attention = ({ q, k, v }: AttentionAxes): TensorRows =>
      dense("self_attn.qkv_proj", `${q}|${k}|${v}`, "R", "maybe");
    const feed = {
      ...dense("mlp.gate_up_proj", "2*F{L}", "R", "maybe"),
      ...dense("mlp.down_proj", "R", "F{L}", "maybe"),
    };
    return layoutOf(checkpoint, attention, [queries, keys], feed);
  },
};

/**
 * Experts by number in the name: their order is a permutation of the layer, the units of each a permutation inside it.
 */
function expertRows(names: readonly [gate: string, up: string, down: string]): TensorRows {
  const row = (name: string, axes: readonly string[]): TensorRows => ({
    [`${name}.weight?`]: { axes, slice: "E{L}", at: "E" },
  });
  return {
    ...row(names[0], ["F{L}/E{L}", "R"]),
    ...row(names[1], ["F{L}/E{L}", "R"]),
    ...row(names[2], ["R", "F{L}/E{L}"]),
  };
}

/** The same stacked in one tensor: [experts, 2·units, width], or [experts, width, 2·units]. */
function stackedRows(checkpoint: CheckpointFacts): TensorRows {
  const name = `${LAYER}mlp.experts.gate_up_proj`;
  if (!checkpoint.has(name)) return {};
  const [width, first, second] = [checkpoint.size(EMBEDDING, 1), checkpoint.size(name, 1), checkpoint.size(name, 2)];
  if (first === second)
    throw new SpecError(
      `mlp.experts.gate_up_proj is [.., ${first}, ${second}], which does not show its axes, expected a spec file`,
    );
  const [inside, outside] = ["2*F{L}/E{L}", "F{L}/E{L}"];
  return {
    "mlp.experts.gate_up_proj?": second === width ? ["E{L}", inside, "R"] : ["E{L}", "R", inside],
    "mlp.experts.down_proj?": second === width ? ["E{L}", "R", outside] : ["E{L}", outside, "R"],
  };
}

function moeLayout(checkpoint: CheckpointFacts, router: string, experts: TensorRows, unit: string): TableLayout {
  const units = checkpoint.has(`${LAYER}mlp.experts.down_proj`)
    ? Math.floor(
        checkpoint.size(`${LAYER}mlp.experts.gate_up_proj`, 1) === checkpoint.size(EMBEDDING, 1)
          ? checkpoint.size(`${LAYER}mlp.experts.gate_up_proj`, 2)! / 2
          : checkpoint.size(`${LAYER}mlp.experts.gate_up_proj`, 1)! / 2,
      )
    : checkpoint.size(`${LAYER}${unit}`, 0)!;
  const feed = {
    [`${router}.weight?`]: ["E{L}", "R"],
    ...experts,
    ...stackedRows(checkpoint),
    ...optional({
      ...dense("mlp.shared_expert.gate_proj", "S{L}", "R", "none"),
      ...dense("mlp.shared_expert.up_proj", "S{L}", "R", "none"),
      ...dense("mlp.shared_expert.down_proj", "R", "S{L}", "none"),
      ...dense("mlp.shared_expert_gate", "_", "R", "none"),
      // Layers without experts.
      ...dense("mlp.gate_proj", "D{L}", "R", "none"),
      ...dense("mlp.up_proj", "D{L}", "R", "none"),
      ...dense("mlp.down_proj", "R", "D{L}", "none"),
    }),
  };
  const layout = layoutOf(checkpoint, separate, rowsOf(checkpoint), feed);
  return {
    ...layout,
    permutations: { ...layout.permutations, "F{L}": { role: "ffn", in: ["E{L}", units] }, "D{L}": { role: "ffn" } },
  };
}

export const mixtral: Table = {
  name: "mixtral",
  signs: [...SIGNS, `${PREFIX}layers.0.block_sparse_moe.gate.weight`],
  layout(checkpoint) {
    const expert = "block_sparse_moe.experts.{E}.";
    const experts = expertRows([`${expert}w1`, `${expert}w3`, `${expert}w2`]);
    return moeLayout(checkpoint, "block_sparse_moe.gate", experts, `${expert}w1.weight`);
  },
};

export const qwenMoe: Table = {
  name: "qwen-moe",
  signs: [...SIGNS, `${LAYER}mlp.gate.weight`],
  layout(checkpoint) {
    const expert = "mlp.experts.{E}.";
    const experts = expertRows([`${expert}gate_proj`, `${expert}up_proj`, `${expert}down_proj`]);
    return moeLayout(checkpoint, "mlp.gate", experts, `${expert}gate_proj.weight`);
  },
};
