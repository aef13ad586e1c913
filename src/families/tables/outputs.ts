/** What a network's outputs are: axes of outputs never move. */

import type { CheckpointFacts } from "./checkpoint.ts";
import type { TableLayout, TensorRow } from "./table.ts";

/**
 * True where the network ends by its configuration in its residual stream: `BertModel`, not `GPT2LMHeadModel`.
 */
export function isBare(checkpoint: CheckpointFacts): boolean {
  const architectures = checkpoint.config("architectures");
  const [first] = Array.isArray(architectures) ? architectures : [];
  return typeof first === "string" && /(?<!Head|Heads)Model$/.test(first);
}

/**
 * The layout of a decoder whose output matrix is one of `heads`, or the embeddings again; bare, its residual stream
 * stays.
 */
export function withOutput(layout: TableLayout, checkpoint: CheckpointFacts, heads: readonly string[]): TableLayout {
  if (heads.some((head) => checkpoint.has(head))) return layout;
  if (isBare(checkpoint)) return frozen(layout, "R", "residual stream, which is the output of a model without a head");
  if (checkpoint.config("architectures") !== undefined || checkpoint.config("tie_word_embeddings") === true)
    return layout;
  const assumption = "the word embeddings are the output matrix, too: the file has no other (a tied head)";
  return { ...layout, assumptions: [...(layout.assumptions ?? []), assumption] };
}

/** The layout with permutation `name`, which acts on whole axes, left in place. */
export function frozen(layout: TableLayout, name: string, why: string): TableLayout {
  const still = (axes: readonly string[]): string[] => axes.map((axis) => (axis === name ? "_" : axis));
  const stillRow = (row: TensorRow): TensorRow =>
    row === "fixed" ? row : "axes" in row ? { ...row, axes: still(row.axes) } : still(row);
  const tensors = Object.fromEntries(Object.entries(layout.tensors).map(([text, row]) => [text, stillRow(row)]));
  return { ...layout, tensors, frozen: [...(layout.frozen ?? []), why] };
}
