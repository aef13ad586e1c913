/** The part of `bench startup` about edge workers: processor time of fresh workerd processes, as Linux counts it. */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { build } from "esbuild";
import { untilReady } from "../runtimes/machine.mjs";
import { startWorker } from "../runtimes/workerd.mjs";
import { ROOT } from "./machine.ts";
import { bestAndMedian, table } from "./results.ts";
import { median } from "./timing.ts";

/** Source text: `network(784, 64, 10)` makes an MLP, another one at every call, the same ones in every process. */
export const NETWORKS = `let state = 1;
const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
const tensor = (...shape) => ({ dtype: "F32", shape, data: new Uint8Array(Float32Array.from({ length: shape.reduce((a, b) => a * b) }, next).buffer) });
const network = (...widths) => new Map(widths.slice(1).flatMap((out, k) => [["layers." + k + ".weight", tensor(out, widths[k])], ["layers." + k + ".bias", tensor(out)]]));
`;

/** What answers a request, step by step; the package counts by the difference to a worker that imports nothing. */
const WORKER = (imports: string, match: string): string => `${imports}
${NETWORKS}let pair;
const steps = { "/ready": () => 0, "/networks": () => { pair = [network(784, 64, 10), network(784, 64, 10)]; }, "/match": async () => { ${match} } };
export default { fetch: async (request) => { await steps[new URL(request.url).pathname](); return new Response("done"); } };`;

const WORKERS: Readonly<Record<string, string>> = {
  nothing: WORKER("", ""),
  rebasin: WORKER(
    'import { detectSpec, matchWeights, memoryModel } from "rebasin";',
    "const [a, b] = pair.map((tensors) => memoryModel(tensors)); await matchWeights(a, b, await detectSpec(a));",
  ),
};

/** Milliseconds of the thread that runs JavaScript: to be ready, for a first match, and for the next. */
type Times = readonly [ready: number, first: number, again: number];

/** A table; undefined where processor time cannot be read (not Linux). */
export async function edgeStarts(processes: number): Promise<string | undefined> {
  if (!existsSync("/proc/self/schedstat")) return undefined;
  const times = new Map<string, Times[]>(Object.keys(WORKERS).map((name) => [name, []]));
  const folder = mkdtempSync(join(tmpdir(), "rebasin-startup-"));
  try {
    for (const [name, contents] of Object.entries(WORKERS)) await bundle(contents, join(folder, name));
    for (let round = 0; round < processes; round++)
      for (const [name, list] of times) list.push(await startOnce(join(folder, name)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const difference = (at: number): number[] => {
    const base = median(times.get("nothing")!.map((each) => each[at]!));
    return times.get("rebasin")!.map((each) => each[at]! - base);
  };
  const [imported, first, again] = [difference(0), difference(1), difference(2)];
  return [
    `Milliseconds of processor time in ${processes} fresh workerd processes, beyond those of a worker that answers at once: two networks 784-64-10, matched while a request is answered.`,
    table(
      ["", "ms"],
      [
        ["import of the package, when the worker starts", bestAndMedian(imported)],
        ["first match, in a request", bestAndMedian(first)],
        ["import and first match", bestAndMedian(imported.map((value, k) => value + first[k]!))],
        ["second match", bestAndMedian(again)],
      ],
    ),
  ].join("\n\n");
}

async function bundle(contents: string, folder: string): Promise<void> {
  await build({
    stdin: { contents, resolveDir: ROOT },
    outfile: join(folder, "worker.js"),
    bundle: true,
    // As `examples/worker/` is deployed.
    minify: true,
    format: "esm",
    conditions: ["workerd"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    logLevel: "error",
  });
}

async function startOnce(folder: string): Promise<Times> {
  const worker = await startWorker(folder, { main: "worker.js" });
  try {
    await untilReady(worker.child, () => fetch(`${worker.url}ready`));
    const { pid } = worker.child;
    // Nanoseconds that the thread ran; the first one runs JavaScript.
    const spent = (): number => Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ")[0]) / 1e6;
    const step = async (path: string): Promise<number> => {
      await sleep(100);
      const before = spent();
      await (await fetch(worker.url + path)).text();
      return spent() - before;
    };
    const ready = spent();
    await step("networks");
    return [ready, await step("match"), await step("match")];
  } finally {
    worker.stop();
  }
}
