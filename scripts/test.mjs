// npm test: bundles the suites and runs them in every runtime that the machine has; ends with `N passed, N failed`.
//   unit     test/unit/**/*.test.ts  src with the built wasm; portable: in every runtime
//   node     test/node/*.test.ts     files and the command line (dist/): in Node, Deno and Bun
//   package  test/package/*.test.ts  imports `rebasin` from the packed and installed tarball: in Node, Deno and Bun
//   consumers test/consumers/*.test.ts  the packed tarball in projects of its users: bundlers, TypeScript, registries, pages
//   examples test/examples/*.test.ts  examples/ with the packed tarball
//   app      test/app/*.test.ts      the browser app (dist/app): driven from Node in Chromium and Firefox
//   notebook test/notebook/*.test.ts  examples/notebook.ipynb, run by Jupyter
//   docs     test/docs/*.test.ts     the snippets of docs/ and of docstrings, with the packed tarball
//   peers    test/peers/*.test.ts    the packed tarball and optional peers that are installed apart: in Node, Deno and Bun
//   edge     test/edge/*.test.ts     imports `rebasin` by its `workerd` condition: in workerd
// Options: --runtime node,deno,…  --suite unit,node,package,edge,consumers,peers,examples,app,notebook,docs  --match TEXT (file names)  --no-build
//          --whole: suites of many networks and processes in Deno and Bun, too
//          --all (also set by CI=true): a runtime that is missing is a failure
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { root } from "./build.mjs";
import { FOR_WORKERD } from "./bundle.mjs";
import { embedWasm } from "./embed-wasm.mjs";
import { packProject } from "./pack.mjs";
import { browsers } from "./runtimes/browsers.mjs";
import { processes } from "./runtimes/processes.mjs";
import { workerd } from "./runtimes/workerd.mjs";

/** Name → { suites, missing(): why or null, run(job): rejects on failure }; what a runtime prints holds its counts. */
const RUNTIMES = new Map(Object.entries({ ...processes, ...workerd, ...browsers }));

const { values: options } = parseArgs({
  options: {
    runtime: { type: "string" },
    suite: { type: "string", default: "unit,node,package,edge,consumers,peers,examples,app,notebook,docs" },
    match: { type: "string", default: "" },
    "no-build": { type: "boolean", default: false },
    whole: { type: "boolean", default: false },
    all: { type: "boolean", default: process.env.CI === "true" },
  },
});
// Tests that need a tool which is missing skip themselves, unless everything is asked for.
if (options.all) process.env.REBASIN_ALL = "1";
if (options.whole) process.env.REBASIN_WHOLE = "1";
const chosen = options.runtime?.split(",") ?? [...RUNTIMES.keys()];
const unknown = chosen.find((name) => !RUNTIMES.has(name));
if (unknown !== undefined) {
  console.error(`--runtime ${unknown}, expected some of ${[...RUNTIMES.keys()].join(",")}`);
  process.exit(2);
}

/** What suites may import beyond their bundle. The portable ones: nothing, so that a `node:` import does not build. */
const SETTINGS = {
  unit: { platform: "browser" },
  // TensorFlow.js finds its wasm beside its own files.
  node: { platform: "node", external: ["@tensorflow/*", "bullmq", "ioredis", "onnxruntime-web", "h5wasm"] },
  package: { platform: "node", external: ["rebasin", "rebasin/*"] },
  app: { platform: "node", external: ["playwright-core", "puppeteer-core"] },
  edge: { platform: "browser", conditions: ["workerd"] },
  consumers: { platform: "node", external: ["playwright-core", "puppeteer-core"] },
  peers: { platform: "node", external: ["@tensorflow/*", "onnxruntime-web", "h5wasm"] },
  examples: { platform: "node", external: ["esbuild", "rebasin"] },
  notebook: { platform: "node" },
  docs: { platform: "node", external: ["esbuild", "playwright-core"] },
};

/** Runtimes at a time at most: browsers and TensorFlow.js take a gigabyte each. */
const MOST_LANES = 4;

/** Suites that use the packed and installed tarball, in a folder of their own. */
const PACKED = ["package", "consumers", "peers", "examples", "docs"];

