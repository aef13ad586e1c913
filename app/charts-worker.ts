/** The worker that draws charts and writes the report: drawing one takes longer than a page may be blocked. */

import { type ChartOptions, COLOURS, curveChart, heatMapChart, lineChart, wholeAxis } from "../src/report.ts";
import type { ChartCalls, Line, TrainEpoch } from "./calls.ts";
import { reportHtml } from "./report-html.ts";
import { serve } from "./rpc.ts";

const NARROWEST = 280;

serve<ChartCalls>({
  async curve({ curves, width }) {
    return { svg: await curveChart(curves, sized(width, "Loss and accuracy between the two networks")) };
  },
  async cost({ size, before, after, name, width }) {
    const draw = async (values: ArrayBuffer, when: string, columns: string): Promise<string> => {
      const matrix = { rows: size, columns: size, values: new Float32Array(values) };
      const labels = { rowLabel: "unit of A", columnLabel: columns, valueLabel: "gain" };
      return heatMapChart(matrix, { ...sized(width, `Cost matrix of ${name}, ${when}`), ...labels });
    };
    return {
      before: await draw(before, "before", "unit of B, as in its file"),
      after: await draw(after, "aligned", "unit of B, aligned"),
    };
  },
  async objective({ lines, width }) {
    return { svg: await objectiveChart(lines, width) };
  },
  async barrier({ epochs, width }) {
    return { svg: await barrierChart(epochs, width) };
  },
  async report(request) {
    return { blob: new Blob([reportHtml(request)], { type: "text/html" }) };
  },
});

function sized(width: number, title: string): ChartOptions {
  return { title, width: Math.max(NARROWEST, Math.floor(width)) };
}

function objectiveChart(lines: readonly Line[], width: number): Promise<string> {
  // Not from 0: late steps gain little, and that they gain is what there is to see.
  const values = lines.flatMap(({ points }) => points.map(({ y }) => y));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.08 * (high - low) || 0.01 * Math.abs(high) || 1;
  const y = { label: "objective", domain: [low - room, high + room] as const };
  const steps = lines.flatMap(({ points }) => points.map(({ x }) => x));
  const x = wholeAxis("step", steps);
  return lineChart({ series: lines.slice(0, COLOURS), x, y }, sized(width, "Objective while aligning"));
}

/** How far the line between the two networks rises above its ends, as they train. */
function barrierChart(epochs: readonly TrainEpoch[], width: number): Promise<string> {
  const line = (name: string, of: (epoch: TrainEpoch) => number): Line => ({
    name,
    points: epochs.map((epoch) => ({ x: epoch.epoch, y: of(epoch) })),
  });
  const series = [line("naive", (epoch) => epoch.naiveBarrier), line("aligned", (epoch) => epoch.alignedBarrier)];
  const x = wholeAxis(
    "epoch",
    epochs.map(({ epoch }) => epoch),
  );
  const chart = { series, x, y: { label: "loss barrier (nats)" } };
  return lineChart(chart, sized(width, "Barrier between the two networks"));
}
