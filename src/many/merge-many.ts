/** Many models into one: aligned to each other, then blended. */

import { specFingerprint } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { checkOptions, type OptionKinds } from "../base/options.ts";
import { type BlendModelsOptions, howBlended, lazyBlend, planBlend } from "../merge/blend-models.ts";
import { permutationsFingerprint } from "../perm/permutation-file.ts";
import {
  ALIGN_MANY_OPTIONS,
  type AlignedMany,
  type AlignManyOptions,
  alignMany,
  type ManyReport,
} from "./align-many.ts";

/** Options of `mergeMany`: those of `alignMany`, and how the aligned models are blended. */
export interface ManyOptions extends AlignManyOptions, Pick<BlendModelsOptions, "blend" | "settings"> {
  /** Further entries of the merged model's metadata; `rebasin.*` keys are the library's own. */
  readonly metadata?: ReadonlyMap<string, string> | undefined;
}

/** What `mergeMany` gives. */
export interface Many extends Pick<AlignedMany, "alignments" | "permutations"> {
  /** The blend of the aligned models, lazy: it reads from all of them when it is read, and closes them when closed. */
  readonly model: Model;
  readonly report: ManyReport;
}

const OPTIONS: OptionKinds<ManyOptions> = {
  ...ALIGN_MANY_OPTIONS,
  ...{ blend: "string", settings: "any", metadata: "object" },
};

/**
 * Aligns two or more models to each other and blends them, by default to their mean: `alignMany` and `blendModels` in
 * one. Same models, spec and options, same bytes, in every runtime and with any number of threads.
 *
 * @throws {RangeError} for fewer than two models, options out of range, and NaN or infinity.
 * @throws {SpecError} when models differ in names, shapes or dtypes, or the spec does not fit.
 *
 * @example
 * const { model, report } = await mergeMany([a, b, c], await detectSpec(a), { strategy: "cycle-consistent" });
 * await writeSafetensors(model, sink);
 */
export async function mergeMany(models: readonly Model[], spec: Spec, options: ManyOptions = {}): Promise<Many> {
  checkOptions("mergeMany", options, OPTIONS);
  const { blend, settings, metadata, ...aligning } = options;
  const blending = { blend, settings, metadata, simd: options.simd };
  // Before the matching, which is what takes long.
  if (models.length > 1) planBlend(models, blending);
  const aligned = await alignMany(models, spec, aligning);
  const { alignments, permutations, report } = aligned;
  const plans = planBlend(aligned.models, blending);
  // What is said of a mean is what version 0.1 said of it.
  const blended = blend === undefined && settings === undefined ? {} : howBlended(plans, blending);
  const model = lazyBlend(aligned.models, blending, plans, { ...(await howAligned(aligned)), ...blended });
  return { model, alignments, permutations, report };
}

/** What the merged file records of the alignment. */
async function howAligned({ spec, permutations, report }: AlignedMany): Promise<Record<string, string>> {
  // Prefixed by the model's number, no two of these names are the same.
  const all = new Map(permutations.flatMap((own, i) => [...own].map(([name, p]) => [`${i}/${name}`, p] as const)));
  return {
    "rebasin.strategy": report.strategy,
    "rebasin.method": report.method,
    "rebasin.seed": String(report.seed),
    "rebasin.models": String(report.models),
    "rebasin.reference": String(report.reference),
    "rebasin.fingerprint": await specFingerprint(spec),
    "rebasin.permutations": await permutationsFingerprint(all),
  };
}
