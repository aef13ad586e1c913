/**
 * Tensors that no permutation touches and that one of two files may lack: counters, masks, schedules, scalars,
 * second names.
 */

import { DTYPES } from "../base/dtype.ts";
import { elementCount, type Model, type TensorInfo } from "../base/model.ts";
import { tensorName } from "../base/tensor-names.ts";

/** Names of buffers of floats, by their last word: of attention, of positions, of diffusion's schedules. */
const BUFFERS =
  /^(inv_freq|(cos|sin)(_cached)?|freqs(_cis|_cos|_sin)?|position_(ids|index|bias_index)|relative_position_index|relative_coords_table|\w*mask(ed_bias)?|masked_bias|betas|alphas(_bar|_cumprod(_prev)?)?|sqrt_\w+|log_one_minus_\w+|posterior_\w+|sigmas|log_sigmas|timesteps|schedule|num_batches_tracked|n_averaged)$/;

/** True for a counter or buffer by its name and, where it is known, by what it is. */
export function isSpare(name: string, info?: TensorInfo): boolean {
  const { leaf, role } = tensorName(name);
  if (role === "counter") return true;
  // A module's buffers have names of one word: PyTorch's `beta`, a norm's bias, is none.
  if (role === undefined && BUFFERS.test(leaf)) return true;
  if (info === undefined) return false;
  const { kind } = DTYPES[info.dtype];
  const isWhole = kind === "integer" || kind === "bool";
  // GPT-2 keeps its causal mask as `attn.bias` [1, 1, n, n].
  if (role === "bias" && info.shape.length === 4 && info.shape[0] === 1 && info.shape[1] === 1) return true;
  if (role !== undefined) return false;
  return isWhole || (kind === "float" && elementCount(info.shape) <= 1);
}

/** The tensor of `model` that is `name` under another name: of the same dtype, shape and bytes. */
export async function tiedTo(model: Model, name: string, signal?: AbortSignal): Promise<string | undefined> {
  const info = model.tensors.get(name)!;
  const likes = [...model.tensors].filter(
    ([other, { dtype, shape }]) => other !== name && dtype === info.dtype && shape.join() === info.shape.join(),
  );
  if (likes.length === 0 || elementCount(info.shape) < 2) return undefined;
  const bytes = Uint8Array.from(await model.read(name, signal));
  if (bytes.every((byte) => byte === bytes[0])) return undefined;
  for (const [other] of likes) if (equalBytes(bytes, await model.read(other, signal))) return other;
  return undefined;
}

/** True where both hold the same bytes. */
export function equalBytes(x: Uint8Array, y: Uint8Array): boolean {
  return x.length === y.length && x.every((byte, at) => byte === y[at]);
}
