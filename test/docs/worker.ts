/** A worker out of a guide, in workerd. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { untilReady } from "../../scripts/runtimes/machine.mjs";
import { startWorker } from "../../scripts/runtimes/workerd.mjs";

export interface EdgeWorker {
  /** Without a slash at its end. */
  readonly url: string;
  stop(): void;
}

/** Bundles the worker as wrangler does, by the package's `workerd` condition, its wasm as modules; and starts it. */
export async function startEdgeWorker(folder: string, source: string): Promise<EdgeWorker> {
  writeFileSync(join(folder, "worker.ts"), source);
  const out = join(folder, "worker");
  await build({
    entryPoints: [join(folder, "worker.ts")],
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    logLevel: "error",
  });
  const worker = await startWorker(out, { main: "worker.mjs" });
  try {
    await untilReady(worker.child, () => fetch(worker.url));
  } catch (error) {
    worker.stop();
    throw error;
  }
  return { url: worker.url.replace(/\/$/, ""), stop: () => worker.stop() };
}
