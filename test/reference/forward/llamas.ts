/** Llama and its kin in plain loops. */

import { LAYERS, numbers, type SequenceNetwork, VOCABULARY } from "./sequence-network.ts";
import {
  attend,
  columns,
  each,
  embed,
  linear,
  plus,
  rmsNorm,
  rotate,
  type Sequence,
  silu,
  softmax,
  tiedHead,
  times,
  type Weights,
} from "./sequences.ts";

export interface Kin {
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly headDim?: number;
  readonly bias?: boolean;
  /** Norms of q and k: of one head each, or of all together. */
  readonly qkNorm?: "head" | "all";
  /** Norms before branches, after them, or both. */
  readonly norms?: "before" | "after" | "both";
  /** Of the norms' gains: 1 in Gemma. */
  readonly offset?: number;
  readonly fused?: boolean;
  readonly tied?: boolean;
  readonly feed?: (w: Weights, x: Sequence, layer: string, number: number) => Sequence;
}

const WIDTH = 10;

/** Rows of the k best experts, their shares made to add up to 1. */
function mixExperts(
  w: Weights,
  x: Sequence,
  router: string,
  experts: number,
  run: (row: Sequence, expert: number) => Sequence,
): Sequence {
  const shares = linear(w, x, router, experts, { bias: false }).map(softmax);
  return x.map((row, t) => {
    const all = numbers(experts).map((expert) => run([row], expert));
    const best = numbers(experts)
      .sort((a, b) => shares[t]![b]! - shares[t]![a]!)
      .slice(0, 2);
    const sum = best.reduce((total, expert) => total + shares[t]![expert]!, 0);
    const outputs = best.map((expert) => each(all[expert]!, (value) => (value * shares[t]![expert]!) / sum));
    return plus(...outputs)[0]!;
  });
}

const gated = (w: Weights, x: Sequence, units: number, gate: string, up: string, down: string): Sequence =>
  linear(
    w,
    times(each(linear(w, x, gate, units, { bias: false }), silu), linear(w, x, up, units, { bias: false })),
    down,
    WIDTH,
    { bias: false },
  );

const plainFeed: NonNullable<Kin["feed"]> = (w, x, layer) =>
  gated(w, x, 9, `${layer}.mlp.gate_proj`, `${layer}.mlp.up_proj`, `${layer}.mlp.down_proj`);

export const mixtralFeed: NonNullable<Kin["feed"]> = (w, x, layer) => {
  const moe = `${layer}.block_sparse_moe`;
  return mixExperts(w, x, `${moe}.gate`, 4, (row, e) =>
    gated(w, row, 7, `${moe}.experts.${e}.w1`, `${moe}.experts.${e}.w3`, `${moe}.experts.${e}.w2`),
  );
};

/** Qwen2-MoE: a shared expert with a gate of its own; its first layer is plain. */
export const qwenFeed: NonNullable<Kin["feed"]> = (w, x, layer, number) => {
  const m = `${layer}.mlp`;
  if (number === 0) return plainFeed(w, x, layer, number);
  const mixed = mixExperts(w, x, `${m}.gate`, 4, (row, e) =>
    gated(w, row, 7, `${m}.experts.${e}.gate_proj`, `${m}.experts.${e}.up_proj`, `${m}.experts.${e}.down_proj`),
  );
  const shared = gated(
    w,
    x,
    6,
    `${m}.shared_expert.gate_proj`,
    `${m}.shared_expert.up_proj`,
    `${m}.shared_expert.down_proj`,
  );
  const share = linear(w, x, `${m}.shared_expert_gate`, 1, { bias: false });
  return plus(
    mixed,
    shared.map((row, t) => row.map((value) => value / (1 + Math.exp(-share[t]![0]!)))),
  );
};

/** Experts in one tensor [experts, 2·units, width], gate first. */
export const stackedFeed: NonNullable<Kin["feed"]> = (w, x, layer) => {
  const [experts, units] = [4, 7];
  const up = w.get(`${layer}.mlp.experts.gate_up_proj`, experts, 2 * units, WIDTH);
  const down = w.get(`${layer}.mlp.experts.down_proj`, experts, WIDTH, units);
  return mixExperts(w, x, `${layer}.mlp.gate`, experts, ([row], e) => {
    const dot = (table: Float32Array, at: number, size: number, other: readonly number[]): number =>
      numbers(size).reduce((sum, i) => sum + table[at * size + i]! * other[i]!, 0);
    const hidden = numbers(units).map(
      (u) => silu(dot(up, e * 2 * units + u, WIDTH, row!)) * dot(up, (e * 2 + 1) * units + u, WIDTH, row!),
    );
    return [numbers(WIDTH).map((r) => dot(down, e * WIDTH + r, units, hidden))];
  });
};

