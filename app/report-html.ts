/** The report: one HTML file with what was aligned, how, and the result. */

import { type ReportSection, reportPage } from "../src/report.ts";
import { stepsText } from "./align-text.ts";
import type { ReportRequest } from "./calls.ts";
import { counted } from "./page.ts";

/** A self-contained page, with the charts as the app has shown them. */
export function reportHtml({ a, b, lambda, summary, report, charts }: ReportRequest): string {
  const alignment: ReportSection = {
    heading: "Alignment",
    text: [
      `Family ${summary.spec}${summary.why === "" ? "" : `: ${summary.why}`}.`,
      `Method ${report.method}: ${stepsText(report)}, in ${report.seconds.toFixed(2)} s on ${counted(report.threads, "thread")}.`,
      ...summary.frozen.map((text) => `Frozen: ${text}.`),
      ...(report.held.length === 0 ? [] : [`Found by descent alone: ${report.held.join(", ")}.`]),
    ],
    figures: [
      { name: "objective before", value: report.identityObjective.toPrecision(6) },
      { name: "objective aligned", value: report.objective.toPrecision(6) },
      { name: "λ of the merge", value: String(lambda) },
    ],
    tables: [
      {
        caption: "Permutations",
        header: ["permutation", "units", "moved", "tensors"],
        wordy: true,
        rows: summary.groups.map(({ name, size, tensors }) => [
          name,
          String(size),
          String(report.permutations[name]?.moved ?? 0),
          tensors.join(", "),
        ]),
      },
    ],
  };
  const shown = charts.map(({ heading, svgs }): ReportSection => ({ heading, charts: svgs }));
  return reportPage(`${a} and ${b}`, [alignment, ...shown], ["Aligned and merged by rebasin in a browser."]);
}
