/** The optional peers of test/peers/package.json, and the command line in a folder that has them. */

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { OnnxRuntime } from "../../src/run/onnx/runtime.ts";

declare const __ROOT__: string;

const FOLDER = join(__ROOT__, "test/peers");
const PEER = join(FOLDER, "node_modules/onnxruntime-web");
/** The tests run in a folder into which the packed tarball was installed. */
const HERE = process.cwd();

interface Suite {
  (name: string, body: () => Promise<void>): void;
  skip(name: string, body: () => Promise<void>): void;
}

/** A test that needs the peers: skipped by name where they are not installed, or failed where all are asked for. */
export function withPeers(test: Suite, name: string, body: () => Promise<void>): void {
  if (existsSync(PEER)) test(name, body);
  else if (process.env.REBASIN_ALL) test(name, () => Promise.reject(new Error("npm ci --prefix test/peers")));
  else {
    console.log(`skipped: ${name}, expected npm ci --prefix test/peers`);
    test.skip(name, body);
  }
}

/** onnxruntime-web, as a user would pass it. */
export function onnxRuntime(): OnnxRuntime {
  const runtime = createRequire(join(FOLDER, "package.json"))("onnxruntime-web") as OnnxRuntime;
  runtime.env.wasm.numThreads = 1;
  return runtime;
}

/** The installed command line beside the peer, as in a user's project. */
export async function runBeside(
  ...words: readonly string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const link = join(HERE, "node_modules/onnxruntime-web");
  mkdirSync(join(HERE, "node_modules"), { recursive: true });
  if (!existsSync(link)) symlinkSync(PEER, link);
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
