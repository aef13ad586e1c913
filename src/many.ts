/** Entry `rebasin/many`: several models into one, from their tensors alone. */

export {
  type Many,
  type ManyOptions,
  type ManyReport,
  type ManyStrategy,
  mergeMany,
} from "./many/merge-many.ts";
export type { TreePair, TreeStage } from "./many/tree.ts";
