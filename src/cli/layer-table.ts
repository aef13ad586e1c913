/** The layers of a Keras file as a table. */

import { visible } from "../base/visible.ts";
import type { ListedLayer } from "../formats/keras/layers-of.ts";
import { textTable } from "../report/text-table.ts";

/** One line a layer: its class, what it reads, how many tensors and weights it has. */
export function layerTable(layers: readonly ListedLayer[]): string {
  const rows = layers.map(({ name, class: kind, reads, tensors, parameters }) => [
    ...[visible(name), visible(kind), visible(reads.join(", "))],
    ...(tensors.length === 0 ? ["", ""] : [String(tensors.length), parameters.toLocaleString("en")]),
  ]);
  return textTable(["layer", "class", "reads", "tensors", "parameters"], rows);
}
