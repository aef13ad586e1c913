/** Entry `rebasin/many`: several models into one, from their tensors alone. */

export type { Rng } from "./base/rng.ts";
export { adapterTask, isAdapter } from "./many/adapters/adapter.ts";
export {
  type AlignedMany,
  type AlignManyOptions,
  alignMany,
  type ManyReport,
  type ManyStrategy,
} from "./many/align-many.ts";
export {
  type AlignedTasks,
  type AlignTasksOptions,
  alignTasks,
  meansWithoutVote,
  type TaskAlign,
  type TaskSettings,
  type TunedModel,
} from "./many/align-tasks.ts";
export { type Many, type ManyOptions, mergeMany } from "./many/merge-many.ts";
export type { TreePair, TreeStage } from "./many/tree.ts";
export {
  type BlendModelsOptions,
  blendModels,
  planBlend,
  type TensorPlan,
  type TensorSettings,
} from "./merge/blend-models.ts";
export type {
  Along,
  BlendInput,
  BlendRule,
  BlendSettings,
  ListSetting,
  Rescale,
  SettledBlend,
  TensorBlend,
} from "./merge/blends/blend.ts";
export { BLENDS, type BlendName } from "./merge/blends/blends.ts";
export { settleBlend } from "./merge/blends/settle.ts";
export { moveTask, type TaskVector, taskVector } from "./merge/task-vector.ts";
