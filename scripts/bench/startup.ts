/** `bench startup`: fresh processes, of Node and of workerd, from the import to the first result, and the size of what they load. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./machine.ts";
import type { BenchOptions, Pace } from "./options.ts";
import { bestAndMedian, type Outcome, table } from "./results.ts";
import { edgeStarts, NETWORKS } from "./startup-edge.ts";
import { secondsSince } from "./timing.ts";

const PROCESSES: Readonly<Record<Pace, number>> = { quick: 5, normal: 15, full: 50 };

/** Milliseconds in one process. */
interface Start {
  /** Importing the package. */
  readonly imported: number;
  /** Detecting the family of a first pair and matching it, wasm compilation included. */
  readonly matched: number;
  /** Merging and encoding it. */
  readonly merged: number;
  /** All three again in the same process. */
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

/** Widths of the networks: with one hidden layer, which one assignment matches, and with two. */
const SMALL = "784-64-10";
const DEEPER = "784-64-64-10";

/**
 * A program that merges two networks and prints its times. The networks are made before its clock starts. It is run from a
 * file, as programs are: what Node loads to read its first module file counts for the program, not for us. Its clock is
 * not `performance`, which Node loads when it is first used: that would be left out.
 */
const PROGRAM = `
${NETWORKS}const now = () => Number(process.hrtime.bigint()) / 1e6;
const widths = process.argv[3].split("-").map(Number);
const pair = [network(...widths), network(...widths)];
const start = now();
const { detectSpec, encodeSafetensors, matchWeights, memoryModel, mergeModels } = await import(process.argv[2]);
const imported = now() - start;
const merge = async () => {
  const from = now();
  const [a, b] = pair.map((tensors) => memoryModel(tensors));
  const spec = await detectSpec(a);
  const { permutations, report } = await matchWeights(a, b, spec);
  const matched = now() - from;
  await encodeSafetensors(await mergeModels(a, b, spec, permutations));
  return { matched, merged: now() - from - matched, objective: report.objective };
};
const first = await merge();
const again = await merge();
console.log(JSON.stringify({ imported, ...first, again: again.matched + again.merged }));
`;

/** Starts processes one after another and describes what came out. */
export async function benchStartup({ pace }: BenchOptions): Promise<Outcome> {
  const entry = join(ROOT, "dist/index.js");
  if (!existsSync(entry)) throw new Error("dist/index.js is missing, expected a build (npm run build)");
  const [starts, deeper] = [SMALL, DEEPER].map((widths) => startMany(entry, widths, PROCESSES[pace]));
  const empty = Array.from({ length: PROCESSES[pace] }, () => {
    const start = performance.now();
    execFileSync(process.execPath, ["--eval", ""]);
    return 1000 * secondsSince(start);
  });
  const faults = [starts!, deeper!].flatMap((list) => {
    const found = new Set(list.map(({ objective }) => objective));
    return found.size > 1 ? [`objectives of fresh processes differ: ${[...found].join(", ")}`] : [];
  });
  return { body: describe(starts!, deeper!, empty, await edgeStarts(PROCESSES[pace])), faults };
}

function startMany(entry: string, widths: string, count: number): Start[] {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-startup-"));
  try {
    const program = join(folder, "program.mjs");
    writeFileSync(program, PROGRAM);
    return Array.from({ length: count }, () => {
      const start = performance.now();
      const printed = execFileSync(process.execPath, [program, pathToFileURL(entry).href, widths], {
        encoding: "utf8",
      });
      return { ...JSON.parse(printed), process: 1000 * secondsSince(start) };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(
  starts: readonly Start[],
  deeper: readonly Start[],
  empty: readonly number[],
  edge: string | undefined,
): string {
  const row = (label: string, time: (start: Start) => number, list = starts): string[] => [
    label,
    bestAndMedian(list.map(time)),
  ];
  const rows = [
    row("import of the package", ({ imported }) => imported),
    row("first match", ({ matched }) => matched),
    row("import and first match", ({ imported, matched }) => imported + matched),
    row("first merge and encoding, after that", ({ merged }) => merged),
    row("second match, merge and encoding", ({ again }) => again),
    row(`import and first match, ${DEEPER}`, ({ imported, matched }) => imported + matched, deeper),
    row("whole process", (start) => start.process),
    ["a process that does nothing", bestAndMedian(empty)],
  ];
  const sizes: Size[] = JSON.parse(
    execFileSync(process.execPath, [join(ROOT, "scripts/check-size.mjs"), "--json"], { encoding: "utf8" }),
  );
  return [
    `Milliseconds in ${starts.length} fresh processes: two networks ${SMALL} in memory are matched, merged and encoded.`,
    table(["", "ms"], rows),
    ...(edge === undefined ? [] : [edge]),
    "Sizes of dist/, gzipped:",
    table(
      ["", "bytes", "limit"],
      sizes.map(({ name, gzipped, limit }) => [name, String(gzipped), String(limit)]),
    ),
  ].join("\n\n");
}
