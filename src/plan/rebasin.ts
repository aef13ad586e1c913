/** The one call: two checkpoints in, one working model out. */

import { fitSpec } from "../axes/fit-spec.ts";
import { parseSpec } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import { checkOptions } from "../base/options.ts";
import type { OnProgress } from "../base/progress.ts";
import { detectSpec, type FamilyName, familySpec } from "../families/detect-spec.ts";
import { openModel } from "../formats/open-model.ts";
import type { Files } from "../io/files.ts";
import type { ByteSource } from "../io/source.ts";
import { type MatchOptions, type MatchReport, type Method, matchWeights } from "../match/match-weights.ts";
import { mergeModels } from "../merge/merge-models.ts";
import type { Blend } from "../merge/methods/blend-tensor.ts";
import type { Alignment } from "../perm/alignment.ts";
import { pairOf } from "../perm/pair.ts";
import { namingModel } from "../perm/resolve-for.ts";

/** What can be opened as a model. */
export type ModelSource = Model | ByteSource | Files | Uint8Array | ArrayBuffer | Blob | URL;

/** Options of `rebasin`. */
export interface RebasinOptions {
  /** `"auto"` detects the family; else a family's name, a spec, or a parsed spec file. Default "auto". */
  readonly spec?: SpecChoice | undefined;
  /** Default "frank-wolfe". */
  readonly method?: Method;
  /** 0 is A, 1 is π(B). Default 0.5. */
  readonly lambda?: number;
  /** Default "lerp". */
  readonly blend?: Blend;
  readonly seed?: number;
  readonly threads?: number | "auto";
  readonly allowNonfinite?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** `false` forces the scalar build of the kernels. Same bits, slower. */
  readonly simd?: boolean;
  /** `true`: relaxed SIMD where the engine has it, for matching. Faster; gives up that every engine finds the same. */
  readonly relaxed?: boolean;
}

/** What `rebasin` gives. */
export interface Rebasin {
  /** The merged model, lazy: it reads from both inputs when it is read. */
  readonly model: Model;
  /** Bound to the models: what `permutationsModel` saves with the alignment. */
  readonly spec: Spec;
  /** What moves B. */
  readonly alignment: Alignment;
  /** Those of `alignment`, by name; `p[i] = j`: slot i of the aligned B is unit j of B. */
  readonly permutations: Map<string, Int32Array>;
  readonly report: MatchReport;
}

const OPTIONS = [
  "spec",
  "method",
  "lambda",
  "blend",
  "seed",
  "threads",
  "allowNonfinite",
  "signal",
  "onProgress",
  "simd",
  "relaxed",
];

/**
 * Aligns `b` to `a` and merges the two: `detectSpec`, `matchWeights` and `mergeModels` in one. Same inputs and options,
 * same bytes, in every runtime.
 *
 * Throws `FormatError` for a malformed file, `SpecError` when the two do not fit each other or the spec, `RangeError` for
 * options out of range and for NaN or infinity, and the signal's reason when aborted.
 *
 * @example
 * const { model, report } = await rebasin(bytesA, bytesB, { lambda: 0.5 });
 * const file = await encodeSafetensors(model);
 */
export async function rebasin(a: ModelSource, b: ModelSource, options: RebasinOptions = {}): Promise<Rebasin> {
  checkOptions("rebasin", options, OPTIONS);
  const { spec: which = "auto", lambda = 0.5, blend = "lerp", ...rest } = options;
  if (!(lambda >= 0 && lambda <= 1)) throw new RangeError(`lambda ${lambda}, expected a number from 0 to 1`);
  const modelA = await asModel(a, "model A", options.signal);
  const modelB = await asModel(b, "model B", options.signal);
  const spec = await chooseSpec(which, modelA);
  const pair = pairOf(modelA, modelB, spec);
  const { alignment, permutations, report } = await matchWeights(modelA, modelB, pair, rest satisfies MatchOptions);
  const model = await mergeModels(modelA, modelB, pair, alignment, {
    lambda,
    blend,
    metadata: matchMetadata(report, options.seed ?? 0),
    ...(options.allowNonfinite === undefined ? {} : { allowNonfinite: options.allowNonfinite }),
    ...(options.simd === undefined ? {} : { simd: options.simd }),
  });
  return { model, spec: pair.spec, alignment, permutations, report };
}

/** How a merge was matched, for its metadata; the seed only where it had a say. */
export function matchMetadata({ method }: MatchReport, seed: number): Map<string, string> {
  return new Map([
    ["rebasin.method", method],
    ["rebasin.seed", String(seed)],
  ]);
}

/** How a spec is asked for: `"auto"` detects the family; else a family's name, a spec, or a parsed spec file. */
export type SpecChoice = "auto" | FamilyName | Spec | object;

/**
 * The spec that `which` stands for, bound to the model: a spec of the reference form comes back as the full spec of its
 * tensors, so that it can be saved or hashed.
 *
 * @throws {SpecError} when the model is of no known family, or not of the one that is named, or the file is malformed.
 *
 * @example
 * const spec = await chooseSpec("auto", model);
 */
export async function chooseSpec(which: SpecChoice, model: Pick<Model, "name" | "tensors">): Promise<Spec> {
  if (typeof which !== "string")
    return namingModel(model, () => fitSpec(isSpec(which) ? which : parseSpec(which), model.tensors));
  try {
    return await (which === "auto" ? detectSpec(model) : familySpec(which, model));
  } catch (error) {
    return namingModel(model, () => {
      throw error;
    });
  }
}

function isSpec(value: object): value is Spec {
  return "tensors" in value && value.tensors instanceof Map;
}

async function asModel(source: ModelSource, name: string, signal: AbortSignal | undefined): Promise<Model> {
  if ("tensors" in source) return source;
  return openModel(source, { name, ...(signal === undefined ? {} : { signal }) });
}
