/** Name lists of published checkpoints, made by scripts/oracles/checkpoint_names.py. */

import falcon from "../fixtures/names/falcon-40b.json" with { type: "json" };
import gemma from "../fixtures/names/gemma-2b.json" with { type: "json" };
import gemma3Vision from "../fixtures/names/gemma3-27b-vision.json" with { type: "json" };
import llamaBare from "../fixtures/names/llama-7b-bare.json" with { type: "json" };
import llamaBuffers from "../fixtures/names/llama-7b-inv-freq.json" with { type: "json" };
import llama2 from "../fixtures/names/llama2-7b.json" with { type: "json" };
import llama3Tied from "../fixtures/names/llama3-3b.json" with { type: "json" };
import llama3Large from "../fixtures/names/llama3-70b.json" with { type: "json" };
import m2m100 from "../fixtures/names/m2m100.json" with { type: "json" };
import mimo from "../fixtures/names/mimo-7b.json" with { type: "json" };
import mistral7b from "../fixtures/names/mistral-7b.json" with { type: "json" };
import mistral24b from "../fixtures/names/mistral-24b.json" with { type: "json" };
import mixtral7b from "../fixtures/names/mixtral-8x7b.json" with { type: "json" };
import mixtral22b from "../fixtures/names/mixtral-8x22b.json" with { type: "json" };
import neox7b from "../fixtures/names/neox-7b.json" with { type: "json" };
import neox12b from "../fixtures/names/neox-12b.json" with { type: "json" };
import phi2 from "../fixtures/names/phi2.json" with { type: "json" };
import phi3 from "../fixtures/names/phi3-mini.json" with { type: "json" };
import pythiaReward from "../fixtures/names/pythia-reward.json" with { type: "json" };
import qwen1 from "../fixtures/names/qwen1-72b.json" with { type: "json" };
import qwen2 from "../fixtures/names/qwen2-14b.json" with { type: "json" };
import qwen35 from "../fixtures/names/qwen3.5-moe.json" with { type: "json" };
import qwen3 from "../fixtures/names/qwen3-1.7b.json" with { type: "json" };
import qwen3Quantised from "../fixtures/names/qwen3-14b-mlx-4bit.json" with { type: "json" };
import type { CheckpointNames } from "./checkpoint-shapes.ts";

const typed = (content: unknown): CheckpointNames => content as CheckpointNames;

/** A checkpoint that a table knows: the family, its layers and heads, and the number of its permutations. */
export interface KnownCheckpoint {
  readonly checkpoint: CheckpointNames;
  readonly family: string;
  readonly why: string;
  readonly permutations: number;
}

const known = (content: unknown, family: string, why: string, permutations: number): KnownCheckpoint => ({
  checkpoint: typed(content),
  family,
  why,
  permutations,
});

export const KNOWN: Readonly<Record<string, KnownCheckpoint>> = {
  "Gemma 2B": known(gemma, "llama", "18 layers of 8 heads in 1 group of 256", 1 + 18 * 4),
  "Llama 7B with rotary buffers": known(llamaBuffers, "llama", "32 layers of 32 heads of 128", 1 + 32 * 3),
  "Llama 7B without a prefix": known(
    { ...llamaBare, config: llama2.config },
    "llama",
    "32 layers of 32 heads of 128",
    1 + 32 * 3,
  ),
  "Llama 2 7B": known(llama2, "llama", "32 layers of 32 heads of 128", 1 + 32 * 3),
  "Llama 3 3B, tied": known(llama3Tied, "llama", "28 layers of 24 heads in 8 groups of 128", 1 + 28 * 4),
  "Llama 3 70B": known(llama3Large, "llama", "80 layers of 64 heads in 8 groups of 128", 1 + 80 * 4),
  "Mistral 7B": known(mistral7b, "llama", "32 layers of 32 heads in 8 groups of 128", 1 + 32 * 4),
  "Mistral 24B, heads narrower than its width": known(
    mistral24b,
    "llama",
    "40 layers of 32 heads in 8 groups of 128",
    1 + 40 * 4,
  ),
  "Mixtral 8x7B": known(mixtral7b, "mixtral", "32 layers of 32 heads in 8 groups of 128", 1 + 32 * 5),
  "Mixtral 8x22B": known(mixtral22b, "mixtral", "56 layers of 48 heads in 8 groups of 128", 1 + 56 * 5),
  "GPT-NeoX 7B with masks": known(neox7b, "gpt-neox", "32 layers of 32 heads of 128", 1 + 32 * 3),
  "GPT-NeoX 12B with masks, a quarter turned": known(neox12b, "gpt-neox", "36 layers of 40 heads of 128", 1 + 36 * 4),
  "Phi-3 mini": known(phi3, "phi3", "32 layers of 32 heads of 96", 1 + 32 * 3),
  "Qwen2 14B": known(qwen2, "llama", "48 layers of 40 heads in 8 groups of 128", 1 + 48 * 4),
  "Qwen3 1.7B": known(qwen3, "llama", "28 layers of 16 heads in 8 groups of 128", 1 + 28 * 4),
};

/** Checkpoints that no table knows, with what the refusal says. */
export const REFUSED: Readonly<Record<string, readonly [checkpoint: CheckpointNames, message: RegExp]>> = {
  "Falcon 40B": [typed(falcon), /in one block, and names do not show their order; or pass its ONNX export/],
  "Gemma 3 with a vision tower": [
    typed(gemma3Vision),
    /model holds llama in the 808 tensors language_model\.… and 439 others.*--prefix language_model\. takes that part/,
  ],
  M2M100: [typed(m2m100), /named after "attn", and no table knows this network; or pass its ONNX export/],
  "MiMo 7B, with layers that predict further tokens": [typed(mimo), /table lacks model\.mtp_layers\.0/],
  "Phi-2 by its first names": [typed(phi2), /in one block/],
  "Pythia as a reward model": [typed(pythiaReward), /gpt-neox, whose table lacks out_proj\.bias, out_proj\.weight/],
  "Qwen 1 72B": [typed(qwen1), /in one block/],
  "Qwen3 14B in 4 bits": [typed(qwen3Quantised), /lm_head\.scales is .*a part of a quantised matrix/],
  "Qwen3.5 with linear attention": [typed(qwen35), /linear_attn\.A_log/],
};
