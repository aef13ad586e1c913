/** T5 in plain loops: encoder and decoder, relative positions, RMSNorm before every branch, no biases, logits without scaling. */

import { LAYERS, numbers, type SequenceNetwork, VOCABULARY } from "./sequence-network.ts";
import {
  attend,
  each,
  embed,
  gelu,
  linear,
  plus,
  relu,
  rmsNorm,
  type Sequence,
  tiedHead,
  times,
  type Weights,
} from "./sequences.ts";

const WIDTH = 10;
const HEADS = 3;
const DIM = 4;
const BUCKETS = 5;

/** Distances further than two are alike. */
const bucket = (distance: number): number => Math.max(-2, Math.min(2, distance)) + 2;

function t5(w: Weights, tokens: readonly number[], gated: boolean): number[] {
  const dense = (x: Sequence, name: string, out: number): Sequence => linear(w, x, name, out, { bias: false });
  const norm = (x: Sequence, name: string): Sequence => rmsNorm(w, x, `${name}.layer_norm.weight`);
  const attention = (y: Sequence, source: Sequence, name: string, causal: boolean, table?: Float32Array): Sequence => {
    const [q, k, v] = [
      dense(y, `${name}.q`, HEADS * DIM),
      dense(source, `${name}.k`, HEADS * DIM),
      dense(source, `${name}.v`, HEADS * DIM),
    ];
    const bias = (head: number, t: number, s: number): number => table?.[bucket(s - t) * HEADS + head] ?? 0;
    return dense(attend(q, k, v, { heads: HEADS, causal, scale: 1, bias }), `${name}.o`, WIDTH);
  };
  const feed = (x: Sequence, layer: string): Sequence => {
    const y = norm(x, layer);
    const name = `${layer}.DenseReluDense`;
    const units = gated
      ? times(each(dense(y, `${name}.wi_0`, 8), gelu), dense(y, `${name}.wi_1`, 8))
      : each(dense(y, `${name}.wi`, 8), relu);
    return plus(x, dense(units, `${name}.wo`, WIDTH));
  };
  const stack = (start: Sequence, name: string, source?: Sequence): Sequence => {
    // One table, in the first block, for all layers.
    const table = w.get(`${name}.block.0.layer.0.SelfAttention.relative_attention_bias.weight`, BUCKETS, HEADS);
    let x = start;
    for (let l = 0; l < LAYERS; l++) {
      const block = `${name}.block.${l}`;
      const y = norm(x, `${block}.layer.0`);
      x = plus(x, attention(y, y, `${block}.layer.0.SelfAttention`, source !== undefined, table));
      if (source !== undefined) {
        const z = norm(x, `${block}.layer.1`);
        x = plus(x, attention(z, source, `${block}.layer.1.EncDecAttention`, false));
      }
      x = feed(x, `${block}.layer.${source === undefined ? 1 : 2}`);
    }
    return rmsNorm(w, x, `${name}.final_layer_norm.weight`);
  };
  const words = (list: readonly number[]): Sequence => embed(w, list, "shared.weight", VOCABULARY, WIDTH);
  const encoded = stack(words(tokens), "encoder");
  const decoded = stack(words(numbers(4).map((at) => tokens[at]!)), "decoder", encoded);
  return (gated ? dense(decoded, "lm_head", VOCABULARY) : tiedHead(w, decoded, "shared.weight", VOCABULARY)).flat();
}

/** By name. */
export const T5_NETWORKS: Readonly<Record<string, SequenceNetwork>> = {
  "T5 v1.0": { family: "t5", config: {}, run: (w, tokens) => t5(w, tokens, false) },
  "T5 v1.1": { family: "t5", config: {}, run: (w, tokens) => t5(w, tokens, true) },
};
