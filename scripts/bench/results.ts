/** The file of results: one section per benchmark and runtime, rewritten when that benchmark runs again. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { median } from "./timing.ts";

const HEAD = `# Benchmark results

Written by \`npm run bench -- gemm|assign|match|threads|gradients|startup|app\`, a section a benchmark and runtime. Entrants are run in turn in
one run: read the ratios within a row, not absolute numbers across sections. A figure is of the best run, the least
disturbed one, and in brackets stands the median; of ratios it is the median of the ratios within a round. A ratio above
1 says that ours is faster.
`;

/** Puts `body` under the heading `title` of the file at `path`, in place of what stood there. */
export function writeSection(path: string, title: string, body: string): void {
  const text = existsSync(path) ? readFileSync(path, "utf8") : HEAD;
  const [head, ...sections] = text.split(/^(?=## )/m);
  const section = `## ${title}\n\n${body.trim()}\n`;
  const at = sections.findIndex((other) => other.startsWith(`## ${title}\n`));
  if (at >= 0) sections[at] = section;
  else sections.push(section);
  sections.sort();
  writeFileSync(path, `${[head!, ...sections].map((part) => part.trim()).join("\n\n")}\n`);
}

/** A Markdown table. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Three significant digits, without exponents. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(6, Math.max(0, 2 - magnitude)));
}

/** The best of several times, and in brackets their median. */
export function bestAndMedian(values: readonly number[]): string {
  return `${digits(Math.min(...values))} (${digits(median(values))})`;
}

/** A ratio of best runs, and in brackets the middle of the rounds' ratios. */
export function showRatio(ratio: { readonly best: number; readonly median: number }): string {
  return `${digits(ratio.best)} (${digits(ratio.median)})`;
}

/** What one benchmark found: the text of its section, and whether every entrant's result was right. */
export interface Outcome {
  readonly body: string;
  readonly faults: readonly string[];
}