function llama(w: Weights, tokens: readonly number[], kin: Kin): number[] {
  const {
    heads = 6,
    kvHeads = 2,
    headDim = 4,
    bias = false,
    qkNorm,
    norms = "before",
    offset = 0,
    fused = false,
    tied = false,
    feed = plainFeed,
  } = kin;
  let x = embed(w, tokens, "model.embed_tokens.weight", VOCABULARY, WIDTH);
  if (offset === 1) x = each(x, (value) => value * Math.sqrt(WIDTH));
  const norm = (y: Sequence, name: string): Sequence => rmsNorm(w, y, name, offset);
  const headNorm = (y: Sequence, name: string, count: number): Sequence => {
    if (qkNorm === undefined) return y;
    if (qkNorm === "all") return norm(y, name);
    return y.map((row) => numbers(count).flatMap((h) => norm([row.slice(h * headDim, (h + 1) * headDim)], name)[0]!));
  };
  for (let l = 0; l < LAYERS; l++) {
    const layer = `model.layers.${l}`;
    const a = `${layer}.self_attn`;
    const attention = (y: Sequence): Sequence => {
      const [rows, shared] = [heads * headDim, kvHeads * headDim];
      const all = fused ? linear(w, y, `${a}.qkv_proj`, rows + 2 * shared, { bias }) : undefined;
      const take = (name: string, from: number, size: number): Sequence =>
        all === undefined ? linear(w, y, `${a}.${name}_proj`, size, { bias }) : columns(all, from, from + size);
      const q = headNorm(take("q", 0, rows), `${a}.q_norm.weight`, heads);
      const k = headNorm(take("k", rows, shared), `${a}.k_norm.weight`, kvHeads);
      const v = take("v", rows + shared, shared);
      const mixed = attend(rotate(q, headDim), rotate(k, headDim), v, { heads, kvHeads, causal: true });
      return linear(w, mixed, `${a}.o_proj`, WIDTH, { bias: false });
    };
    const units = (y: Sequence): Sequence => feed(w, y, layer, l);
    if (norms === "before") {
      x = plus(x, attention(norm(x, `${layer}.input_layernorm.weight`)));
      x = plus(x, units(norm(x, `${layer}.post_attention_layernorm.weight`)));
    } else if (norms === "after") {
      x = plus(x, norm(attention(x), `${layer}.post_attention_layernorm.weight`));
      x = plus(x, norm(units(x), `${layer}.post_feedforward_layernorm.weight`));
    } else {
      x = plus(
        x,
        norm(attention(norm(x, `${layer}.input_layernorm.weight`)), `${layer}.post_attention_layernorm.weight`),
      );
      x = plus(
        x,
        norm(units(norm(x, `${layer}.pre_feedforward_layernorm.weight`)), `${layer}.post_feedforward_layernorm.weight`),
      );
    }
  }
  const last = norm(x, "model.norm.weight");
  return (
    tied
      ? tiedHead(w, last, "model.embed_tokens.weight", VOCABULARY)
      : linear(w, last, "lm_head", VOCABULARY, { bias: false })
  ).flat();
}

/** Gate and up in one matrix, gate first. */
export const fusedFeed: NonNullable<Kin["feed"]> = (w, x, layer) => {
  const both = linear(w, x, `${layer}.mlp.gate_up_proj`, 18, { bias: false });
  return linear(w, times(each(columns(both, 0, 9), silu), columns(both, 9, 18)), `${layer}.mlp.down_proj`, WIDTH, {
    bias: false,
  });
};

export const kin = (family: string, options: Kin = {}): SequenceNetwork => ({
  family,
  config: {
    num_attention_heads: options.heads ?? 6,
    num_key_value_heads: options.kvHeads ?? 2,
    head_dim: options.headDim ?? 4,
  },
  run: (w, tokens) => llama(w, tokens, options),
});
