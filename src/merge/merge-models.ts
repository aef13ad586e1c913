/** Merging: (1−λ)·A + λ·π(B), tensor by tensor. */

import { specFingerprint } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import { type ClosingModel, closing } from "../base/closing-model.ts";
import type { Model } from "../base/model.ts";
import { type Computing, checkNumber, checkOptions, type OptionKinds } from "../base/options.ts";
import { withKernels } from "../kernels/idle.ts";
import type { Alignment, Permutations } from "../perm/alignment.ts";
import { bindPermutations } from "../perm/bind-permutations.ts";
import { type Pair, pairOf } from "../perm/pair.ts";
import { permutationsFingerprint } from "../perm/permutation-file.ts";
import { mergeMetadata } from "./metadata.ts";
import { type Blend, blendTensor, PAIR_BLENDS, type PairSettings } from "./methods/blend-tensor.ts";
import { loadArc } from "./methods/load-arc.ts";
import { readPair } from "./read-pair.ts";

/** Options of `mergeModels`. */
export interface MergeOptions extends Pick<Computing, "simd" | "allowNonfinite"> {
  /** 0 is A, 1 is π(B). Default 0.5. */
  readonly lambda?: number | undefined;
  /** `"lerp"` (the paper's) or `"slerp"` along the arc between whole tensors. Default "lerp". */
  readonly blend?: Blend | undefined;
  /** Further entries of the merged model's metadata; `rebasin.*` keys are the library's own. */
  readonly metadata?: ReadonlyMap<string, string> | undefined;
}

/** The kinds of its options. */
export const MERGE_OPTIONS: OptionKinds<MergeOptions> = {
  lambda: "number",
  blend: "string",
  metadata: "object",
  simd: "boolean",
  allowNonfinite: "boolean",
};

/**
 * The merge of A and the aligned B, a lazy model: each `read` moves and blends one tensor. Of a tensor whose rows stay
 * in place it takes only the rows that are asked for, unless it is a slerp. It reads from `a` and `b` until the end,
 * and closes them when it is closed.
 *
 * Floats are blended in f32 (F64 in f64) and rounded to the file's dtype, ties to even; λ = 0 and λ = 1 copy bytes.
 * Integer and bool tensors come from A (λ = 1: from B). An empty map merges without aligning.
 *
 * Reads of the merge check values and dtypes.
 *
 * @throws {SpecError} when the models differ or the spec does not fit.
 * @throws {RangeError} for λ outside [0, 1]; a read, for a tensor with NaN or infinity.
 * @throws {TypeError} in a read, for a dtype that cannot be blended (F4, F6, F8_E8M0, FNUZ).
 *
 * @example
 * const merged = await mergeModels(a, b, spec, permutations, { lambda: 0.5 });
 * await writeSafetensors(merged, sink);
 */
export async function mergeModels(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  alignment: Alignment | Permutations,
  options: MergeOptions = {},
): Promise<ClosingModel> {
  const settings = await settle(options);
  const { resolved } = pairOf(a, b, spec);
  const bound = bindPermutations(resolved, alignment);
  const tensors = new Map(resolved.tensors.map((tensor) => [tensor.name, tensor]));
  const metadata = mergeMetadata(a.metadata, options.metadata, {
    "rebasin.blend": settings.blend,
    "rebasin.lambda": String(settings.lambda),
    "rebasin.fingerprint": await specFingerprint(resolved.spec),
    "rebasin.permutations": await permutationsFingerprint(alignment),
  });
  return closing({
    name: `merge of ${a.name} and ${b.name}`,
    tensors: a.tensors,
    metadata,
    origin: a.origin,
    async read(name, signal, into, part) {
      const pair = await readPair({ a, b, tensors, permutations: bound }, name, settings.blend, part, signal);
      // Room for a part is too little for a whole tensor.
      const room = part && pair.first === undefined ? undefined : into;
      return withKernels({ simd: options.simd }, (kernels) => blendTensor(kernels, pair, settings, room));
    },
    async close() {
      await a.close?.();
      await b.close?.();
    },
  });
}

async function settle(options: MergeOptions): Promise<PairSettings & { readonly blend: Blend }> {
  checkOptions("mergeModels", options, MERGE_OPTIONS);
  const { lambda = 0.5, blend = "lerp", allowNonfinite = false } = options;
  checkNumber("lambda", lambda, 0, 1);
  if (!PAIR_BLENDS.includes(blend)) throw new RangeError(`blend "${blend}", expected "lerp" or "slerp"`);
  return { lambda, blend, allowNonfinite, arc: await loadArc(blend) };
}
