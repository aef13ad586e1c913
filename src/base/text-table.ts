/** Plain text tables: first column left, numbers right. */

/** Rows of cells under a header, columns two spaces apart; a column of numbers is aligned to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
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