/** Bundles a suite into `folder`: suite.mjs, and main.mjs that runs it. */
async function bundle(suite, folder, { loader, ...extra }) {
  const contents = [
    'import "./setup.ts";',
    ...filesOf(suite).map((file) => `import ${JSON.stringify(`./${suite}/${file}`)};`),
    'export { runAndReport } from "./run-suites.ts";',
  ].join("\n");
  await build({
    stdin: { contents, resolveDir: join(root, "test"), loader: "ts" },
    entryNames: "suite",
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    target: "es2022",
    ignoreAnnotations: true, // package.json says sideEffects: false, which would drop the suites
    plugins: [embedWasm],
    loader: { ".safetensors": "binary", ...loader },
    define: { __VERSION__: JSON.stringify("0.0.0-test"), __ROOT__: JSON.stringify(root) },
    logLevel: "error",
    ...SETTINGS[suite],
    ...extra,
  });
  writeFileSync(join(folder, "main.mjs"), 'import { runAndReport } from "./suite.mjs";\nawait runAndReport();\n');
}

function filesOf(suite) {
  const folder = join(root, "test", suite);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".test.ts") && !file.includes("node_modules/") && file.includes(options.match))
    .sort();
}

/** Packs the project and installs the tarball into an empty folder, as a user would. */
function installPacked() {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-package-"));
  const run = (args, cwd) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  run(["install", "--no-audit", "--no-fund", packProject(folder)], folder);
  cpSync(join(root, "test/fixtures"), join(folder, "fixtures"), { recursive: true });
  return folder;
}

/** Runs one bundle in one runtime and hands on what it prints; resolves to its counts. */
async function runIn(name, job, print) {
  let output = "";
  let failure = null;
  const log = (text) => {
    output += text;
    print(text.replaceAll(/^##counts .*$/gm, ""));
  };
  try {
    await RUNTIMES.get(name).run({ ...job, log });
  } catch (error) {
    failure = error;
  }
  const line = /^##counts (.*)$/m.exec(output);
  // A runtime that dies, or says nothing, or counts nothing is one failure more than it admits.
  const counts = line ? JSON.parse(line[1]) : { passed: 0, failed: 0, skipped: 0 };
  if ((failure !== null && counts.failed === 0) || counts.passed + counts.failed + counts.skipped === 0) {
    print(`${failure ?? `${name} ran no test`}\n`);
    counts.failed += 1;
  }
  return counts;
}

/** What the runtimes of one suite share: folders, and bundles made when the first of them needs one. */
function openSuite(suite, names) {
  const cwd = PACKED.includes(suite) ? installPacked() : root;
  const folder = suite === "package" ? cwd : join(root, `build/test/${suite}-${process.pid}`);
  const bundles = new Map();
  let left = names.length;
  return {
    cwd,
    async bundleFor(edge) {
      const place = edge ? join(folder, "edge") : folder;
      if (!bundles.has(place)) bundles.set(place, bundle(suite, place, edge ? FOR_WORKERD : {}));
      await bundles.get(place);
      return place;
    },
    done() {
      left -= 1;
      if (left > 0) return;
      rmSync(folder, { recursive: true, force: true });
      if (cwd !== root) rmSync(cwd, { recursive: true, force: true });
    },
  };
}

if (!options["no-build"])
  execFileSync(process.execPath, [join(root, "scripts/build.mjs")], { cwd: root, stdio: "inherit" });
const total = { passed: 0, failed: 0, skipped: 0 };
const lines = [];
const jobs = [];
for (const suite of options.suite.split(",")) {
  if (filesOf(suite).length === 0) continue;
  const names = chosen.filter((name) => {
    const { suites, missing } = RUNTIMES.get(name);
    const why = suites.includes(suite) ? missing() : null;
    if (why !== null) {
      const required = options.all || options.runtime !== undefined;
      if (required) total.failed += 1;
      lines.push(`${suite} in ${name}: ${required ? "FAILED" : "skipped"}, ${why}`);
    }
    return suites.includes(suite) && why === null;
  });
  let shared;
  const open = () => (shared ??= openSuite(suite, names));
  for (const name of names) jobs.push({ suite, name, open });
}

async function runJob({ suite, name, open }, print) {
  const started = performance.now();
  const { cwd, bundleFor, done } = open();
  print(`\n── ${suite} in ${name} ──\n`);
  const folder = await bundleFor(RUNTIMES.get(name).edge);
  const { passed, failed, skipped } = await runIn(name, { suite, cwd, folder }, print);
  done();
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  const seconds = Math.round((performance.now() - started) / 1000);
  lines.push(`${suite} in ${name}: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`);
}

/** Takes jobs until none is left. One of several lanes prints a job when it is over, so that lines do not mix. */
async function runLane(alone) {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    let kept = "";
    await runJob(job, alone ? (text) => process.stdout.write(text) : (text) => (kept += text));
    process.stdout.write(kept);
  }
}

// Suites use a processor each, but for the tests of threads.
const lanes = Math.min(jobs.length, availableParallelism(), MOST_LANES);
await Promise.all(Array.from({ length: lanes }, () => runLane(lanes === 1)));
console.log(`\n${lines.join("\n")}`);
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;
