/**
 * `npm run stress -- hostile DIR`, after a build: the small files of an attacker, each through the command line. Pairs named
 * `NAME-a`, `NAME-b` must give the permutations of the same pair scaled by 2^-60; `ref-accepts-*` must open; what is inspected
 * may print no raw control character; all others are one line, exit code 1. Each within 2 s, and Ctrl-C ends any within .5 s.
 */

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RAW } from "../../test/reference/hostile-text.ts";

const dir = process.argv[2] ?? "";
if (dir === "") {
  console.error("npm run stress -- hostile DIR, expected the folder of the hostile files");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "rebasin-hostile-"));
const CLI = join(process.cwd(), "dist/cli.js");
const [MOST_MS, MOST_STOP_MS] = [2000, 500];
let faults = 0;

interface Run {
  readonly code: number;
  readonly text: string;
  readonly ms: number;
}

/** Runs it; sends SIGINT after `stopAfter` ms, and measures from there. */
function run(words: readonly string[], stopAfter?: number): Promise<Run> {
  return new Promise((resolve) => {
    let started = performance.now();
    const child = spawn(process.execPath, [CLI, ...words], { cwd: folder });
    let text = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (part) => {
        text += part;
      });
    if (stopAfter !== undefined)
      setTimeout(() => {
        started = performance.now();
        child.kill("SIGINT");
      }, stopAfter);
    child.on("close", (code) => resolve({ code: code ?? -1, text, ms: performance.now() - started }));
  });
}

function say(name: string, { code, text, ms }: Run, fault: string | false): void {
  const raw = RAW.test(text.replaceAll("\n", "")) && "raw control characters";
  const slow = ms > MOST_MS && `${ms.toFixed(0)} ms`;
  const wrong = fault || raw || slow;
  if (wrong) faults++;
  const line = text.split("\n").find((each) => each.startsWith("rebasin:")) ?? "";
  console.log(`${wrong ? `WRONG (${wrong})` : "right"}  ${name}: exit ${code}, ${ms.toFixed(0)} ms  ${line}`);
}

/** A copy with every F32 value times 2^-60. */
function scaledCopy(path: string, name: string): string {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  for (let at = start; at + 4 <= bytes.length; at += 4) bytes.writeFloatLE(bytes.readFloatLE(at) * 2 ** -60, at);
  writeFileSync(join(folder, name), bytes);
  return name;
}

async function checkMatched(name: string): Promise<void> {
  const [a, b] = [`${name}-a.safetensors`, `${name}-b.safetensors`].map((file) => join(dir, file)) as [string, string];
  const found = await run(["match", a, b, "-o", `${name}.safetensors`, "--force"]);
  const scaled = [scaledCopy(a, "scaled-a"), scaledCopy(b, "scaled-b")];
  await run(["match", ...scaled, "-o", "scaled.safetensors", "--force"]);
  const same =
    found.code === 0 &&
    readFileSync(join(folder, `${name}.safetensors`)).equals(readFileSync(join(folder, "scaled.safetensors")));
  say(name, found, !same && "not the permutations of the pair times 2^-60");
}

const isOneLine = ({ code, text }: Run): boolean => code === 1 && text.split("\n").length === 2;

const files = readdirSync(dir).sort();
const model = files.find((file) => file.startsWith("hang-") && file.includes("-a."));
for (const file of files) {
  const path = join(dir, file);
  const words = file.endsWith(".json")
    ? ["inspect", join(dir, model!), "--spec", path]
    : file.includes("-perm")
      ? ["apply", join(dir, model!), path, "-o", "applied.safetensors", "--force"]
      : ["inspect", path];
  if (file.endsWith("-a.safetensors")) await checkMatched(file.slice(0, -"-a.safetensors".length));
  if (/^(hang|oob)-/.test(file)) continue;
  const done = await run(words);
  if (file.startsWith("ref-accepts-") || file.includes("tensor-name")) say(file, done, done.code !== 0 && "refused");
  else say(file, done, !isOneLine(done) && file !== "detect-hang-2KB.safetensors" && "not one line and exit code 1");
  for (const after of [30, 150]) {
    const stopped = await run(words, after);
    if (stopped.ms > MOST_STOP_MS) say(`${file}, Ctrl-C after ${after} ms`, stopped, `${stopped.ms.toFixed(0)} ms`);
  }
}
rmSync(folder, { recursive: true });
console.log(`hostile: ${files.length} files, ${faults} wrong`);
process.exitCode = faults > 0 ? 1 : 0;
