/** TensorRows of tables that many families have. */

import type { TensorRow } from "./table.ts";

export type TensorRows = Record<string, TensorRow>;

/** Whether a module has a bias: always, in some models, never. */
export type Bias = "bias" | "maybe" | "none";

/** A matrix [out, in] and its bias. */
export function dense(name: string, out: string, input: string, bias: Bias = "bias"): TensorRows {
  return withBias({ [`${name}.weight`]: [out, input] }, name, out, bias);
}

/** A matrix stored [in, out], as GPT-2's `Conv1D`, and its bias. */
export function conv1d(name: string, out: string, input: string, bias: Bias = "bias"): TensorRows {
  return withBias({ [`${name}.weight`]: [input, out] }, name, out, bias);
}

/** A norm over `units` with a gain and, unless it is an RMSNorm, a shift. */
export function norm(name: string, units: string, bias: Bias = "bias"): TensorRows {
  return withBias({ [`${name}.weight`]: [units] }, name, units, bias);
}

function withBias(rows: TensorRows, name: string, out: string, bias: Bias): TensorRows {
  if (bias !== "none") rows[`${name}.bias${bias === "maybe" ? "?" : ""}`] = [out];
  return rows;
}

/** The same rows, each of which models may lack. */
export function optional(rows: TensorRows): TensorRows {
  return Object.fromEntries(Object.entries(rows).map(([text, row]) => [text.endsWith("?") ? text : `${text}?`, row]));
}

/** The rows behind a beginning of all their names. */
export function behind(prefix: string, rows: TensorRows): TensorRows {
  return Object.fromEntries(Object.entries(rows).map(([text, row]) => [`${prefix}${text}`, row]));
}

/** `12 layers of 12 heads of 64, 3072 units`. */
export function describeLayers(layers: number, heads: number, headDim: number, kvHeads: number = heads): string {
  const groups = kvHeads === heads ? "" : ` in ${kvHeads} ${kvHeads === 1 ? "group" : "groups"}`;
  return `${layers} ${layers === 1 ? "layer" : "layers"} of ${heads} ${heads === 1 ? "head" : "heads"}${groups} of ${headDim}`;
}

/** A convolution over pixels [out, in, h, w], and its bias. */
export function conv2d(name: string, out: string, input: string, bias: Bias = "none"): TensorRows {
  return withBias({ [`${name}.weight`]: [out, input, "_", "_"] }, name, out, bias);
}

/** A BatchNorm with its statistics. */
export function batchNorm(name: string, units: string): TensorRows {
  return {
    ...norm(name, units),
    [`${name}.running_mean`]: [units],
    [`${name}.running_var`]: [units],
    [`${name}.num_batches_tracked?`]: "fixed",
  };
}
