/** The one call: two checkpoints in, one working model out. */

import { fitSpec } from "../axes/fit-spec.ts";
import { parseSpec } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import { type ClosingModel, closing } from "../base/closing-model.ts";
import type { Model } from "../base/model.ts";
import { checkNumber, checkOptions, type OptionKinds, wrongType } from "../base/options.ts";
import { type Detectable, detectSpec, type FamilyName, familySpec } from "../families/detect-spec.ts";
import { DETECT_KEYS, DETECT_OPTIONS, type DetectOptions, splitDetection } from "../families/options.ts";
import { fileOrigin } from "../formats/folder/folder-container.ts";
import { openModel } from "../formats/open-model.ts";
import type { ByteSource } from "../io/byte-source.ts";
import type { Files } from "../io/files.ts";
import { MATCH_OPTIONS, type MatchOptions, type MatchReport, matchWeights } from "../match/match-weights.ts";
import { MERGE_OPTIONS, type MergeOptions, mergeModels } from "../merge/merge-models.ts";
import type { Alignment } from "../perm/alignment.ts";
import { BRIDGE_OPTIONS, bridgeModels } from "../perm/bridge-models.ts";
import type { BridgeNote, BridgeOptions } from "../perm/bridge-types.ts";
import { pairOf } from "../perm/pair.ts";
import { namingModel } from "../perm/resolve-for.ts";

/** What can be opened as a model. */
export type ModelSource = Model | ByteSource | Files | Uint8Array | ArrayBuffer | Blob | URL;

/** Options of `rebasin`: all of `matchWeights` and `mergeModels`. */
export interface RebasinOptions
  extends MatchOptions,
    Omit<MergeOptions, "lambda">,
    DetectOptions,
    Pick<BridgeOptions, "keepA" | "dtype"> {
  /** `"auto"` detects the family; else a family's name, a spec, or a parsed spec file. Default "auto". */
  readonly spec?: SpecChoice | undefined;
  /** 0 is A, 1 is π(B). A list merges once for each, after one matching. Default 0.5. */
  readonly lambda?: number | readonly number[] | undefined;
}

/** What `rebasin` gives. */
export interface Rebasin {
  /** The merged model, lazy: it reads from both inputs when it is read. The first one where `lambda` is a list. */
  readonly model: ClosingModel;
  /** One for each λ, in order. They read from the same inputs: closing one closes those of all. */
  readonly models: readonly ClosingModel[];
  /** Bound to the models: what `permutationsModel` saves with the alignment. */
  readonly spec: Spec;
  /** What moves B. */
  readonly alignment: Alignment;
  /** Those of `alignment`, by name; `p[i] = j`: slot i of the aligned B is unit j of B. */
  readonly permutations: Map<string, Int32Array>;
  readonly report: MatchReport;
  /** What was done to make the two fit each other, where they differ a little. */
  readonly notes: readonly BridgeNote[];
}

const { keepA, dtype } = BRIDGE_OPTIONS;
const OPTIONS: OptionKinds<RebasinOptions> = {
  ...MATCH_OPTIONS,
  ...MERGE_OPTIONS,
  ...DETECT_OPTIONS,
  ...{ keepA, dtype, spec: "any", lambda: "any" },
};

/**
 * Aligns `b` to `a` and merges the two: `detectSpec`, `matchWeights` and `mergeModels` in one. Same inputs and options,
 * same bytes, in every runtime. Models that differ a little are bridged, as by `bridgeModels`; the result has A's
 * names.
 *
 * An aborted signal rejects with its reason.
 *
 * @throws {FormatError} for a malformed file.
 * @throws {SpecError} when the two do not fit each other or the spec.
 * @throws {RangeError} for options out of range, and for NaN or infinity.
 *
 * @example
 * const { model, report } = await rebasin(bytesA, bytesB, { lambda: 0.5 });
 * const file = await encodeSafetensors(model);
 */
