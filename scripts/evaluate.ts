/**
 * npm run evaluate -- A B --data DIR: matches two checkpoints and measures them, their average and their merge on the
 * Fashion-MNIST test images. Exit codes: 0 done, 1 failed, 2 usage.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { MatchReport, Method } from "rebasin";
import type { Dataset } from "rebasin/data";
import { readDataFolder } from "rebasin/node";
import { type Evaluation, evaluateModel, sampleCurves } from "rebasin/tf";
import { curveChart } from "../src/report/curve-chart.ts";
import { matchPair, type Pair } from "./lib/pair.ts";
import { evaluationTable } from "./lib/table.ts";

const HELP = `usage: npm run evaluate -- A B --data DIR [OPTION ...]

Aligns B to A, then measures A, B, their average as it is (naive) and after aligning, on Fashion-MNIST test images.
A and B are safetensors of one network: an MLP, a VGG or a ResNet, with BatchNorm, LayerNorm or no norm.

  --data DIR          folder with t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or .gz)
  --spec SPEC         auto, a family's name, or a spec file FILE.json            [auto]
  --method METHOD     frank-wolfe or coordinate                                  [frank-wolfe]
  --input-size SIDE   side of the images the network was trained on: 28, or 14 for
                      their 2×2 averages. Tensors do not tell it; resnet-ln too is
                      taken for 28 unless told otherwise                         [28]
  --limit N           only the first N test images                               [all]
  --batch N           images at a time                                           [250]
  --curve OUT.svg     plot 25 points from A to B, naive and aligned
  --curve-limit N     images of the plot; the table always takes --limit         [1000]
  --json              one JSON object on stdout, also on failure
  --help              this text`;

/** The words were wrong, not the files. */
class UsageError extends Error {}

interface Settings {
  readonly models: readonly [string, string];
  readonly data: string;
  readonly spec: string;
  readonly method: Method;
  readonly pooled: boolean;
  readonly limit: number | undefined;
  readonly batch: number;
  readonly curve: string | undefined;
  readonly curveLimit: number;
  readonly json: boolean;
}

const OPTIONS = {
  data: { type: "string" },
  spec: { type: "string", default: "auto" },
  method: { type: "string", default: "frank-wolfe" },
  "input-size": { type: "string", default: "28" },
  limit: { type: "string" },
  batch: { type: "string", default: "250" },
  curve: { type: "string" },
  "curve-limit": { type: "string", default: "1000" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

function parseWords(
  args: string[],
): ReturnType<typeof parseArgs<{ args: string[]; allowPositionals: true; options: typeof OPTIONS }>> {
  try {
    return parseArgs({ args, allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function readSettings(args: string[]): Settings | "help" {
  const { values, positionals } = parseWords(args);
  if (values.help) return "help";
  const [a, b] = positionals;
  if (a === undefined || b === undefined || positionals.length > 2)
    throw new UsageError(`${positionals.length} models, expected two: A B`);
  if (values.data === undefined) throw new UsageError("--data is missing, expected the folder of the test images");
  const { method } = values;
  if (method !== "frank-wolfe" && method !== "coordinate")
    throw new UsageError(`--method ${method}, expected frank-wolfe or coordinate`);
  if (values["input-size"] !== "28" && values["input-size"] !== "14")
    throw new UsageError(`--input-size ${values["input-size"]}, expected 28 or 14`);
  return {
    models: [a, b],
    data: values.data,
    spec: values.spec,
    method,
    pooled: values["input-size"] === "14",
    limit: values.limit === undefined ? undefined : parseCount("--limit", values.limit),
    batch: parseCount("--batch", values.batch),
    curve: values.curve,
    curveLimit: parseCount("--curve-limit", values["curve-limit"]),
    json: values.json,
  };
}

function parseCount(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new UsageError(`${option} ${text}, expected a positive integer`);
  return count;
}

function readData({ data, pooled }: Settings, limit: number | undefined): Promise<Dataset> {
  return readDataFolder(data, { split: "test", limit, inputSize: pooled ? 14 : undefined });
}

/** Result of the run: what `--json` prints. */
interface Result extends Pick<MatchReport, "method" | "spec" | "objective" | "identityObjective" | "seconds"> {
  readonly images: number;
  readonly a: Evaluation;
  readonly b: Evaluation;
  readonly naive: Evaluation;
  readonly aligned: Evaluation;
}

async function measure(pair: Pair, data: Dataset, batch: number): Promise<Result> {
  const { method, spec, objective, identityObjective, seconds } = pair.report;
  return {
    ...{ method, spec, objective, identityObjective, seconds, images: data.count },
    a: await evaluateModel(pair.a, data, { batch }),
    b: await evaluateModel(pair.b, data, { batch }),
    naive: await evaluateModel(await pair.at(0.5, false), data, { batch }),
    aligned: await evaluateModel(pair.merged, data, { batch }),
  };
}

function describe({ a, b, naive, aligned, ...result }: Result): string {
  return [
    `${result.spec}, matched by ${result.method} in ${result.seconds.toFixed(2)} s`,
    `objective ${result.objective.toFixed(3)}, was ${result.identityObjective.toFixed(3)} before matching`,
    `${result.images.toLocaleString("en")} test images\n`,
    evaluationTable([
      ["A", a],
      ["B", b],
      ["naive midpoint", naive],
      ["aligned midpoint", aligned],
    ]),
  ].join("\n");
}

async function plot(path: string, pair: Pair, settings: Settings): Promise<void> {
  const data = await readData(settings, Math.min(settings.curveLimit, settings.limit ?? settings.curveLimit));
  const { naive, aligned } = (await sampleCurves(pair, new Map([["test", data]]), { batch: settings.batch })).get(
    "test",
  )!;
  const subtitle = `${pair.report.spec}, ${data.count.toLocaleString("en")} Fashion-MNIST test images, matched by ${pair.report.method}`;
  writeFileSync(path, await curveChart([naive, aligned], { title: "From model A to model B", subtitle }));
}

async function run(settings: Settings): Promise<void> {
  const data = await readData(settings, settings.limit);
  const spec = settings.spec.endsWith(".json") ? readFileSync(settings.spec, "utf8") : settings.spec;
  const pair = await matchPair(...settings.models, { spec, method: settings.method });
  try {
    const result = await measure(pair, data, settings.batch);
    if (!settings.json) console.log(describe(result));
    if (settings.curve !== undefined) await plot(settings.curve, pair, settings);
    // Last, so that a failure before it is the one object on stdout.
    if (settings.json) console.log(JSON.stringify(result));
    else if (settings.curve !== undefined) console.log(`\ncurves: ${settings.curve}`);
  } finally {
    await pair.close();
  }
}

try {
  const settings = readSettings(process.argv.slice(2));
  if (settings === "help") console.log(HELP);
  else await run(settings);
} catch (error) {
  const { name, message } = error as Error;
  const usage = error instanceof UsageError;
  if (process.argv.includes("--json"))
    console.log(JSON.stringify({ error: { type: usage ? "UsageError" : name, message } }));
  else console.error(usage ? `${message}\n\n${HELP}` : `${name}: ${message}`);
  process.exitCode = usage ? 2 : 1;
}
