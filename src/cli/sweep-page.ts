/** `rebasin sweep --html`. Loaded only when asked for: Plot comes with it. */

import { barChart } from "../report/bar-chart.ts";
import { reportPage } from "../report/report-page.ts";

/** One combination, measured. */
export interface SweepRow {
  readonly values: Readonly<Record<string, string | number | boolean>>;
  readonly loss: number;
  readonly accuracy: number;
}

/** What a page shows in addition to its rows. */
export interface SweepFacts {
  readonly title: string;
  readonly data: string;
  readonly images: number;
}

/** The table and charts of loss and accuracy. */
export async function sweepPage(rows: readonly SweepRow[], best: number, facts: SweepFacts): Promise<string> {
  const nameOf = ({ values }: SweepRow): string =>
    Object.entries(values)
      .map(([key, value]) => `${key.split(".").at(-1)} ${value}`)
      .join(", ");
  const chartOf = (title: string, value: (row: SweepRow) => number): Promise<string> =>
    barChart({ series: [title], rows: rows.map((row) => ({ name: nameOf(row), values: [value(row)] })) }, { title });
  const keys = Object.keys(rows[0]!.values);
  const one = rows[best]!;
  const table = {
    header: [...keys, "loss", "accuracy", "lowest loss"],
    rows: rows.map(({ values, loss, accuracy }, i) => [
      ...keys.map((key) => String(values[key])),
      ...[loss.toFixed(4), accuracy.toFixed(4), i === best ? "yes" : ""],
    ]),
  };
  const figures = [
    { name: "lowest loss", value: one.loss.toFixed(4) },
    { name: "its accuracy", value: one.accuracy.toFixed(4) },
    ...keys.map((key) => ({ name: key, value: String(one.values[key]) })),
  ];
  const charts = [await chartOf("Loss", ({ loss }) => loss), await chartOf("Accuracy", ({ accuracy }) => accuracy)];
  const text = [`${facts.images.toLocaleString("en")} images of ${facts.data}; one alignment for all merges.`];
  return reportPage(facts.title, [{ heading: "Merges", text, figures, charts, tables: [table] }]);
}
