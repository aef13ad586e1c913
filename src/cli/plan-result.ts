/** What running a plan did: for `--json`, and for people. */

import { visible } from "../base/visible.ts";
import type { ManyReport } from "../many/align-many.ts";
import type { PlanResult } from "../plan/run-plan.ts";
import { textTable } from "../report/text-table.ts";
import { alignmentJson, alignmentText } from "./alignment-text.ts";
import { bridgeLines } from "./bridging.ts";
import type { CommandResult } from "./command.ts";
import { counted } from "./counted.ts";
import { shownOutput } from "./dash.ts";
import { basisLines } from "./matching.ts";
import { writtenLines } from "./output.ts";
import { repairText } from "./repair-text.ts";
import { repairHint } from "./repairing.ts";
import { taskLines } from "./repairing-tasks.ts";

/** What a command that runs a plan prints. */
export function planResult(result: PlanResult): CommandResult {
  const { plan, output, repair, tasks } = result;
  const { blend } = plan;
  const json = {
    ...alignedJson(result),
    inputs: plan.models.map(({ path }) => path),
    ...{ lambda: blend?.lambda, blend: blend?.method },
    output: output && { path: output.path, format: output.format },
    ...{ repair, tasks, plan },
  };
  return { json, text: [...alignedLines(result), "", ...writtenOf(result)].join("\n") };
}

function alignedJson({ alignment, alignments, many, spec, notes }: PlanResult): object {
  if (alignment !== undefined) return alignmentJson(alignment, spec);
  if (many !== undefined) return { ...many, notes };
  return { alignments: alignments?.map((each) => each && alignmentJson(each, spec)), notes };
}

function alignedLines({ plan, alignment, alignments, many, spec, notes }: PlanResult): string[] {
  if (alignment !== undefined) return [alignmentText(alignment, spec)];
  if (many !== undefined) {
    const name = visible(spec.why === undefined ? many.spec : `${many.spec}: ${spec.why}`);
    const inputs = plan.models.map(({ path }) => path);
    return [...bridgeLines(notes), manyText(many, [name, ...basisLines(spec)], inputs)];
  }
  if (alignments === undefined) return [...bridgeLines(notes), "aligned    no: the models are numbered alike"];
  const each = alignments.map((found, i) => {
    const { path, base } = plan.models[i]!;
    if (found === undefined) return `${visible(path)}: numbered as the base`;
    return `${visible(path)}${base === undefined ? "" : `, by its base ${visible(base.path)}`}:\n${alignmentText(found, spec)}`;
  });
  return [...bridgeLines(notes), ...each];
}

/** Families that repairs can run: others get no hint. */
const REPAIRED: ReadonlySet<string> = new Set(["mlp", "vgg", "resnet"]);

/** What was written, a line each. */
function writtenOf(result: PlanResult): string[] {
  const { plan, output, outputNotes, repair, tasks, permutations, hasStatistics, spec } = result;
  const saved = permutations.map((file) => `saved      ${visible(shownOutput(file))}`);
  if (output === undefined) return saved;
  const lines = [
    ...(repair === undefined ? [] : [repairText(repair)]),
    `merged     ${visible(output.path)}`,
    ...writtenLines(output.formatNote, outputNotes),
    ...saved,
    ...taskLines(tasks ?? []),
  ];
  const isDone = repair !== undefined || tasks !== undefined || plan.base !== undefined;
  return isDone || !REPAIRED.has(spec.family ?? "") ? lines : [...lines, repairHint(hasStatistics)];
}

function manyText(report: ManyReport, spec: readonly string[], inputs: readonly string[]): string {
  const { strategy, method, iterations, rounds, stages, objective, identityObjective } = report;
  const unit = strategy === "tree" ? "stage" : "round";
  const steps = iterations > 0 ? `${counted(iterations, "step")}, ` : "";
  const end = report.converged ? "" : " (stopped there: --max-rounds)";
  const rows = inputs.map((input, i) => [
    input,
    report.identityDistances[i]!.toPrecision(6),
    report.distances[i]!.toPrecision(6),
    String(Object.values(report.moved[i]!).reduce((sum, count) => sum + count, 0)),
  ]);
  const lines = [
    `spec       ${spec.join("\n")}`,
    `strategy   ${strategy}, ${method}, ${steps}${counted(rounds, unit)}${end}, ${report.seconds.toFixed(2)} s`,
    `objective  ${identityObjective.toPrecision(6)} before, ${objective.toPrecision(6)} aligned`,
    "",
    "distance of each model to the mean, before and aligned:",
    textTable(["model", "before", "aligned", "units moved"], rows),
  ];
  stages.forEach(({ pairs, norms }, at) => {
    if (at === 0) lines.push("");
    const shares = pairs.map(({ lambda }) => lambda.toPrecision(3)).join(", ");
    lines.push(`stage ${at + 1}    λ ${shares}; norms ${norms.map((norm) => norm.toPrecision(6)).join(", ")}`);
  });
  return lines.join("\n");
}
