/** `bench startup`: fresh processes, of Node and of workerd, from the import to the first result, and the size of what they load. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./machine.ts";
import type { BenchOptions, Pace } from "./options.ts";
import { digits, type Outcome, table } from "./results.ts";
import { edgeStarts, NETWORKS } from "./startup-edge.ts";
import { median, secondsSince } from "./timing.ts";

const PROCESSES: Readonly<Record<Pace, number>> = { quick: 5, normal: 15, full: 50 };

/** Milliseconds in one process. */
interface Start {
  /** Importing the package. */
  readonly imported: number;
  /** Matching, merging and encoding the first pair, wasm compilation included. */
  readonly merged: number;
  /** The same again in the same process. */
  readonly again: number;
  /** The whole process, from outside. */
  readonly process: number;
  readonly objective: number;
}

interface Size {
  readonly name: string;
  readonly gzipped: number;
  readonly limit: number;
}

/**
 * A program that merges two networks 784-64-10 and prints its times. The networks are made before its clock starts. It is
 * run from a file, as programs are: what Node loads to read its first module file counts for the program, not for us.
 */
const PROGRAM = `
${NETWORKS}const [a, b] = [network(), network()];
const start = performance.now();
const { encodeSafetensors, memoryModel, rebasin } = await import(process.argv[2]);
const imported = performance.now();
const merge = async () => {
  const { model, report } = await rebasin(memoryModel(a), memoryModel(b));
  await encodeSafetensors(model);
  return report.objective;
};
const objective = await merge();
const merged = performance.now();
await merge();
const again = performance.now();
console.log(JSON.stringify({ imported: imported - start, merged: merged - imported, again: again - merged, objective }));
`;

/** Starts processes one after another and describes what came out. */
export async function benchStartup({ pace }: BenchOptions): Promise<Outcome> {
  const entry = join(ROOT, "dist/index.js");
  if (!existsSync(entry)) throw new Error("dist/index.js is missing, expected a build (npm run build)");
  const starts = startMany(entry, PROCESSES[pace]);
  const empty = Array.from({ length: PROCESSES[pace] }, () => {
    const start = performance.now();
    execFileSync(process.execPath, ["--eval", ""]);
    return 1000 * secondsSince(start);
  });
  const faults = starts.some(({ objective }) => objective !== starts[0]!.objective)
    ? [`objectives of fresh processes differ: ${starts.map(({ objective }) => objective).join(", ")}`]
    : [];
  return { body: describe(starts, empty, await edgeStarts(PROCESSES[pace])), faults };
}

function startMany(entry: string, count: number): Start[] {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-startup-"));
  try {
    const program = join(folder, "program.mjs");
    writeFileSync(program, PROGRAM);
    return Array.from({ length: count }, () => {
      const start = performance.now();
      const printed = execFileSync(process.execPath, [program, pathToFileURL(entry).href], { encoding: "utf8" });
      return { ...JSON.parse(printed), process: 1000 * secondsSince(start) };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(starts: readonly Start[], empty: readonly number[], edge: string | undefined): string {
  const row = (label: string, values: readonly number[]): string[] => [
    label,
    `${digits(Math.min(...values))} (${digits(median(values))})`,
  ];
  const rows = [
    row(
      "import of the package",
      starts.map(({ imported }) => imported),
    ),
    row(
      "first merge",
      starts.map(({ merged }) => merged),
    ),
    row(
      "import to first result",
      starts.map(({ imported, merged }) => imported + merged),
    ),
    row(
      "second merge",
      starts.map(({ again }) => again),
    ),
    row(
      "whole process",
      starts.map((start) => start.process),
    ),
    row("a process that does nothing", empty),
  ];
  const sizes: Size[] = JSON.parse(
    execFileSync(process.execPath, [join(ROOT, "scripts/check-size.mjs"), "--json"], { encoding: "utf8" }),
  );
  return [
    `Milliseconds in ${starts.length} fresh processes: two networks 784-64-10 in memory are matched, merged and encoded.`,
    table(["", "ms"], rows),
    ...(edge === undefined ? [] : [edge]),
    "Sizes of dist/, gzipped:",
    table(
      ["", "bytes", "limit"],
      sizes.map(({ name, gzipped, limit }) => [name, String(gzipped), String(limit)]),
    ),
  ].join("\n\n");
}
