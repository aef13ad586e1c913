/** Programs that used threads end by themselves, whatever became of the matching: the built package in its own process. */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

declare const __ROOT__: string;

const test = suite("threads in a process");
const [runtime, ...runtimeArguments] = JSON.parse(process.env.REBASIN_RUNTIME!) as string[];

/** Two random networks of 300 hidden units: large enough for workers to be started. */
const PROLOGUE = `
import { detectSpec, matchWeights, memoryModel } from ${JSON.stringify(pathToFileURL(join(__ROOT__, "dist/index.js")).href)};
let state = 1;
const random = (count) => Float32Array.from({ length: count }, () => ((state = (state * 48271) % 2147483647) / 2147483647 - 0.5));
const tensor = (...shape) => ({ dtype: "F32", shape, data: new Uint8Array(random(shape.reduce((x, y) => x * y)).buffer) });
const network = () => new Map([
  ["layers.0.weight", tensor(300, 300)], ["layers.0.bias", tensor(300)],
  ["layers.1.weight", tensor(300, 300)], ["layers.1.bias", tensor(300)],
  ["layers.2.weight", tensor(10, 300)], ["layers.2.bias", tensor(10)],
]);
const [a, b] = [memoryModel(network()), memoryModel(network())];
const spec = await detectSpec(a);
`;

/** Runs a program to its end; it is killed if it has none. */
function run(program: string): Promise<{ code: number | string | null; stdout: string; stderr: string }> {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-threads-"));
  const file = join(folder, "program.mjs");
  writeFileSync(file, PROLOGUE + program);
  return new Promise((resolve) => {
    execFile(runtime!, [...runtimeArguments, file], { timeout: 60_000 }, (error, stdout, stderr) => {
      rmSync(folder, { recursive: true, force: true });
      resolve({ code: error === null ? 0 : (error.signal ?? error.code ?? null), stdout, stderr });
    });
  });
}

test("after a matching", async () => {
  const { code, stdout, stderr } = await run(`
    const { report } = await matchWeights(a, b, spec, { threads: 3 });
    console.log(report.threads, report.memoryBytes > 4 * 300 * 300);
  `);
  assert.is(stderr, "");
  assert.is(stdout, "3 true\n");
  assert.is(code, 0);
});

test("after an abort", async () => {
  const { code, stdout, stderr } = await run(`
    const controller = new AbortController();
    const onProgress = ({ stage }) => stage === "frank-wolfe" && controller.abort(new Error("enough"));
    await matchWeights(a, b, spec, { threads: 3, signal: controller.signal, onProgress }).catch((error) => console.log(error.message));
  `);
  assert.is(stderr, "");
  assert.is(stdout, "enough\n");
  assert.is(code, 0);
});

test("after an error inside the matching, with two at once", async () => {
  const { code, stdout, stderr } = await run(`
    const onProgress = ({ stage, done }) => { if (stage === "frank-wolfe" && done === 2) throw new Error("thrown by a listener"); };
    const runs = [matchWeights(a, b, spec, { threads: 2 }), matchWeights(a, b, spec, { threads: 2, onProgress })];
    const [fine, broken] = await Promise.allSettled(runs);
    console.log(fine.status, broken.reason.message);
  `);
  assert.is(stderr, "");
  assert.is(stdout, "fulfilled thrown by a listener\n");
  assert.is(code, 0);
});

test("after an error that nobody catches", async () => {
  const { code, stderr } = await run(`
    const onProgress = ({ stage }) => { if (stage === "frank-wolfe") throw new Error("thrown by a listener"); };
    await matchWeights(a, b, spec, { threads: 2, onProgress });
  `);
  assert.match(stderr, "thrown by a listener");
  assert.is(code, 1);
});

test.run();
