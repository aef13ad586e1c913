// Packs the project and checks the tarball as users get it: publint (manifest and files), attw (types of every entry in
// Node's and the bundlers' resolution), and tsc over a program that imports every entry, declarations checked as well; and
// what JSR gets, by `deno publish --dry-run`.
// `npm run check-package`, after a build.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root } from "./build.mjs";
import { packProject } from "./pack.mjs";

const folder = mkdtempSync(join(tmpdir(), "rebasin-check-package-"));
writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

/** Runs the command of a development dependency; its output is shown, and its exit code counts. */
function run(name, bin, args, options = {}) {
  console.log(`── ${bin} ──`);
  const manifest = join(root, "node_modules", name, "package.json");
  const { bin: bins } = readJson(manifest);
  const file = join(dirname(manifest), typeof bins === "string" ? bins : bins[bin]);
  try {
    execFileSync(process.execPath, [file, ...args], { cwd: folder, stdio: "inherit", ...options });
  } catch (error) {
    if (error.stderr) console.error(String(error.stderr));
    process.exitCode = 1;
  }
}

/**
 * Entries that JSR does without: they need npm packages, and those that draw a bundler as well. Those that load
 * TensorFlow.js on demand, too: Deno would fetch it with them.
 */
const NOT_ON_JSR = [
  "./by-data",
  "./jobs",
  "./measure",
  "./notebook",
  "./plan",
  "./recipes",
  "./repair",
  "./report",
  "./tf",
  "./verify",
];

/** One version and the same entries on both registries, and a package that JSR would take. */
function checkJsr() {
  const [npm, jsr] = ["package.json", "jsr.json"].map((file) => readJson(join(root, file)));
  const entries = Object.keys(npm.exports).filter((name) => !/\.(wasm|json)$/.test(name) && !NOT_ON_JSR.includes(name));
  const faults = [
    jsr.version === npm.version ? null : `jsr.json version ${jsr.version}, expected ${npm.version} as in package.json`,
    ...entries.map((name) =>
      name in jsr.exports ? null : `jsr.json exports no ${name}, expected ${entries.join(" ")}`,
    ),
    ...Object.keys(jsr.exports).map((name) =>
      name in npm.exports ? null : `jsr.json exports ${name}, package.json not`,
    ),
  ].filter((fault) => fault !== null);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
  // It lists every file on its error output, which is shown only when it fails.
  run("deno", "deno", ["publish", "--dry-run", "--allow-dirty"], { cwd: root, stdio: "pipe" });
}

const PROGRAM = `
import { init, type Model, type Spec, rebasin } from "rebasin";
import { type Executor, matchActivations, matchCosts } from "rebasin/by-data";
import { createDataset, type Dataset } from "rebasin/data";
import { describeGraph, type Graph } from "rebasin/graph";
import { costMatrix, init as initKernels } from "rebasin/kernels";
import { type Many, mergeMany } from "rebasin/many";
import { type Barrier, barrier, type Curve as MeasuredCurve } from "rebasin/measure";
import { saveModel } from "rebasin/node";
import { type Display, displayModel } from "rebasin/notebook";
import { pairRepair } from "rebasin/repair";
import { curveChart, type PlottedCurve } from "rebasin/report";
export const merge: (a: Blob, b: Blob) => Promise<Model> = async (a, b) => (await rebasin(a, b)).model;
export const save: (model: Model) => Promise<unknown> = (model) => saveModel(model, "merged.safetensors");
export const many: (models: Model[], spec: Spec) => Promise<Many> = (models, spec) =>
  mergeMany(models, spec, { strategy: "tree" });
export const graph: (model: Model) => Promise<Graph> = (model) => describeGraph(model);
export const height: (curve: MeasuredCurve) => Barrier = (curve) => barrier(curve);
export const byData = (a: Model, b: Model, spec: Spec, data: Dataset, executor: Executor) =>
  matchActivations(a, b, spec, data, { executor });
export const given: unknown[] = [matchCosts, pairRepair];
export const shown: (model: Model) => Promise<Display> = (model) => displayModel(model);
export const drawn: (curves: PlottedCurve[]) => Promise<string> = (curves) => curveChart(curves);
export const cost: Float32Array = costMatrix(Float32Array.of(1), Float32Array.of(1), 1, 1);
export const data: Dataset = createDataset({
  name: "one", height: 1, width: 1, channels: 1, pixels: new Uint8Array(1), labels: new Uint8Array(1),
});
export const same: boolean = init === initKernels;
// @ts-expect-error: the option is \`module\`
init({ modules: [] });
`;

/** Also what the declarations themselves say, which `skipLibCheck` would pass over. */
function checkTypes(resolution) {
  const compilerOptions = {
    ...resolution,
    target: "es2022",
    lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    skipLibCheck: false,
    types: [],
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  run("typescript", "tsc", ["-p", "."]);
}

try {
  checkJsr();
  const tarball = packProject(folder);
  run("publint", "publint", [tarball, "--strict"]);
  // The .wasm entries are no modules of TypeScript's; CommonJS reaches the package by require(esm), which attw cannot see.
  const wasm = readdirSync(join(root, "dist")).filter((file) => file.endsWith(".wasm"));
  run("@arethetypeswrong/cli", "attw", [tarball, "--profile", "esm-only", "--exclude-entrypoints", ...wasm]);
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--offline", tarball], { cwd: folder, stdio: "ignore" });
  writeFileSync(join(folder, "program.ts"), PROGRAM);
  checkTypes({ module: "nodenext" });
  checkTypes({ module: "esnext", moduleResolution: "bundler" });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
