/** Whether a data set fits a network: one message that names both, before anything runs. */

import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Graph } from "../graph/graph.ts";
import { formatShape, type ValueShape, valueShapes } from "../graph/value-shapes.ts";

/** What a check needs to know of a network. */
export interface CheckedNetwork {
  readonly name: string;
  readonly graph: Graph;
  readonly tensors: Model["tensors"];
}

/**
 * The number of classes that the network distinguishes on this data. Throws `RangeError`, naming the data set and the
 * network, when there are no images, when their size or channels do not fit, and when labels are too high. If averaging
 * squares of pixels would make images fit, the message names it. `labels: false` leaves the labels out.
 */
export function checkData(network: CheckedNetwork, data: Dataset, options: { readonly labels?: boolean } = {}): number {
  const { name, count, height, width, channels } = data;
  if (count < 1) throw new RangeError(`${name} has ${count} images, expected some`);
  const classes = classesFor(network, [height, width, channels], (error) => {
    const side = fittingSide(network, data);
    const hint = side === undefined ? "" : ` (means of squares of pixels fit: --input-size ${side})`;
    const images = formatShape([height, width, channels]);
    return new RangeError(
      `${name} has images of ${images}, which ${network.name} cannot take: ${error.message}${hint}`,
    );
  });
  if (options.labels !== false) checkLabels(network.name, data, classes);
  return classes;
}

function checkLabels(network: string, { name, count, labels, classes: known }: Dataset, classes: number): void {
  if (labels.length !== count)
    throw new RangeError(`${name} has ${labels.length} labels for ${count} images, expected one each`);
  const bad = labels.findIndex((label) => label >= classes);
  if (bad >= 0)
    throw new RangeError(
      `${name} has label ${labels[bad]} at image ${bad} (${known} classes), expected less than the ${classes} classes of ${network}`,
    );
}

function classesFor(
  { graph, tensors }: Pick<CheckedNetwork, "graph" | "tensors">,
  images: readonly [number, number, number],
  wrap: (error: RangeError) => RangeError,
): number {
  let shapes: Map<string, ValueShape>;
  try {
    shapes = valueShapes(graph, tensors, images);
  } catch (error) {
    throw error instanceof RangeError ? wrap(error) : error;
  }
  return shapes.get(graph.output)![0];
}

/** The largest side that divides the images' and fits the network; undefined when there is none. */
function fittingSide(
  network: Pick<CheckedNetwork, "graph" | "tensors">,
  { height, width, channels }: Dataset,
): number | undefined {
  if (height !== width) return undefined;
  for (let side = height - 1; side >= 1; side--) {
    if (height % side !== 0) continue;
    try {
      valueShapes(network.graph, network.tensors, [side, side, channels]);
      return side;
    } catch {}
  }
  return undefined;
}
