/** Pairs of models for `bench match`: made where they are missing, and read into memory, as the baseline reads them. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";
import { parseSpec } from "../../src/axes/spec-file.ts";
import type { Spec } from "../../src/axes/types.ts";
import { memoryModel, type TensorData } from "../../src/base/memory-model.ts";
import type { Model } from "../../src/base/model.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { ROOT } from "./machine.ts";
import { type PairFiles, UsageError } from "./options.ts";
import { pythonEnvironment } from "./python.ts";

/** A pair that the repository holds; float16, which the baseline's numpy is no match for. */
export const FIXTURE_PAIR: PairFiles = {
  name: "fmnist-mlp-small (float16)",
  spec: "auto",
  a: `${ROOT}/test/fixtures/fmnist-mlp-small-a.safetensors`,
  b: `${ROOT}/test/fixtures/fmnist-mlp-small-b.safetensors`,
};

export interface LoadedPair {
  readonly name: string;
  readonly a: Model;
  readonly b: Model;
  readonly spec: Spec;
}

/** Both models in memory, and the spec. */
export async function loadPair({ name, spec, a, b }: PairFiles): Promise<LoadedPair> {
  const first = await readWhole(a);
  const parsed =
    spec === "auto" ? await detectSpec(first, { normGroups: 1 }) : parseSpec(readFileSync(spec, "utf8"), spec);
  return { name, a: first, b: await readWhole(b), spec: parsed };
}

async function readWhole(path: string): Promise<Model> {
  const file = await openModelFile(path);
  const tensors = new Map<string, TensorData>();
  for (const [name, info] of file.tensors) tensors.set(name, { ...info, data: await file.read(name) });
  await file.close?.();
  return memoryModel(tensors, { name: path });
}

/**
 * Runs the baseline's `scale NAME DIR` unless its files are there. Throws `UsageError` without a baseline script or Python
 * to run it, and for a directory inside the repository, where files of 100 MB have no place.
 */
export function makeScale({ spec, a, b, scale }: PairFiles, baseline: string | undefined, python: string | null): void {
  if (scale === undefined || [spec, a, b].every((path) => existsSync(path))) return;
  const { name, directory } = scale;
  const inside = relative(ROOT, resolve(directory));
  if (!inside.startsWith("..") && !isAbsolute(inside))
    throw new UsageError(`--scale ${name} directory ${directory}, expected one outside the repository`);
  if (baseline === undefined || python === null)
    throw new UsageError(`${directory} does not hold ${name}, expected --baseline and Python with numpy to make it`);
  mkdirSync(directory, { recursive: true });
  console.log(`making ${name} in ${directory} (the script also times itself: half a minute)`);
  const { status } = spawnSync(python, [baseline, "scale", name, directory], {
    stdio: ["ignore", "ignore", "inherit"],
    env: pythonEnvironment(),
  });
  if (status !== 0) throw new UsageError(`${baseline} scale ${name} ended with ${status}, expected 0`);
}
