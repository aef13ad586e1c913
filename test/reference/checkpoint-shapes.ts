/**
 * Shapes of published checkpoints, from their configuration by the definition of each family: independent of our tables.
 * Whether they are right shows in the sum of their bytes, which the checkpoint's index states.
 */

import type { Dtype } from "../../src/base/dtype.ts";

/** A file of test/fixtures/names: names folded to patterns, with the count of each number in them. */
export interface CheckpointNames {
  readonly source: string;
  readonly config: Record<string, unknown>;
  readonly totalSize: number;
  readonly names: Record<string, number[] | number[][]>;
}

/** All names of the checkpoint. */
export function unfold({ names }: CheckpointNames): string[] {
  return Object.entries(names).flatMap(([pattern, counts]) =>
    numbersOf(counts).map((numbers) => {
      let at = 0;
      return pattern.replaceAll("{}", () => String(numbers[at++]));
    }),
  );
}

/** Every combination of numbers below `counts`; a list of combinations is one already. */
function numbersOf(counts: number[] | number[][]): number[][] {
  if (Array.isArray(counts[0])) return counts as number[][];
  let all: number[][] = [[]];
  for (const count of counts as number[])
    all = all.flatMap((numbers) => Array.from({ length: count }, (_, number) => [...numbers, number]));
  return all;
}

/** Sizes as the families' papers and configurations name them. */
function sizesOf(config: Record<string, unknown>) {
  const number = (key: string): number | undefined => config[key] as number | undefined;
  const width = number("hidden_size")!;
  const heads = number("num_attention_heads")!;
  const head = number("head_dim") ?? width / heads;
  const groups = number("num_key_value_heads") ?? heads;
  return {
    width,
    vocabulary: number("vocab_size")!,
    inner: number("intermediate_size")!,
    head,
    queries: heads * head,
    keys: groups * head,
    experts: number("num_local_experts") ?? 0,
    positions: number("max_position_embeddings")!,
    turned: (head * ((config.rotary_pct as number) ?? 1)) / 2,
  };
}

/** Shape by the end of the name; two-dimensional matrices are (outputs, inputs), as PyTorch has them. */
function shapesOf(config: Record<string, unknown>): [RegExp, number[]][] {
  const { width, vocabulary, inner, head, queries, keys, experts, positions, turned } = sizesOf(config);
  return [
    [/(?:embed_tokens|lm_head|embed_in|embed_out)\.weight$/, [vocabulary, width]],
    [/self_attn\.q_proj\.weight$/, [queries, width]],
    [/self_attn\.q_proj\.bias$/, [queries]],
    [/self_attn\.[kv]_proj\.weight$/, [keys, width]],
    [/self_attn\.[kv]_proj\.bias$/, [keys]],
    [/self_attn\.o_proj\.weight$/, [width, queries]],
    [/self_attn\.qkv_proj\.weight$/, [queries + 2 * keys, width]],
    [/self_attn\.[qk]_norm\.weight$/, [head]],
    [/mlp\.(?:gate|up)_proj\.weight$|experts\.\d+\.w[13]\.weight$/, [inner, width]],
    [/mlp\.gate_up_proj\.weight$/, [2 * inner, width]],
    [/mlp\.down_proj\.weight$|experts\.\d+\.w2\.weight$/, [width, inner]],
    [/block_sparse_moe\.gate\.weight$/, [experts, width]],
    [/query_key_value\.weight$/, [3 * width, width]],
    [/query_key_value\.bias$/, [3 * width]],
    [/attention\.dense\.weight$/, [width, width]],
    [/dense_h_to_4h\.weight$/, [inner, width]],
    [/dense_h_to_4h\.bias$/, [inner]],
    [/dense_4h_to_h\.weight$/, [width, inner]],
    [/attention\.bias$/, [1, 1, positions, positions]],
    [/attention\.masked_bias$/, []],
    [/rotary_emb\.inv_freq$/, [turned]],
    [/out_proj\.weight$/, [1, width]],
    [/out_proj\.bias$/, [1]],
    [/(?:norm|dense|dense_4h_to_h)\.(?:weight|bias)$/, [width]],
  ];
}

/** The checkpoint's tensors; `dtypeOf` names the type of those that are not of the checkpoint's own. */
export function tensorsOf(
  checkpoint: CheckpointNames,
  config: Record<string, unknown>,
  dtype: Dtype,
  dtypeOf: (name: string) => Dtype | undefined = () => undefined,
): { name: string; shape: number[]; dtype: Dtype }[] {
  const shapes = shapesOf(config);
  return unfold(checkpoint).map((name) => {
    const found = shapes.find(([pattern]) => pattern.test(name));
    if (found === undefined) throw new Error(`no shape for ${name}`);
    return { name, shape: found[1], dtype: dtypeOf(name) ?? dtype };
  });
}
