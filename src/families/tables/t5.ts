/**
 * T5, as transformers' `T5ForConditionalGeneration` saves it. Relative positions add a bias to each head. One table in
 * the first block serves every layer of its stack, so all self-attentions of a stack have one order of heads.
 */

import type { CheckpointFacts } from "./checkpoint.ts";
import { frozen } from "./outputs.ts";
import { behind, dense, norm, optional, type TensorRows } from "./rows.ts";
import type { PermutationRow, Table, TableLayout } from "./table.ts";

const BIAS = "(encoder|decoder).block.0.layer.0.SelfAttention.relative_attention_bias.weight";

function attention(name: string, suffix: string): TensorRows {
  return {
    ...dense(`${name}.q`, `K.${suffix}{L}`, "R", "none"),
    ...dense(`${name}.k`, `K.${suffix}{L}`, "R", "none"),
    ...dense(`${name}.v`, `V.${suffix}{L}`, "R", "none"),
    ...dense(`${name}.o`, "R", `V.${suffix}{L}`, "none"),
  };
}

/** One matrix before the ReLU in v1.0, gate and up in v1.1. */
function feed(checkpoint: CheckpointFacts, layer: string, stack: string): TensorRows {
  const units = `F.${stack}{L}`;
  const gated = checkpoint.has(
    `${stack === "enc" ? "encoder" : "decoder"}.block.{L}.${layer}.DenseReluDense.wi_0.weight`,
  );
  const name = `${layer}.DenseReluDense`;
  return {
    ...(gated
      ? { ...dense(`${name}.wi_0`, units, "R", "none"), ...dense(`${name}.wi_1`, units, "R", "none") }
      : dense(`${name}.wi`, units, "R", "none")),
    ...dense(`${name}.wo`, "R", units, "none"),
    ...norm(`${layer}.layer_norm`, "R", "none"),
  };
}

function stack(checkpoint: CheckpointFacts, name: "encoder" | "decoder"): TensorRows {
  const short = name === "encoder" ? "enc" : "dec";
  const block: TensorRows = {
    ...attention("layer.0.SelfAttention", short),
    "layer.0.SelfAttention.relative_attention_bias.weight?": ["_", `H.${short}`],
    ...norm("layer.0.layer_norm", "R", "none"),
  };
  const cross =
    name === "encoder"
      ? {}
      : {
          ...attention("layer.1.EncDecAttention", "cross"),
          "layer.1.EncDecAttention.relative_attention_bias.weight?": ["_", "H.cross{L}"],
          ...norm("layer.1.layer_norm", "R", "none"),
        };
  const last = feed(checkpoint, name === "encoder" ? "layer.1" : "layer.2", short);
  return behind(`${name}.`, {
    ...behind("block.{L}.", { ...block, ...(cross as TensorRows), ...last }),
    ...norm("final_layer_norm", "R", "none"),
    "embed_tokens.weight?": ["_", "R"],
  });
}

export const t5: Table = {
  name: "t5",
  signs: ["shared.weight", BIAS, "encoder.block.0.layer.0.SelfAttention.q.weight"],
  layout(checkpoint) {
    const heads = checkpoint.size(BIAS, 1)!;
    const query = "encoder.block.{L}.layer.0.SelfAttention.q.weight";
    const inner = checkpoint.divide(checkpoint.size(query, 0)!, heads, "queries");
    const inside = (outer: string): PermutationRow => ({ role: "head-inner", in: [outer, inner] });
    const permutations: TableLayout["permutations"] = {
      R: { role: "residual" },
      ...{ "F.enc{L}": { role: "ffn" }, "F.dec{L}": { role: "ffn" } },
      ...{ "H.enc": { role: "heads" }, "H.dec": { role: "heads" }, "H.cross{L}": { role: "heads" } },
      ...{ "K.enc{L}": inside("H.enc"), "V.enc{L}": inside("H.enc") },
      ...{ "K.dec{L}": inside("H.dec"), "V.dec{L}": inside("H.dec") },
      ...{ "K.cross{L}": inside("H.cross{L}"), "V.cross{L}": inside("H.cross{L}") },
    };
    const decodes = checkpoint.has("decoder.block.0.layer.0.SelfAttention.q.weight");
    const layout: TableLayout = {
      permutations,
      tensors: {
        "shared.weight": ["_", "R"],
        ...stack(checkpoint, "encoder"),
        ...(decodes ? stack(checkpoint, "decoder") : {}),
        ...optional({ "lm_head.weight": ["_", "R"] }),
      },
      why: `${checkpoint.count(query)} layers of ${heads} heads of ${inner} in the encoder`,
    };
    return decodes ? layout : frozen(layout, "R", "residual stream, which is the output of an encoder alone");
  },
};
