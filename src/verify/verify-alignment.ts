/** An alignment proved by running what it renumbers. */

import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { Alignment, Permutations } from "../perm/alignment.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { Pair } from "../perm/pair.ts";
import { checkOutputs, checkRepeats, largestDeviation } from "./outputs.ts";
import type { SpecRunner } from "./verify-spec.ts";

/**
 * Runs a model as it is and with its units renumbered by an alignment. Resolves to the largest change of an output,
 * relative to the largest number of that output.
 *
 * @throws {SpecError} when that is more than `tolerance`: then the spec of the alignment is wrong.
 * @throws {RangeError} for outputs that are no numbers, or differ between two runs.
 *
 * @example
 * await requireSameFunction(b, spec, permutations, await onnxRunner(b), 1e-4);
 */
export async function requireSameFunction(
  model: Model,
  spec: Spec | Pair,
  alignment: Alignment | Permutations,
  runner: SpecRunner,
  tolerance: number,
  signal?: AbortSignal,
): Promise<number> {
  const original = await runner.run(model, signal);
  checkOutputs(model.name, original);
  const renumbered = await applyPermutations(model, spec, alignment);
  const deviation = largestDeviation(original, await runner.run(renumbered, signal));
  if (deviation <= tolerance) return deviation;
  checkRepeats(model.name, original, await runner.run(model, signal), tolerance);
  throw new SpecError(
    `${model.name} computes something else when its units are renumbered: outputs change by ${deviation.toExponential(1)}, expected at most ${tolerance}; rebasin verify finds the tensor`,
  );
}
