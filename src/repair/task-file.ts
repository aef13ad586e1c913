/** How side files of tasks are recognised. Needs nothing that runs networks. */

import type { Model } from "../base/model.ts";

/** Value of `rebasin.kind` in the metadata of a side file. */
export const TASK_AFFINE = "task-affine";

/** True for a side file that `taskAffine` has made, going by its metadata. */
export function isTaskAffine({ metadata }: Pick<Model, "metadata">): boolean {
  return metadata.get("rebasin.kind") === TASK_AFFINE;
}