export async function rebasin(a: ModelSource, b: ModelSource, options: RebasinOptions = {}): Promise<Rebasin> {
  checkOptions("rebasin", options, OPTIONS);
  const { spec: which = "auto", lambda = 0.5, blend, metadata, keepA, dtype, ...rest } = options;
  const [detecting, matching] = splitDetection(rest);
  const { signal, allowNonfinite, simd } = matching;
  const lambdas = checkedLambdas(lambda);
  const opened = [await asModel(a, "model A", signal), await asModel(b, "model B", signal)];
  const { models: views, notes, fit, restore } = await bridgeModels(opened, { keepA, dtype, allowNonfinite, signal });
  const [modelA, modelB] = views as [Model, Model];
  const pair = pairOf(modelA, modelB, fit(await chooseSpec(which, modelA, detecting)));
  const { alignment, permutations, report } = await matchWeights(modelA, modelB, pair, matching);
  const merging = { blend, allowNonfinite, simd, metadata: new Map([...(metadata ?? []), ...matchMetadata(report)]) };
  const models: ClosingModel[] = [];
  for (const share of lambdas)
    models.push(closing(restore(await mergeModels(modelA, modelB, pair, alignment, { ...merging, lambda: share }))));
  return { model: models[0]!, models, spec: pair.spec, alignment, permutations, report, notes };
}

function checkedLambdas(lambda: number | readonly number[]): readonly number[] {
  const lambdas = typeof lambda === "number" ? [lambda] : lambda;
  if (!Array.isArray(lambdas)) throw wrongType("lambda", lambda, "a number or a list of numbers");
  if (lambdas.length === 0) throw new RangeError("lambda [], expected at least one number");
  for (const share of lambdas) checkNumber("lambda", share, 0, 1);
  return lambdas;
}

/** How a merge was matched, for its metadata. */
export function matchMetadata({ method, seed }: Pick<MatchReport, "method" | "seed">): Map<string, string> {
  return new Map([
    ["rebasin.method", method],
    ["rebasin.seed", String(seed)],
  ]);
}

/** How a spec is asked for: `"auto"` detects the family; else a family's name, a spec, or a parsed spec file. */
export type SpecChoice = "auto" | FamilyName | Spec | object;

/**
 * The spec that `which` names, bound to the model. A spec of the reference form is returned as the full spec of its
 * tensors, to be saved or hashed. `options` are for detection and exclude a spec.
 *
 * @throws {TypeError} for options of detection beside a spec, and for unknown ones.
 * @throws {SpecError} when the model is of no known family, or not of the one that is named, or the file is malformed.
 *
 * @example
 * const spec = await chooseSpec("auto", model);
 */
export async function chooseSpec(
  which: SpecChoice,
  model: Detectable & Pick<Model, "name">,
  options: DetectOptions = {},
): Promise<Spec> {
  if (typeof which !== "string") {
    const given = DETECT_KEYS.find((option) => options[option] !== undefined);
    if (given !== undefined) throw new TypeError(`${given} is for detection, expected no spec beside it`);
    return namingModel(model, () => fitSpec(isSpec(which) ? which : parseSpec(which), model.tensors));
  }
  try {
    if (which !== "auto") return await familySpec(which, model, options);
    if (!WITH_GRAPHS.includes(fileOrigin((model as Model).origin).format)) return await detectSpec(model, options);
    // The file says what it computes.
    const { ownGraphSpec } = await import("../link/from-graph.ts");
    return await ownGraphSpec(model as Model, detectSpec(model, options));
  } catch (error) {
    return namingModel(model, () => {
      throw error;
    });
  }
}

/** Formats whose files may contain the network's graph. */
const WITH_GRAPHS: readonly (string | undefined)[] = ["onnx", "tfjs", "keras", "hdf5"];

function isSpec(value: object): value is Spec {
  return "tensors" in value && value.tensors instanceof Map;
}

async function asModel(source: ModelSource, name: string, signal: AbortSignal | undefined): Promise<Model> {
  if ("tensors" in source) return source;
  return openModel(source, { name, signal });
}
