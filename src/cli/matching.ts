/** The matching options of `match` and `merge`, and what both print of a matching. */

import { type Matching, type MatchReport, type Method, matchWeights } from "../match/match-weights.ts";
import type { Spec } from "../spec/types.ts";
import type { Model } from "../tensor.ts";
import { table } from "../text-table.ts";
import { type CommandContext, numberOption, type OptionRule, UsageError } from "./command.ts";
import { SPEC_OPTION } from "./models.ts";

export const MATCH_OPTIONS: Readonly<Record<string, OptionRule>> = {
  spec: SPEC_OPTION,
  method: {
    value: "METHOD",
    help: "frank-wolfe finds better permutations; coordinate is the paper's Algorithm 1",
    choices: ["frank-wolfe", "coordinate"],
    default: "frank-wolfe",
  },
  seed: { value: "N", help: "seed of the visiting order of descent", default: "0" },
  restarts: {
    value: "N",
    help: "coordinate: further descents from random permutations, the best is kept",
    default: "0",
  },
  threads: {
    value: "N",
    help: "threads to use; auto: what the machine has, up to 8, for large models; results never depend on it",
    default: "auto",
  },
  force: { help: "replace existing output files" },
  "allow-nonfinite": { help: "go on although a tensor has NaN or infinity" },
};

/** Matches with the options of the command line. */
export async function runMatching(context: CommandContext, a: Model, b: Model, spec: Spec): Promise<Matching> {
  const integer = { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true };
  const threads =
    context.values.get("threads") === "auto" ? "auto" : numberOption(context, "threads", { ...integer, min: 1 })!;
  const method = context.values.get("method") as Method;
  const restarts = numberOption(context, "restarts", integer)!;
  if (restarts > 0 && method !== "coordinate")
    throw new UsageError("--restarts is for --method coordinate, expected no --restarts");
  return matchWeights(a, b, spec, {
    method,
    seed: numberOption(context, "seed", integer)!,
    restarts,
    threads,
    allowNonfinite: context.flags.has("allow-nonfinite"),
    signal: context.signal,
    onProgress: context.onProgress,
  });
}

/** The report as the commands print it with `--json`: the spec is called what the user called it. */
export function matchJson(report: MatchReport, spec: string): MatchReport {
  return { ...report, spec };
}

/** The report for people. */
export function matchText(report: MatchReport, spec: Spec, name: string): string {
  const steps = report.iterations > 0 ? `${counted(report.iterations, "step")}, ` : "";
  const rows = Object.entries(report.permutations).map(([permutation, { size, moved }]) => [
    permutation,
    String(size),
    String(moved),
  ]);
  const lines = [
    `spec       ${name}${spec.why === undefined ? "" : `: ${spec.why}`}`,
    `method     ${report.method}, ${steps}${counted(report.sweeps, "sweep")}, ${report.seconds.toFixed(2)} s`,
    `objective  ${report.identityObjective.toPrecision(6)} before, ${report.objective.toPrecision(6)} aligned`,
  ];
  if (report.held.length > 0)
    lines.push(`held       ${report.held.join(", ")}: three or more permutations meet, found by descent alone`);
  return [...lines, "", table(["permutation", "size", "moved"], rows)].join("\n");
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
