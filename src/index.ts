/** Entry `rebasin`: the library, for every runtime. File paths are in `rebasin/node`. */

export { formatAxis, parseAxis } from "./axes/axis.ts";
export { resolveSpec } from "./axes/resolve-spec.ts";
export {
  type AxisText,
  type ConvOptions,
  type DenseOptions,
  type Layout,
  type NormOptions,
  type SpecBuilder,
  specBuilder,
} from "./axes/spec-builder.ts";
export { formatSpec, parseSpec, specFingerprint } from "./axes/spec-file.ts";
export { type SpecNotes, specName } from "./axes/spec-name.ts";
export { log10Symmetries } from "./axes/symmetries.ts";
export type * from "./axes/types.ts";
export type { ClosingModel, DisposeKey } from "./base/closing-model.ts";
export { compareTensors, type Difference, describeDifferences } from "./base/compare-tensors.ts";
export { DTYPES, type Dtype, type DtypeInfo, type DtypeKind } from "./base/dtype.ts";
export { FormatError, SpecError } from "./base/errors.ts";
export { memoryModel, type TensorData } from "./base/memory-model.ts";
export { type BytePart, elementCount, type GraphUse, type Model, type Origin, type TensorInfo } from "./base/model.ts";
export type { Computing, Running } from "./base/options.ts";
export type { OnProgress, Progress, Stage, Work } from "./base/progress.ts";
export { tensorBytes } from "./base/tensor-bytes.ts";
export { VERSION } from "./base/version.ts";
export {
  type Detectable,
  detectSpec,
  FAMILIES,
  type Family,
  type FamilyCode,
  type FamilyName,
  familySpec,
} from "./families/detect-spec.ts";
export type { Tensors } from "./families/modules.ts";
export type { DetectOptions, Told } from "./families/options.ts";
export type { Format, FormatModule, FormatOptions, FormatWriteOptions } from "./formats/format.ts";
export { openModel } from "./formats/open-model.ts";
export type { OpenOptions } from "./formats/open-options.ts";
export {
  encodeSafetensors,
  safetensorsStream,
  type WriteOptions,
  writeSafetensors,
} from "./formats/safetensors/write-safetensors.ts";
export { type ByteSource, blobSource, bytesSource } from "./io/byte-source.ts";
export type { Files } from "./io/files.ts";
export { type ByteSink, type MemorySink, memorySink } from "./io/sink.ts";
export { type UrlSourceOptions, urlSource } from "./io/url-source.ts";
export { type InitOptions, init } from "./kernels/init.ts";
export { readFloats } from "./kernels/read-floats.ts";
export { type Choice, choosePermutations } from "./match/costs/choose-permutations.ts";
export type { LinearTerm } from "./match/costs/linear-term.ts";
export {
  type Matching,
  type MatchOptions,
  type MatchReport,
  type Method,
  matchWeights,
} from "./match/match-weights.ts";
export type { MatchCheckpoint } from "./match/resume/checkpoint.ts";
export { type MergeOptions, mergeModels } from "./merge/merge-models.ts";
export type { Blend } from "./merge/methods/blend-tensor.ts";
export { type Alignment, alignmentOf, type Permutations, type SavedAlignment } from "./perm/alignment.ts";
export { type ApplyOptions, applyPermutations } from "./perm/apply-permutations.ts";
export { bridgeModels, compareModels, specFor } from "./perm/bridge-models.ts";
export type { Bridge, BridgeNote, BridgeOptions, ModelComparison } from "./perm/bridge-types.ts";
export { type AlignedPair, type Pair, pairOf } from "./perm/pair.ts";
export {
  checkPermutation,
  composePermutations,
  countMoved,
  identityPermutation,
  invertPermutation,
} from "./perm/permutation.ts";
export {
  permutationsModel,
  readPermutations,
} from "./perm/permutation-file.ts";
export {
  chooseSpec,
  type ModelSource,
  matchMetadata,
  type Rebasin,
  type RebasinOptions,
  rebasin,
  type SpecChoice,
} from "./plan/rebasin.ts";
