/** Checks of commands that score models on labels, for models and images that do not fit together. */

import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import { valueShapes } from "../graph/value-shapes.ts";
import { graphOf } from "../run/models/model-graph.ts";

/** Nearer to guessing than this, as a share of the way to all answers right, a network hardly knows the images. */
const NEAR = 1 / 3;

/**
 * Throws `RangeError` where a model has more outputs than the images have classes: an autoencoder, or a network of
 * other data. Before any long work; other misfits show when the model runs.
 */
export async function checkLabelsFit(models: readonly Model[], splits: Iterable<Dataset>): Promise<void> {
  for (const model of models) {
    const graph = await graphOf(model);
    for (const { name, classes, height, width, channels } of splits) {
      const outputs = outputsOf(
        () => valueShapes(graph, model.tensors, [height, width, channels]).get(graph.output)![0],
      );
      if (outputs === undefined || outputs <= classes) continue;
      throw new RangeError(
        `${model.name} has ${outputs} outputs and ${name} labels of ${classes} classes, expected as many (--classes ${outputs} where the images show not all of them)`,
      );
    }
  }
}

/** Undefined where the images do not fit. */
function outputsOf(find: () => number): number | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** How a model did. */
export interface Scored {
  /** "A" */
  readonly name: string;
  readonly accuracy: number;
}

/** One line for each model that does hardly better than guessing. */
export function chanceHints(scored: readonly Scored[], data: Dataset, split: string): string[] {
  const chance = chanceOf(data);
  return scored
    .filter(({ accuracy }) => accuracy < chance + NEAR * (1 - chance))
    .map(
      ({ name, accuracy }) =>
        `${name} gets ${percent(accuracy)} of the ${split} images right, and guessing ${percent(chance)}: other image size or normalisation? (--input-size, --scale, --mean, --std)`,
    );
}

/** The share of the most frequent label, which is what the best constant answer gets. */
function chanceOf({ labels, count, classes }: Dataset): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(1 / classes, ...[...counts.values()].map((each) => each / count));
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** As lines of the text output. */
export const hintLines = (hints: readonly string[]): string[] => hints.map((hint) => `hint       ${hint}`);
