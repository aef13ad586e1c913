/** The command line as a user meets it: dist/cli.js in a process of its own, in the runtime that runs the suite. */

import { execFile, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "uvu";
import * as assert from "uvu/assert";

declare const __ROOT__: string;

export const CLI: string = join(__ROOT__, "dist/cli.js");
const fixture = (name: string): string => join(__ROOT__, "test/fixtures", name);
/** The pair of networks in test/fixtures. */
export const A: string = fixture("fmnist-mlp-small-a.safetensors");
export const B: string = fixture("fmnist-mlp-small-b.safetensors");

/** What a process left behind. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandLine {
  /** The folder that processes run in: a new one for each test. */
  readonly folder: string;
  path(name: string): string;
  bytes(name: string): Buffer;
  run(...words: string[]): Promise<Outcome>;
  /** With `--json`, of which one line on stdout is expected and nothing on stderr. */
  // biome-ignore lint/suspicious/noExplicitAny: what a command prints is for each test to look into
  runJson(...words: string[]): Promise<{ code: number; json: any }>;
  /** Ctrl-C after `milliseconds`: expects exit code 130 and an AbortError, with `--json`. */
  interrupt(milliseconds: number, ...words: string[]): Promise<void>;
  /** Sends `signal` as soon as a file of that name is there; the code is meaningless where that ends the process. */
  stopAt(file: string, signal: "SIGINT" | "SIGKILL", ...words: string[]): Promise<Outcome>;
}

/** Gives each test of a suite a folder, with `data/` in it where there are `splits`: a thousand images by MNIST's names. */
export function commandLine(test: Test, splits: readonly ("train" | "t10k")[] = []): CommandLine {
  const [runtime, ...runtimeWords] = JSON.parse(process.env.REBASIN_RUNTIME!) as [string, ...string[]];
  let folder = "";
  test.before.each(() => {
    folder = mkdtempSync(join(tmpdir(), "rebasin-cli-"));
    if (splits.length > 0) mkdirSync(join(folder, "data"));
    for (const split of splits) {
      for (const part of ["images-1000-idx3-ubyte.gz", "labels-1000-idx1-ubyte.gz"])
        copyFileSync(fixture(`t10k-${part}`), join(folder, `data/${split}-${part.replace("-1000", "")}`));
    }
  });
  test.after.each(() => rmSync(folder, { recursive: true, force: true }));

  const run = (...words: string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const options = { cwd: folder, maxBuffer: 2 ** 26 };
      execFile(runtime, [...runtimeWords, CLI, ...words], options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (error.code as unknown as number), stdout, stderr });
      });
    });
  return {
    get folder() {
      return folder;
    },
    path: (name) => join(folder, name),
    bytes: (name) => readFileSync(join(folder, name)),
    run,
    async runJson(...words) {
      const { code, stdout, stderr } = await run(...words, "--json");
      assert.is(stderr, "");
      assert.is(stdout.split("\n").length, 2, `one line expected: ${stdout}`);
      return { code, json: JSON.parse(stdout) };
    },
    interrupt: (milliseconds, ...words) =>
      interrupt([runtime, ...runtimeWords, CLI, ...words, "--json"], folder, milliseconds),
    async stopAt(file, signal, ...words) {
      const child = spawn(runtime, [...runtimeWords, CLI, ...words], { cwd: folder });
      const text = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"] as const)
        child[stream].on("data", (part) => {
          text[stream] += part;
        });
      const watch = setInterval(() => {
        if (!existsSync(join(folder, file))) return;
        clearInterval(watch);
        child.kill(signal);
      }, 10);
      const code = await new Promise<number>((resolve) => child.on("close", (exit) => resolve(exit ?? -1)));
      clearInterval(watch);
      return { code, ...text };
    },
  };
}

async function interrupt([command, ...words]: string[], cwd: string, milliseconds: number): Promise<void> {
  const child = spawn(command!, words, { cwd });
  let stdout = "";
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  setTimeout(() => child.kill("SIGINT"), milliseconds);
  // Deno, as the parent, tells of exit code 130 as of a death by SIGINT; what was printed shows that it was none.
  const code = await new Promise((resolve) =>
    child.on("close", (exit, signal) => resolve(signal === "SIGINT" ? 130 : exit)),
  );
  assert.is(code, 130, stdout);
  assert.is(JSON.parse(stdout).error.type, "AbortError");
}
