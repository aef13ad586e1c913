/** Runs the blocks of one guide in order, in a folder with two checkpoints, a data set and the installed package. */

import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { transform } from "esbuild";
import type { Block } from "./markdown.ts";
import { kerasNetwork, onnxOfMlp, writeTransformers } from "./networks.ts";
import { runPage } from "./page.ts";
import { type EdgeWorker, startEdgeWorker } from "./worker.ts";

declare const __ROOT__: string;

/** What runs ONNX models; blocks with the mark `onnxruntime` need it. */
const ONNX_RUNTIME = join(__ROOT__, "test/peers/node_modules/onnxruntime-web");
export const hasOnnxRuntime: boolean = existsSync(ONNX_RUNTIME);

/** Where guides say that their worker listens. */
const PLACE = "http://localhost:8787";

/** An empty folder for a guide, below the project that has the package. */
export async function guideFolder(name: string): Promise<string> {
  const folder = join(process.cwd(), `guide-${name}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "fashion-mnist"), { recursive: true });
  for (const model of ["a", "b"])
    copyFileSync(`fixtures/fmnist-mlp-small-${model}.safetensors`, join(folder, `${model}.safetensors`));
  // The thousand test images stand in for both halves.
  for (const half of ["t10k", "train"])
    for (const kind of ["images-1000-idx3", "labels-1000-idx1"])
      copyFileSync(
        `fixtures/t10k-${kind}-ubyte.gz`,
        join(folder, "fashion-mnist", `${half}-${kind.replace("-1000", "")}-ubyte.gz`),
      );
  const peers = join(process.cwd(), "node_modules/@tensorflow");
  if (!existsSync(peers)) symlinkSync(join(__ROOT__, "node_modules/@tensorflow"), peers);
  const onnx = join(process.cwd(), "node_modules/onnxruntime-web");
  if (hasOnnxRuntime && !existsSync(onnx)) symlinkSync(ONNX_RUNTIME, onnx);
  await writeNetworks(name, folder);
  return folder;
}

/** Networks of the guides that have no others. */
async function writeNetworks(name: string, folder: string): Promise<void> {
  if (name === "transformers") await writeTransformers(folder);
  if (name !== "any-model" && name !== "examples") return;
  writeFileSync(join(folder, "model.keras"), kerasNetwork());
  for (const [model, copies] of [
    ["a", ["a", "model", "network", ...(name === "examples" ? ["merged"] : [])]],
    ["b", ["b"]],
  ] as const) {
    const bytes = await onnxOfMlp(readFileSync(join(folder, `${model}.safetensors`)));
    for (const copy of copies) writeFileSync(join(folder, `${copy}.onnx`), bytes);
  }
}

/** What a guide's blocks have in common while they run. */
export interface Run {
  readonly folder: string;
  /** Text of the last program, for `continued`. */
  program: string;
  programs: number;
  worker: EdgeWorker | null;
}

/** Runs a block; resolves to what it prints. Rejects with what it says on its way down. */
export async function runBlock(run: Run, { language, marks, text }: Block): Promise<string> {
  if (marks.includes("worker")) {
    run.worker = await startEdgeWorker(run.folder, text);
    return "";
  }
  if (language === "html") return runPage(run.folder, text);
  if (language === "sh") {
    // The package's own command, without npx's search for it; and nothing is installed, since packages are shared by links.
    const script = `npx() { "$@"; }\nnpm() { echo "npm $* in a guide, expected it marked not-run" >&2; return 1; }\n${text.replaceAll(PLACE, run.worker?.url ?? PLACE)}`;
    return execute(run.folder, "bash", ["-euo", "pipefail", "-c", script]);
  }
  run.program = marks.includes("continued") ? run.program + text : text;
  const { code } = await transform(run.program, { loader: "ts", format: "esm", target: "es2022" });
  const file = `program-${++run.programs}.mjs`;
  writeFileSync(join(run.folder, file), code);
  return execute(run.folder, process.execPath, [file]);
}

async function execute(cwd: string, program: string, words: readonly string[]): Promise<string> {
  const PATH = `${join(process.cwd(), "node_modules/.bin")}:${process.env.PATH}`;
  const options = { cwd, env: { ...process.env, PATH, NO_COLOR: "1" }, encoding: "utf8" } as const;
  try {
    return (await promisify(execFile)(program, words, options)).stdout;
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout: string; stderr: string };
    throw new Error(`${message}\n${stdout}\n${stderr}`);
  }
}
