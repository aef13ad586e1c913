/** Entry `rebasin`: the library, for every runtime. File paths are in `rebasin/node`. */

export { DTYPES, type Dtype, type DtypeInfo, type DtypeKind } from "./dtype.ts";
export { FormatError, SpecError } from "./errors.ts";
export { memoryModel, type TensorData } from "./io/memory-model.ts";
export { type OpenOptions, openModel } from "./io/open-model.ts";
export { encodeSafetensors, type WriteOptions, writeSafetensors } from "./io/safetensors-write.ts";
export { type ByteSink, type MemorySink, memorySink } from "./io/sink.ts";
export { type ByteSource, blobSource, bytesSource, type UrlSourceOptions, urlSource } from "./io/source.ts";
export { type InitOptions, init } from "./kernels/init.ts";
export {
  type Matching,
  type MatchOptions,
  type MatchReport,
  type Method,
  matchWeights,
} from "./match/match-weights.ts";
export type { Blend } from "./merge/blend-tensor.ts";
export { type MergeOptions, mergeModels } from "./merge/merge-models.ts";
export { type ApplyOptions, applyPermutations } from "./perm/apply.ts";
export { permutationsModel, readPermutations } from "./perm/file.ts";
export {
  composePermutations,
  countMoved,
  identityPermutation,
  invertPermutation,
} from "./perm/permutation.ts";
export type { OnProgress, Progress, Stage } from "./progress.ts";
export { type ModelSource, type Rebasin, type RebasinOptions, rebasin } from "./rebasin.ts";
export { formatAxis, parseAxis } from "./spec/axis.ts";
export {
  type AxisText,
  type ConvOptions,
  type DenseOptions,
  type Layout,
  type NormOptions,
  type SpecBuilder,
  specBuilder,
} from "./spec/builder.ts";
export { compareTensors, type Difference } from "./spec/compare.ts";
export { detectSpec, familySpec } from "./spec/families/families.ts";
export type { Tensors } from "./spec/families/modules.ts";
export { fitSpec, resolveSpec } from "./spec/resolve.ts";
export { formatSpec, parseSpec, specFingerprint } from "./spec/spec-file.ts";
export { log10Symmetries } from "./spec/symmetries.ts";
export type * from "./spec/types.ts";
export type { Model, TensorInfo } from "./tensor.ts";
