/** What the consumer tests share: folders of a user's project, programs run in them, and what must come out. */

import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";

declare const __ROOT__: string;

/** The checkout, whose tools are used; the package never comes from there. */
export const ROOT: string = __ROOT__;
/** Tools that only this suite needs. */
export const TOOLS: string = join(ROOT, "test/consumers/node_modules");
/** The tests run in a folder into which the packed tarball was installed. */
export const HERE: string = process.cwd();
export const A: string = resolve("fixtures/fmnist-mlp-small-a.safetensors");
export const B: string = resolve("fixtures/fmnist-mlp-small-b.safetensors");

/** As test/package/package.test.ts has it. */
export const MERGED = "18e19839bbd0b539ff5952c23e057d29be0e78a846988142ee03dbc1eeb4f30a";

interface Suite {
  (name: string, body: () => Promise<void>): void;
  skip(name: string, body: () => Promise<void>): void;
}

/** A test, if all of `needs` (name → path, null when not found) are there; if not, skipped by name, or failed where all are asked for. */
export function consumer(
  test: Suite,
  name: string,
  needs: Readonly<Record<string, string | null>>,
  body: () => Promise<void>,
): void {
  const lacking = Object.entries(needs)
    .filter(([, path]) => path === null || !existsSync(path))
    .map(([tool]) => tool);
  const why = `${lacking.join(" and ")} not found`;
  if (lacking.length === 0) test(name, body);
  else if (process.env.REBASIN_ALL) test(name, () => Promise.reject(new Error(why)));
  else {
    console.log(`skipped: ${name}, ${why}`);
    test.skip(name, body);
  }
}

/** A new folder `name` of the project, with these programs of test/consumers/programs/ and files by their text. */
export function project(
  name: string,
  programs: readonly string[],
  files: Readonly<Record<string, string>> = {},
): string {
  const folder = join(HERE, name);
  mkdirSync(folder);
  for (const file of programs) copyFileSync(join(ROOT, "test/consumers/programs", file), join(folder, file));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Rejects, with all it printed, when it fails. */
export function run(
  file: string,
  words: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<Ran> {
  return new Promise((done, fail) => {
    execFile(file, words, { cwd, env: { ...process.env, ...env }, timeout: 120_000 }, (error, stdout, stderr) => {
      if (error === null) done({ stdout, stderr });
      else fail(new Error(`${file} ${words.join(" ")} failed (${error.code ?? error.signal})\n${stdout}${stderr}`));
    });
  });
}

/** Every line that a program printed must be the digest, `count` of them. */
export function checkDigests({ stdout }: Ran, count: number): void {
  assert.is(stdout.trim(), Array.from({ length: count }, () => MERGED).join("\n"));
}
