/** The worker of examples/worker/, bundled with the installed package and run in workerd; and requests to it. */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { untilReady } from "../../scripts/runtimes/machine.mjs";
import { startWorker, type Worker } from "../../scripts/runtimes/workerd.mjs";

declare const __ROOT__: string;

/** As test/package/package.test.ts has it. */
export const MERGED = "18e19839bbd0b539ff5952c23e057d29be0e78a846988142ee03dbc1eeb4f30a";

const fixture = (name: string): Buffer<ArrayBuffer> => readFileSync(`fixtures/fmnist-mlp-small-${name}.safetensors`);
export const A: Buffer<ArrayBuffer> = fixture("a");
export const B: Buffer<ArrayBuffer> = fixture("b");

/**
 * Bundles the worker as wrangler does, from this entry; the folder with it. The tests run in a folder with the package
 * installed.
 */
export async function bundleWorker(entry: "index" | "with-pytorch" | "measured" = "index"): Promise<string> {
  const out = `worker/out-${entry}`;
  const { cpSync } = await import("node:fs");
  const { build } = await import("esbuild");
  cpSync(join(__ROOT__, "examples/worker/src"), "worker/src", { recursive: true });
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: [`worker/src/${entry}.ts`],
    outfile: `${out}/index.js`,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd"],
    loader: { ".wasm": "copy" },
    assetNames: "[name]",
    logLevel: "warning",
  });
  return out;
}

/** Starts it with the flags of its wrangler.jsonc; resolves when it answers. */
export async function start(folder: string, bindings: Record<string, string>): Promise<Worker> {
  const config = readFileSync(join(__ROOT__, "examples/worker/wrangler.jsonc"), "utf8");
  const flags = JSON.parse(/"compatibility_flags": (\[[^\]]*\])/.exec(config)![1]!) as string[];
  const worker = await startWorker(folder, { main: "index.js", bindings, flags });
  await untilReady(worker.child, () => fetch(`${worker.url}health`));
  return worker;
}

/** A form with these fields; bytes become files. */
export function form(fields: Readonly<Record<string, Uint8Array<ArrayBuffer> | string>>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields))
    if (typeof value === "string") data.append(name, value);
    else data.append(name, new Blob([value]), `${name}.safetensors`);
  return data;
}

/** A request that gets no answer fails its test. */
const PATIENCE_MS = 60_000;

export const post = (worker: Worker, init: RequestInit): Promise<Response> =>
  fetch(`${worker.url}merge`, { method: "POST", signal: AbortSignal.timeout(PATIENCE_MS), ...init });

export const postJson = (worker: Worker, value: unknown): Promise<Response> =>
  post(worker, { body: JSON.stringify(value), headers: { "content-type": "application/json" } });

/** Resolves when no merge runs or waits. */
export async function idle(worker: Worker): Promise<void> {
  for (let tries = 100; ; tries--) {
    const { merges } = await (await fetch(`${worker.url}health`, { signal: AbortSignal.timeout(5000) })).json();
    if (merges === 0) return;
    if (tries === 0) throw new Error(`${merges} merges after 10 s, expected none`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function digestOf(response: Response): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
  return Buffer.from(digest).toString("hex");
}

/** The response must be a problem of this status whose detail matches. */
export async function checkProblem(what: string, response: Response, status: number, detail: RegExp): Promise<void> {
  const text = await response.text();
  assert.is(response.status, status, `${what}: ${response.status} ${text.slice(0, 200)}`);
  assert.is(response.headers.get("content-type"), "application/problem+json", what);
  const problem = JSON.parse(text);
  assert.is(problem.status, status, what);
  assert.ok(problem.title.length > 0, what);
  assert.match(problem.detail, detail, `${what}: ${problem.detail}`);
}
