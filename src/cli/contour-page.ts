/** `rebasin contour --html` and `--svg`. Loaded only when asked for: Plot comes with it. */

import type { Contour } from "../measure/contour.ts";
import { contourChart } from "../report/contour-chart.ts";
import { reportPage } from "../report/report-page.ts";
import { type PageFrame, settingsSection } from "./curve-page.ts";
import { type Foundations, foundationsSection } from "./foundations.ts";

const ends = (values: readonly number[]): [number, number] => [values[0]!, values.at(-1)!];

function chartOf(found: Contour, of: "loss" | "accuracy", title: string, subtitle?: string): Promise<string> {
  const { x, y, points } = found;
  const plane = { columns: x.length, rows: y.length, values: found[of], x: ends(x), y: ends(y) };
  const named = [
    { name: "A", ...points.a },
    { name: "B", ...points.b },
    { name: "π(B)", ...points.aligned },
  ];
  return contourChart(plane, named, {
    title,
    subtitle,
    xLabel: "along B − A",
    yLabel: "towards π(B)",
    valueLabel: of === "loss" ? "loss (nats)" : "accuracy",
    cap: of === "accuracy" ? found.accuracy.reduce((a, b) => Math.max(a, b), 0) : undefined,
  });
}

/** The loss as one SVG. */
export function contourSvg(found: Contour, subtitle: string): Promise<string> {
  return chartOf(found, "loss", "Loss around A, B and π(B)", subtitle);
}

/** A page with loss and accuracy. */
export async function contourPage(
  found: Contour,
  subtitle: string,
  { foundations, ...frame }: PageFrame & { readonly foundations: Foundations },
): Promise<string> {
  const charts = [await chartOf(found, "loss", "Loss"), await chartOf(found, "accuracy", "Accuracy")];
  const text = ["Distances are measured in lengths of B − A; A is at (0, 0), B at (1, 0)."];
  return reportPage(
    frame.title,
    [
      { heading: "The plane through A, B and π(B)", text, charts },
      foundationsSection(foundations),
      settingsSection(frame),
    ],
    [subtitle],
  );
}
