/** Plain tables for terminals. */

import type { Evaluation } from "rebasin/measure";

/** Rows of name, loss and accuracy, with a heading, as lines of text. */
export function evaluationTable(rows: readonly (readonly [name: string, evaluation: Evaluation])[]): string {
  const widest = rows.reduce((width, [name]) => Math.max(width, name.length), 0);
  const line = (name: string, loss: string, accuracy: string): string =>
    `  ${name.padEnd(widest)}  ${loss.padStart(8)}  ${accuracy.padStart(8)}`;
  return [
    line("", "loss", "accuracy"),
    ...rows.map(([name, { loss, accuracy }]) => line(name, loss.toFixed(4), accuracy.toFixed(4))),
  ].join("\n");
}
