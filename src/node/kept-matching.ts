/** The file where a plan's matching keeps how far it is, and what a plan's folder of files belongs to. */

import { rm, stat } from "node:fs/promises";
import { FormatError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { tensorBytes } from "../base/tensor-bytes.ts";
import { VERSION } from "../base/version.ts";
import { canonicalJson } from "../plan/canonical.ts";
import type { MergePlan } from "../plan/merge-plan.ts";
import type { PlanHost } from "../plan/plan-host.ts";
import { planInputs, planModels } from "../plan/plan-paths.ts";
import { contentDigest } from "./content-digest.ts";
import { whenFinished, writesAtOnce } from "./held-outputs.ts";
import { checkOutputFiles } from "./model-output.ts";
import { openModelFile } from "./open-model.ts";
import { saveSafetensors } from "./save-safetensors.ts";
import { codeOf } from "./system-error.ts";

/**
 * A larger state is written again after so many times what writing it takes: Frank–Wolfe's can have gigabytes. Smaller
 * ones always are, such as the last of a matching.
 */
const [LARGE_BYTES, PATIENCE] = [2 ** 24, 9];

/** Refuses a file that something else is read from or written to. */
export async function checkKept(path: string, others: readonly string[]): Promise<void> {
  await checkOutputFiles([path], { force: true, inputs: others });
}

/**
 * Keeps a matching in the file, whole at any moment. At the end of the run the file is removed, unless it is that of a
 * straight-through search: another run with more steps resumes from it.
 */
export function keptMatching(
  path: string,
  signal: AbortSignal | undefined,
): Required<Pick<PlanHost, "ended">> & { readonly checkpoint: NonNullable<PlanHost["checkpoint"]> } {
  let isSearch = true;
  return {
    async checkpoint(method) {
      isSearch = method === "straight-through";
      writesAtOnce(path);
      const resume = (await isThere(path)) ? await openModelFile(path, { signal }) : undefined;
      const save = (state: Model): Promise<void> => saveSafetensors(state, path, { force: true, signal });
      return { resume, save: isSearch ? save : patiently(save) };
    },
    async ended(isDone) {
      if (isDone && !isSearch) await whenFinished(() => rm(path, { force: true }));
    },
  };
}

/** Passes over states where saving them would take too much of the time. */
function patiently(save: (state: Model) => Promise<void>): (state: Model) => Promise<void> {
  let [ended, perByte] = [0, 0];
  return async (state) => {
    const bytes = [...state.tensors.values()].reduce((sum, info) => sum + tensorBytes(info), 0);
    const started = performance.now();
    if (bytes > LARGE_BYTES && started - ended < PATIENCE * perByte * bytes) return;
    await save(state);
    ended = performance.now();
    perByte = (ended - started) / bytes;
  };
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error) => {
      if (codeOf(error) === "ENOENT") return false;
      throw error;
    },
  );

/** Everything that decides the bytes of a plan's files, by name: the plan and each file that it reads. */
export async function recordPlan(
  plan: MergePlan,
  at: (path: string) => string,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, string>> {
  const { output: { path: _, permutations: __, ...output } = {}, ...rest } = plan;
  const record = new Map([
    ["version", VERSION],
    ["the plan", canonicalJson({ ...rest, output })],
  ]);
  const stated = new Map(planModels(plan).map(([model]) => [model.path, model.sha256]));
  for (const path of planInputs(plan)) {
    const known = stated.get(path);
    if (known === undefined && (path === "-" || /^https?:\/\//.test(path)))
      throw new FormatError(`${path} has no sha256, expected one: a checkpoint is kept by what it is made of`);
    record.set(path, known ?? (await contentDigest(at(path), signal)));
  }
  return record;
}
