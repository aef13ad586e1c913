/** Entry `rebasin/many`: several models into one, from their tensors alone. */

export {
  type AlignedMany,
  type AlignManyOptions,
  alignMany,
  type ManyReport,
  type ManyStrategy,
} from "./many/align-many.ts";
export { type Many, type ManyOptions, mergeMany } from "./many/merge-many.ts";
export type { TreePair, TreeStage } from "./many/tree.ts";
export {
  type BlendModelsOptions,
  blendModels,
  planBlend,
  type TensorPlan,
  type TensorSettings,
} from "./merge/blend-models.ts";
export type { Along, BlendRule, BlendSettings, Rescale, SettledBlend } from "./merge/blends/blend.ts";
export { BLENDS, type BlendName } from "./merge/blends/blends.ts";
export { settleBlend } from "./merge/blends/settle.ts";
export type { TaskVector } from "./merge/parts.ts";
