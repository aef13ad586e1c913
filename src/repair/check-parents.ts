/**
 * Whether models know what they are shown: a repair by images that its parents cannot read would write a ruined
 * network.
 */

import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import { evaluateModel } from "../run/models/evaluate-model.ts";

/** How a model does on labelled images, against guessing. */
export interface Guessing {
  readonly model: string;
  readonly accuracy: number;
  /** What the best constant answer gets. */
  readonly chance: number;
}

/**
 * The first of `models` that does no better on the images than the most frequent label would, by two standard errors;
 * undefined where all do better. Throws as `evaluateModel` does.
 */
export async function findGuessing(
  models: readonly Model[],
  data: Dataset,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Guessing | undefined> {
  const chance = chanceOf(data);
  const most = chance + 2 * Math.sqrt((chance * (1 - chance)) / data.count);
  for (const model of models) {
    const { accuracy } = await evaluateModel(model, data, options);
    if (accuracy <= Math.min(most, (1 + chance) / 2)) return { model: model.name, accuracy, chance };
  }
  return undefined;
}

/** The share of the most frequent label, which is at least one over the number of classes. */
function chanceOf({ labels, count, classes }: Dataset): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(1 / classes, ...[...counts.values()].map((each) => each / count));
}
