/** Entry `rebasin/many`: several models into one, from their tensors alone. */

export {
  type Many,
  type ManyOptions,
  type ManyReport,
  type ManyStrategy,
  mergeMany,
} from "./recipes/many/merge-models.ts";
export type { TreePair, TreeStage } from "./recipes/many/tree.ts";
