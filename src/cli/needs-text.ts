/** What `--dry-run` prints of the needs of a plan. */

import type { MatchNeeds, PlanNeeds } from "../plan/plan-needs.ts";
import type { CommandResult } from "./command.ts";
import { flag, type Option } from "./option.ts";

export const DRY_RUN_OPTION: Option<boolean> = flag({
  help: "print what the work needs (bytes, matrices, memory, time), and do none of it",
});

/** The result of a command that did nothing else. */
export const needsResult = (needs: PlanNeeds): CommandResult => ({
  json: { needs },
  text: `${needsLines(needs).join("\n")}\n\nnothing was matched, merged or written`,
});

/** Lines with bytes to read and to write, matrices, memory and time. */
export function needsLines({ read, write, matching, without }: PlanNeeds): string[] {
  const reads = [
    [read.matching, "to match"],
    [read.merging, "to merge"],
    [read.digests, "for digests"],
  ] as const;
  const parts = reads.flatMap(([bytes, why]) => (bytes === 0 ? [] : [`${bytesText(bytes)} ${why}`]));
  return [
    `read       ${parts.join(", ") || "headers alone"}`,
    ...(matching === undefined ? [] : matchingLines(matching)),
    `write      ${bytesText(write)}`,
    ...(matching === undefined ? [] : [timeLine(matching)]),
    ...(without === undefined ? [] : [`note       without ${without}`]),
  ];
}

function matchingLines({ matrices, memory }: MatchNeeds): string[] {
  const how = matrices.isKept ? "" : ", computed one after the other in the same place";
  return [
    `matrices   ${matrixCount(matrices.count, "cost ")} of ${bytesText(matrices.bytes)}${how}`,
    `memory     ${bytesText(memory.unbounded)} without a limit, at least ${bytesText(memory.least)} with --memory`,
    ...limitLines(memory),
  ];
}

function limitLines({ limit, taken, waiting, readAgain, unbounded, least }: MatchNeeds["memory"]): string[] {
  if (limit === undefined || taken === unbounded) return [];
  if (taken === undefined) return [`           ${bytesText(limit)} is too little: expected at least ${least} bytes`];
  const waits = `${matrixCount(waiting.count)} of ${bytesText(waiting.bytes)} wait in a file`;
  const again = readAgain === 0 ? "" : `, ${bytesText(readAgain)} of tensors are read again and again`;
  return [`           ${bytesText(taken)} within ${bytesText(limit)}: ${waits}${again}`];
}

function timeLine({ seconds: { step, least, most } }: MatchNeeds): string {
  const range = `${secondsText(least)} to ${secondsText(most)} to match`;
  return `time       about ${range} (${secondsText(step)} a sweep or step in which all units move), as measured now`;
}

const matrixCount = (count: number, kind = ""): string => `${count} ${kind}${count === 1 ? "matrix" : "matrices"}`;

function secondsText(seconds: number): string {
  if (seconds < 120) return `${seconds < 10 ? seconds.toFixed(2) : Math.round(seconds)} s`;
  const minutes = seconds / 60;
  return `${minutes < 10 ? minutes.toFixed(1) : Math.round(minutes)} min`;
}

const UNITS = [
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
] as const;

/** Three digits, in the units of `--memory`. */
function bytesText(bytes: number): string {
  const [size, name] = UNITS.find(([unit]) => bytes >= unit) ?? [1, "bytes"];
  const value = bytes / size;
  return `${size === 1 ? bytes : value >= 100 ? Math.round(value) : value.toPrecision(3)} ${name}`;
}
