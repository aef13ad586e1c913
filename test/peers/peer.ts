/** The optional peers of test/peers/package.json, and the command line in a folder that has them. */

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import type { OnnxRuntime } from "../../src/run/onnx/runtime.ts";
import type { TfConverter, TfLayers } from "../../src/run/saved/loaders.ts";

declare const __ROOT__: string;

const FOLDER = join(__ROOT__, "test/peers");
/** What is installed there, and of TensorFlow.js what the project has: both use one of it. */
const PEERS = ["onnxruntime-web", "@tensorflow/tfjs-converter", "@tensorflow/tfjs-layers", "h5wasm"].map(
  (name) => [name, join(FOLDER, "node_modules", name)] as const,
);
const OWN = ["@tensorflow/tfjs-core", "@tensorflow/tfjs-backend-wasm"].map(
  (name) => [name, join(__ROOT__, "node_modules", name)] as const,
);
/** The tests run in a folder into which the packed tarball was installed. */
const HERE = process.cwd();

/** A folder of this run's own: other runtimes run the same tests beside it. */
const OURS = mkdtempSync(join(HERE, "peers-"));
process.on("exit", () => rmSync(OURS, { recursive: true, force: true }));

/** The path of a file that a test writes. */
export const path = (name: string): string => join(OURS, name);

interface Suite {
  (name: string, body: () => Promise<void>): void;
  skip(name: string, body: () => Promise<void>): void;
}

/** A test that needs the peers: skipped by name where they are not installed, or failed where all are asked for. */
export function withPeers(test: Suite, name: string, body: () => Promise<void>): void {
  if (PEERS.every(([, path]) => existsSync(path))) test(name, body);
  else if (process.env.REBASIN_ALL) test(name, () => Promise.reject(new Error("npm ci --prefix test/peers")));
  else {
    console.log(`skipped: ${name}, expected npm ci --prefix test/peers`);
    test.skip(name, body);
  }
}

const load = (name: string): unknown => createRequire(join(FOLDER, "package.json"))(name);

/** onnxruntime-web, as a user would pass it. */
export function onnxRuntime(): OnnxRuntime {
  const runtime = load("onnxruntime-web") as OnnxRuntime;
  runtime.env.wasm.numThreads = 1;
  return runtime;
}

/** The loaders of TensorFlow.js, as a user would pass them. */
export const tfLoaders = (): { readonly converter: TfConverter; readonly layers: TfLayers } => ({
  converter: load("@tensorflow/tfjs-converter") as TfConverter,
  layers: load("@tensorflow/tfjs-layers") as TfLayers,
});

interface H5wasm {
  readonly ready: Promise<{
    readonly FS: { readFile(name: string): Uint8Array; unlink(name: string): void };
  }>;
  readonly File: new (
    name: string,
    mode: "r" | "w",
  ) => {
    create_group(name: string): unknown;
    create_dataset(options: object): unknown;
    get(path: string): unknown;
    close(): unknown;
  };
}

/** h5wasm, with its files in memory. */
export async function h5wasm(): Promise<Pick<H5wasm, "File"> & Awaited<H5wasm["ready"]>> {
  const place = pathToFileURL(join(FOLDER, "node_modules/h5wasm/dist/esm/hdf5_hl.js"));
  const { File, ready } = (await import(place.href)) as H5wasm;
  return { File, FS: (await ready).FS };
}

/** The installed command line beside the peers, as in a user's project. */
export async function runBeside(
  ...words: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  for (const [name, path] of [...PEERS, ...OWN]) {
    const link = join(HERE, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    try {
      symlinkSync(path, link);
    } catch (error) {
      // Another runtime, or an earlier test, was first.
      if ((error as { code?: string }).code !== "EEXIST") throw error;
    }
  }
  const cli = join(HERE, "node_modules/rebasin/dist/cli.js");
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...words], { maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code as unknown as number), stdout, stderr }),
    );
  });
}

/** With `--json`: what is printed, and exit code `code`. */
// biome-ignore lint/suspicious/noExplicitAny: what a command prints is for each test to look into
export async function runJsonBeside(code: number, ...words: readonly string[]): Promise<any> {
  const ran = await runBeside(...words, "--json");
  assert.is(ran.stderr, "");
  assert.is(ran.code, code, ran.stdout);
  return JSON.parse(ran.stdout);
}
