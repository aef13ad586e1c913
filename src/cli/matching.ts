/** The matching options of `match` and `merge`, and what both print of a matching. */

import type { Spec } from "../axes/types.ts";
import { visible } from "../base/visible.ts";
import type { PlanMatchReport } from "../plan/match-by-plan.ts";
import { textTable } from "../report/text-table.ts";
import { counted } from "./counted.ts";
import { MATCH_BY_DATA_OPTIONS, type MatchByDataValues } from "./matching-data.ts";
import { STRAIGHT_THROUGH_OPTIONS, type StraightThroughValues } from "./matching-straight-through.ts";
import { INPUT_OPTIONS, type InputValues, SPEC_OPTIONS, type SpecValues } from "./models.ts";
import { byteCount, flag, integer, integerOrAuto, type Option, type Options, text } from "./option.ts";
import { forceOption } from "./output.ts";

/** Of commands that share out work. */
export const THREADS_OPTION: Option<number | "auto"> = integerOrAuto({
  value: "N",
  help: "threads to use; auto: what the machine has, up to 8, for large models; results never depend on it",
  default: "auto",
  min: 1,
});

/** Of commands that match by weights. */
export const MEMORY_OPTION: Option<number | undefined> = byteCount({
  value: "BYTES",
  help: "matrices and tensors take no more memory, as 500MB; results never depend on it",
  defaultText: "half of what there is",
  group: "matching",
});

export interface MatchValues extends SpecValues, InputValues, MatchByDataValues, StraightThroughValues {
  readonly seed: number;
  readonly restarts: number;
  readonly threads: number | "auto";
  readonly memory: number | undefined;
  readonly checkpoint: string | undefined;
  readonly force: boolean;
  readonly "allow-nonfinite": boolean;
}

const { method, ...BY_DATA_OPTIONS } = MATCH_BY_DATA_OPTIONS;

export const MATCH_OPTIONS: Options<MatchValues> = {
  ...SPEC_OPTIONS,
  ...INPUT_OPTIONS,
  method,
  seed: integer({ value: "N", help: "seed of the visiting order of descent", default: 0, group: "matching", min: 0 }),
  restarts: integer({
    group: "matching",
    value: "N",
    help: "further descents from random permutations, the best is kept",
    default: 0,
    min: 0,
    for: { method: ["coordinate"] },
  }),
  ...BY_DATA_OPTIONS,
  ...STRAIGHT_THROUGH_OPTIONS,
  threads: THREADS_OPTION,
  memory: { ...MEMORY_OPTION, for: { method: ["frank-wolfe", "coordinate"] } },
  checkpoint: text({
    value: "FILE",
    help: "file that keeps how far matching is, after each sweep or step; the same command resumes from it",
    group: "matching",
    for: { method: ["frank-wolfe", "coordinate", "straight-through"] },
    without: ["starts"],
  }),
  force: forceOption(),
  "allow-nonfinite": flag({ help: "do not stop at tensors with NaN or infinity", group: "matching" }),
};

/** The report for people. */
export function matchText(report: PlanMatchReport, spec: Spec): string {
  const steps = report.iterations > 0 ? `${counted(report.iterations, "step")}, ` : "";
  const rows = Object.entries(report.permutations).map(([permutation, { size, moved }]) => [
    permutation,
    String(size),
    String(moved),
  ]);
  const lines = [
    `spec       ${visible(report.spec)}${spec.why === undefined ? "" : `: ${visible(spec.why)}`}`,
    ...basisLines(spec),
    `method     ${report.method}, ${steps}${counted(report.sweeps, "sweep")}, ${report.seconds.toFixed(2)} s`,
    `objective  ${report.identityObjective.toPrecision(6)} before, ${report.objective.toPrecision(6)} aligned`,
  ];
  if (report.cost !== undefined) lines.push(`data       ${report.cost} over ${counted(report.images ?? 0, "image")}`);
  if (report.keptStep !== undefined) {
    const losses = `midpoint loss ${report.startLoss?.toFixed(4)} at the start, ${report.loss?.toFixed(4)} as kept`;
    const step = `step ${report.keptStep} of ${report.steps}`;
    lines.push(`data       ${losses} (${step}, on ${counted(report.validation ?? 0, "held-out image")})`);
  }
  if (rows.length === 0) lines.push("note       the spec names no permutation: nothing was aligned");
  if (report.starts !== undefined) lines.push(...startLines(report.starts));
  if (report.held.length > 0)
    lines.push(
      `held       ${visible(report.held.join(", "))}: three or more permutations meet, found by descent alone`,
    );
  return [...lines, "", textTable(["permutation", "size", "moved"], rows)].join("\n");
}

/** The basis of a spec and its assumptions: a line each. */
export function basisLines(
  { basis = "given", assumptions = [] }: Pick<Spec, "basis" | "assumptions">,
  wide = 10,
): string[] {
  const lines = assumptions.map((line, i) => `${(i === 0 ? "assumes" : "").padEnd(wide)} ${visible(line)}`);
  return [`${"basis".padEnd(wide)} ${basis}`, ...lines];
}

function startLines({ chosen, images, tried }: NonNullable<PlanMatchReport["starts"]>): string[] {
  return tried.map(({ objective, loss, accuracy }, at) => {
    const values = `objective ${objective.toPrecision(6)}, midpoint loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`;
    return `start ${String(at + 1).padEnd(4)} ${values}${at === chosen ? ` (kept, on ${counted(images, "image")})` : ""}`;
  });
}
