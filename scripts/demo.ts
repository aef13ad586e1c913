/**
 * npm run demo: merges two small checkpoints that were trained apart, and runs them, their average and their merge on
 * 1,000 test images. Writes the merged model and the interpolation curves to demo-output/.
 */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { readIdxImages } from "rebasin/data";
import { evaluateModel, sampleCurves } from "rebasin/measure";
import { saveModel } from "rebasin/node";
import { curveChart } from "../src/report/curve-chart.ts";
import { matchPair } from "./lib/pair.ts";
import { evaluationTable } from "./lib/table.ts";

const ROOT = join(import.meta.dirname, "../.."); // this file runs from build/scripts/
const FIXTURES = join(ROOT, "test/fixtures");
const OUTPUT = join(ROOT, "demo-output");

const started = performance.now();
const fixture = (name: string) => ({ name, bytes: readFileSync(join(FIXTURES, name)) });
const data = await readIdxImages(fixture("t10k-images-1000-idx3-ubyte.gz"), fixture("t10k-labels-1000-idx1-ubyte.gz"));
const pair = await matchPair(
  join(FIXTURES, "fmnist-mlp-small-a.safetensors"),
  join(FIXTURES, "fmnist-mlp-small-b.safetensors"),
);
const { report } = pair;

console.log(
  `Two networks 784-256-256-10, trained on Fashion-MNIST from different seeds; ${data.count.toLocaleString("en")} test images.`,
);
console.log(
  `Matched by ${report.method} in ${report.seconds.toFixed(2)} s: objective ${report.objective.toFixed(1)}, was ${report.identityObjective.toFixed(1)} before.\n`,
);
console.log(
  evaluationTable([
    ["model A", await evaluateModel(pair.a, data)],
    ["model B", await evaluateModel(pair.b, data)],
    ["naive midpoint", await evaluateModel(await pair.at(0.5, false), data)],
    ["merged midpoint", await evaluateModel(pair.merged, data)],
  ]),
);

mkdirSync(OUTPUT, { recursive: true });
const [mergedPath, curvePath] = [join(OUTPUT, "merged.safetensors"), join(OUTPUT, "curve.svg")];
await saveModel(pair.merged, mergedPath, { force: true });
const { naive, aligned } = (await sampleCurves(pair, new Map([["test", data]]))).get("test")!;
const subtitle = `${data.count.toLocaleString("en")} Fashion-MNIST test images, ${naive.points.length} points a curve, matched by ${report.method}`;
writeFileSync(curvePath, await curveChart([naive, aligned], { title: "From model A to model B", subtitle }));
await pair.close();

console.log(
  `\nmerged model: ${relative(process.cwd(), mergedPath)}\ncurves:       ${relative(process.cwd(), curvePath)}`,
);
console.log(`done in ${((performance.now() - started) / 1000).toFixed(1)} s`);
