/** Whether a data set fits a network: one message that names both, before anything runs. */

import type { Model } from "../base/model.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Graph } from "../graph/graph.ts";
import { formatShape, valueShapes } from "../graph/value-shapes.ts";
import type { Network } from "./executor.ts";

/** What a check needs to know of a network. */
export interface CheckedNetwork {
  readonly name: string;
  readonly graph: Graph;
  readonly tensors: Model["tensors"];
  /** Asked for shapes, where the graph does not show them. */
  readonly network?: Pick<Network, "shapes"> | undefined;
}

/**
 * Shapes of values without the batch, for images `[height, width, channels]`. Rejects with `RangeError` where images do
 * not fit.
 */
export async function shapesFor(
  { graph, tensors, network }: Pick<CheckedNetwork, "graph" | "tensors" | "network">,
  images: readonly [number, number, number],
  values: ReadonlySet<string>,
): Promise<ReadonlyMap<string, readonly number[]>> {
  return (await network?.shapes?.(images, values)) ?? valueShapes(graph, tensors, images);
}

/**
 * The number of classes that the network distinguishes on this data. Rejects with `RangeError`, naming the data set
 * and the network, when there are no images, when their size or channels do not fit, and when labels are too high. If
 * averaging squares of pixels would make images fit, the message names it. `labels: false` leaves the labels out.
 */
export async function checkData(
  network: CheckedNetwork,
  data: Dataset,
  options: { readonly labels?: boolean } = {},
): Promise<number> {
  const { name, count, height, width, channels } = data;
  if (count < 1) throw new RangeError(`${name} has ${count} images, expected some`);
  const classes = await classesFor(network, [height, width, channels], async (error) => {
    const side = await fittingSide(network, data);
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

async function classesFor(
  network: CheckedNetwork,
  images: readonly [number, number, number],
  wrap: (error: RangeError) => Promise<RangeError>,
): Promise<number> {
  let shapes: ReadonlyMap<string, readonly number[]>;
  const { output } = network.graph;
  try {
    shapes = await shapesFor(network, images, new Set([output]));
  } catch (error) {
    throw error instanceof RangeError ? await wrap(error) : error;
  }
  const [classes, ...others] = shapes.get(output)!;
  if (classes !== undefined && others.length === 0) return classes;
  throw new RangeError(
    `${network.name} gives ${[classes, ...others].join("×")} values an image at ${output}, expected one vector of logits`,
  );
}

/** The largest side that divides the images' and fits the network; undefined when there is none. */
async function fittingSide(network: CheckedNetwork, { height, width, channels }: Dataset): Promise<number | undefined> {
  if (height !== width) return undefined;
  for (let side = height - 1; side >= 1; side--) {
    if (height % side !== 0) continue;
    try {
      await shapesFor(network, [side, side, channels], new Set([network.graph.output]));
      return side;
    } catch {}
  }
  return undefined;
}
