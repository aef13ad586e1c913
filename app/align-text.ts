/** Texts and charts of an alignment, while it runs and at its end. */

import type { MatchReport, Method } from "../src/index.ts";
import type { Aligned, AlignProgress, Line } from "./calls.ts";
import type { JobReport } from "./job.ts";
import { counted, formatBytes } from "./page.ts";

/** Objectives of each stage, step by step. */
export type Trace = Pick<AlignProgress, "frankWolfe" | "coordinate">;

const STAGES: Readonly<Record<string, string>> = { "frank-wolfe": "Frank–Wolfe, step", coordinate: "Descent, sweep" };

/** What an alignment is at. */
export function progressText(progress: AlignProgress, method: Method): JobReport {
  const { stage, done, total, frankWolfe, coordinate } = progress;
  if (stage === "read" && total !== undefined) {
    if (done < total) return { share: done / total, text: `Reading tensor ${done} of ${total}` };
    // Nothing is heard until the first step is done, which for large networks is long.
    return { share: null, text: `All ${counted(total, "tensor")} read. Computing …` };
  }
  const objective = coordinate.at(-1) ?? frankWolfe.at(-1);
  const value = objective === undefined ? "" : `: objective ${objective.toPrecision(6)}`;
  const assigned = stage === "coordinate" && isOneAssignment({ method, iterations: frankWolfe.length });
  if (assigned) return { share: null, text: `Assigned every permutation${value}` };
  return { share: null, text: `${STAGES[stage] ?? stage} ${done}${value}` };
}

type Steps = Pick<MatchReport, "method" | "iterations" | "sweeps">;

/** Where no tensor ties two permutations together, Frank–Wolfe has nothing to iterate. */
const isOneAssignment = ({ method, iterations }: Omit<Steps, "sweeps">): boolean =>
  method === "frank-wolfe" && iterations === 0;

/** What an alignment did, in words that follow "Aligned by". */
export function stepsText(report: Steps): string {
  if (isOneAssignment(report)) return "one assignment per permutation, which is the optimum";
  const sweeps = `${counted(report.sweeps, "sweep")} of descent`;
  return report.iterations === 0 ? sweeps : `${counted(report.iterations, "step")} of Frank–Wolfe and ${sweeps}`;
}

/** The message at the end. */
export function endText(report: MatchReport): string {
  const how = `by ${stepsText(report)}, on ${counted(report.threads, "thread")}`;
  return `Aligned in ${report.seconds.toFixed(2)} s ${how}. It took ${formatBytes(report.memoryBytes)} of memory beside what it held of the two files.`;
}

/** The stages one after the other; descent continues from the end of Frank–Wolfe. */
export function linesOf({ frankWolfe, coordinate }: Trace): Line[] {
  const line = (name: string, values: readonly number[], offset: number): Line => ({
    name,
    points: values.map((y, i) => ({ x: offset + i + 1, y })),
  });
  return [line("Frank–Wolfe (relaxed)", frankWolfe, 0), line("descent", coordinate, frankWolfe.length)].filter(
    ({ points }) => points.length > 0,
  );
}

/** The lines of a finished alignment. One step is a line only together with where it began. */
export function finalLinesOf({ report, ...trace }: Trace & Pick<Aligned, "report">): Line[] {
  if (!isOneAssignment(report)) return linesOf(trace);
  const ends = [report.identityObjective, report.objective];
  return [{ name: "assignment", points: ends.map((y, x) => ({ x, y })) }];
}
