/** The matching options of `match` and `merge`, and what both print of a matching. */

import type { Spec } from "../axes/types.ts";
import { visible } from "../base/visible.ts";
import type { Split } from "../node/data-folder.ts";
import type { Pair } from "../perm/pair.ts";
import { textTable } from "../report/text-table.ts";
import { type CommandContext, numberOption, type OptionRule, UsageError } from "./command.ts";
import { counted } from "./counted.ts";
import {
  type CommandMatching,
  type CommandReport,
  choiceOption,
  MATCH_BY_DATA_OPTIONS,
  planMatching,
  runPlan,
} from "./matching-data.ts";
import { STRAIGHT_THROUGH_OPTIONS } from "./matching-straight-through.ts";
import { INPUT_OPTIONS, SPEC_OPTIONS } from "./models.ts";
import type { Repair } from "./repairing.ts";

export const MATCH_OPTIONS: Readonly<Record<string, OptionRule>> = {
  ...SPEC_OPTIONS,
  ...INPUT_OPTIONS,
  method: {
    group: "matching",
    value: "METHOD",
    help: "frank-wolfe finds better permutations; coordinate is the paper's Algorithm 1; the others need --data",
    choices: ["frank-wolfe", "coordinate", "activations", "hybrid", "straight-through"],
    default: "frank-wolfe",
  },
  seed: { value: "N", help: "seed of the visiting order of descent", default: "0", group: "matching" },
  restarts: {
    group: "matching",
    value: "N",
    help: "coordinate: further descents from random permutations, the best is kept",
    default: "0",
  },
  ...MATCH_BY_DATA_OPTIONS,
  ...STRAIGHT_THROUGH_OPTIONS,
  threads: {
    value: "N",
    help: "threads to use; auto: what the machine has, up to 8, for large models; results never depend on it",
    default: "auto",
  },
  force: { help: "replace existing output files", group: "output" },
  "allow-nonfinite": { help: "go on although a tensor has NaN or infinity", group: "matching" },
};

/** What `--threads` says. */
export function threadsOption(context: CommandContext): number | "auto" {
  const bounds = { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true };
  return context.values.get("threads") === "auto" ? "auto" : numberOption(context, "threads", bounds)!;
}

/**
 * Matches with the options of the command line. Where data take part, images of `split` decide: training images, unless
 * the command has a `--split` for just that. `repair` is done to the midpoints of starts before they are compared.
 */
export async function runMatching(
  context: CommandContext,
  pair: Pair,
  split: Split = "train",
  repair?: Repair,
): Promise<CommandMatching> {
  const integer = { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true };
  const threads = threadsOption(context);
  const plan = planMatching(context);
  const restarts = numberOption(context, "restarts", integer)!;
  if (restarts > 0 && plan.method !== "coordinate")
    throw new UsageError("--restarts is for --method coordinate, expected no --restarts");
  return runPlan(context, pair, plan, {
    method: plan.method === "coordinate" ? "coordinate" : "frank-wolfe",
    seed: numberOption(context, "seed", integer)!,
    restarts,
    threads,
    allowNonfinite: context.flags.has("allow-nonfinite"),
    signal: context.signal,
    onProgress: context.onProgress,
    ...choiceOption(context),
    split,
    repair,
  });
}

/** The report for people. */
export function matchText(report: CommandReport, spec: Spec): string {
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

/** What a spec rests on, and what it takes for granted: a line each. */
export function basisLines(
  { basis = "given", assumptions = [] }: Pick<Spec, "basis" | "assumptions">,
  wide = 10,
): string[] {
  const lines = assumptions.map((line, i) => `${(i === 0 ? "assumes" : "").padEnd(wide)} ${visible(line)}`);
  return [`${"basis".padEnd(wide)} ${basis}`, ...lines];
}

function startLines({ chosen, images, tried }: NonNullable<CommandReport["starts"]>): string[] {
  return tried.map(({ objective, loss, accuracy }, at) => {
    const values = `objective ${objective.toPrecision(6)}, midpoint loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`;
    return `start ${String(at + 1).padEnd(4)} ${values}${at === chosen ? ` (kept, on ${counted(images, "image")})` : ""}`;
  });
}
