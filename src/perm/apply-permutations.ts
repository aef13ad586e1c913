/** π(model): the same function with its hidden units renumbered. */

import type { ResolvedTensor, Spec } from "../axes/types.ts";
import { type ClosingModel, closing } from "../base/closing-model.ts";
import { type Model, readPart } from "../base/model.ts";
import { checkOptions } from "../base/options.ts";
import { withKernels } from "../kernels/idle.ts";
import type { Alignment, Permutations } from "./alignment.ts";
import { bindPermutations, invertAll } from "./bind-permutations.ts";
import { gatherTensor, sourceOf } from "./gather-tensor.ts";
import { type Pair, resolvedFor } from "./pair.ts";
import { rowPart } from "./row-part.ts";

/** Options of `applyPermutations`. */
export interface ApplyOptions {
  /** Undo instead: applying and then applying with `inverse` gives back every bit. */
  readonly inverse?: boolean | undefined;
}

/**
 * The model with its units renumbered by `alignment` (`p[i] = j`: slot i of the result is unit j of the model).
 * Names missing from it stay in place. The result is lazy: each `read` moves one tensor, into a fresh
 * copy, or hands on the model's own bytes where nothing moves. It reads from `model` until the end.
 *
 * @throws {SpecError} when the spec does not fit the model or names differ.
 * @throws {RangeError} for arrays that are no permutations.
 *
 * @example
 * const aligned = await applyPermutations(b, spec, permutations);
 * const bytes = await aligned.read("layers.0.weight");
 */
export async function applyPermutations(
  model: Model,
  spec: Spec | Pair,
  alignment: Alignment | Permutations,
  options: ApplyOptions = {},
): Promise<ClosingModel> {
  checkOptions("applyPermutations", options, { inverse: "boolean" });
  const resolved = resolvedFor(model, spec);
  const given = bindPermutations(resolved, alignment);
  const bound = options.inverse ? invertAll(given) : given;
  const tensors = new Map<string, ResolvedTensor>(resolved.tensors.map((tensor) => [tensor.name, tensor]));
  return closing({
    name: model.name,
    tensors: model.tensors,
    metadata: model.metadata,
    origin: model.origin,
    async read(name, signal, into, part) {
      const whole = tensors.get(name)!;
      const rows = part === undefined ? null : rowPart(whole, part);
      const bytes =
        rows === null
          ? await model.read(sourceOf(tensors, name, bound), signal)
          : await readPart(model, name, part!, whole.info, signal);
      const room = rows !== null || part === undefined ? into : undefined;
      return withKernels({}, (kernels) => gatherTensor(kernels, rows ?? whole, bound, bytes, room));
    },
    async close() {
      await model.close?.();
    },
  });
}
