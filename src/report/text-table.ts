/** Plain text tables: first column left, numbers right. */

import { visible } from "../base/visible.ts";

/**
 * Rows of cells under a header, columns two spaces apart; a column of numbers is aligned to the right. Names in cells
 * are made visible: a row is a line.
 */
export function textTable(titles: readonly string[], cells: readonly (readonly string[])[]): string {
  const header = titles.map(visible);
  const rows = cells.map((row) => row.map(visible));
  const widths = header.map((title, column) =>
    rows.reduce((widest, row) => Math.max(widest, row[column]!.length), title.length),
  );
  const numeric = header.map((_, column) => rows.length > 0 && rows.every((row) => /^[-+\d.,e]*$/.test(row[column]!)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
      .join("  ")
      .trimEnd();
  return [header, ...rows].map(line).join("\n");
}
