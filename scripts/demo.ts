/**
 * npm run demo: merges two small checkpoints that were trained apart, and runs them, their average and their merge on
 * 1,000 test images. Writes the merged model and the interpolation curves to demo-output/.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createDataset } from "rebasin/data";
import { saveModel } from "rebasin/node";
import { type Evaluation, evaluateModel } from "rebasin/tf";
import { CURVE_POINTS, sampleCurve } from "./lib/curve.ts";
import { curveSvg } from "./lib/curve-svg.ts";
import { readLabelled } from "./lib/data.ts";
import { matchPair } from "./lib/pair.ts";
import { evaluationTable } from "./lib/table.ts";

const ROOT = join(import.meta.dirname, "../.."); // this file runs from build/scripts/
const FIXTURES = join(ROOT, "test/fixtures");
const OUTPUT = join(ROOT, "demo-output");

const started = performance.now();
const { images, labels } = readLabelled(
  join(FIXTURES, "t10k-images-1000-idx3-ubyte.gz"),
  join(FIXTURES, "t10k-labels-1000-idx1-ubyte.gz"),
);
const { height, width, pixels } = images;
const data = createDataset({ name: "Fashion-MNIST", height, width, channels: 1, pixels, labels });
const pair = await matchPair(
  join(FIXTURES, "fmnist-mlp-small-a.safetensors"),
  join(FIXTURES, "fmnist-mlp-small-b.safetensors"),
);
const { report } = pair;
const evaluateAt = async (lambda: number, aligned: boolean): Promise<Evaluation> =>
  evaluateModel(await pair.at(lambda, aligned), data);

console.log(
  `Two networks 784-256-256-10, trained on Fashion-MNIST from different seeds; ${data.count.toLocaleString("en")} test images.`,
);
console.log(
  `Matched by ${report.method} in ${report.seconds.toFixed(1)} s: objective ${report.objective.toFixed(1)}, was ${report.identityObjective.toFixed(1)} before.\n`,
);
console.log(
  evaluationTable([
    ["model A", await evaluateModel(pair.a, data)],
    ["model B", await evaluateModel(pair.b, data)],
    ["naive midpoint", await evaluateAt(0.5, false)],
    ["merged midpoint", await evaluateModel(pair.merged, data)],
  ]),
);

mkdirSync(OUTPUT, { recursive: true });
const [mergedPath, curvePath] = [join(OUTPUT, "merged.safetensors"), join(OUTPUT, "curve.svg")];
await saveModel(pair.merged, mergedPath, { force: true });
const curves = [
  await sampleCurve("naive", (lambda) => evaluateAt(lambda, false)),
  await sampleCurve("aligned", (lambda) => evaluateAt(lambda, true)),
];
const subtitle = `${data.count.toLocaleString("en")} Fashion-MNIST test images, ${CURVE_POINTS} points a curve, matched by ${report.method}`;
writeFileSync(curvePath, curveSvg(curves, { title: "From model A to model B", subtitle }));
await pair.close();

console.log(
  `\nmerged model: ${relative(process.cwd(), mergedPath)}\ncurves:       ${relative(process.cwd(), curvePath)}`,
);
console.log(`${((performance.now() - started) / 1000).toFixed(1)} s`);
