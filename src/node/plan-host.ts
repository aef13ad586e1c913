/** Plans in Node, Deno and Bun: their paths are those of files. */

import { createHash } from "node:crypto";
import { mkdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join } from "node:path";
import { parseSpec } from "../axes/spec-file.ts";
import type { Spec } from "../axes/types.ts";
import { FormatError, SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { Running } from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { openModel } from "../formats/open-model.ts";
import type { OpenOptions } from "../formats/open-options.ts";
import { urlSource } from "../io/url-source.ts";
import type { MergePlan, PlanData, PlanModel } from "../plan/merge-plan.ts";
import type { PlanHost, PlanTarget } from "../plan/plan-host.ts";
import { checkDigest, taskFiles } from "../plan/plan-paths.ts";
import { describeSettings, type TensorSetting } from "../plan/settings.ts";
import { fileDigest } from "./content-digest.ts";
import { readDataFolder } from "./data-folder.ts";
import { HUB_PREFIX } from "./hub-cache.ts";
import { checkKept, keptMatching, recordPlan } from "./kept-matching.ts";
import { modelCard } from "./model-card.ts";
import { checkModelOutput, checkOutputFiles, openModelOutput, openStreamOutput } from "./model-output.ts";
import { openModelFile } from "./open-model.ts";
import { saveSafetensors } from "./save-safetensors.ts";
import { codeOf, wordsOf } from "./system-error.ts";

/** Options of `planFiles`. */
export interface PlanFilesOptions extends Running {
  /** Paths of the plan are relative to it: the folder of the plan's file. Default: the working directory. */
  readonly folder?: string | undefined;
  /** Replace existing files. Default false. */
  readonly force?: boolean | undefined;
  /** What the path `-` reads as a model. Without it there is no such path. */
  readonly stdin?: (() => Promise<Uint8Array<ArrayBuffer>>) | undefined;
  /** The temporary file that the path `-` writes a model to. Without it there is no such path. */
  readonly stdout?: (() => string) | undefined;
  /**
   * The file where a matching keeps its state, and resumes. It is removed when everything is written, except by the
   * straight-through search. Merges into folders keep whole files in `PATH.partial`.
   */
  readonly checkpoint?: string | undefined;
}

/** Means stdin and stdout. */
const DASH = "-";

/** The host of plans whose paths are those of files. */
export function createPlanFiles(options: PlanFilesOptions): PlanHost {
  const { folder, force = false, signal, onProgress } = options;
  const at = (path: string): string => placed(path, folder);
  const guardOf = (plan: MergePlan) => ({ force, inputs: inputsOf(plan).map(at) });
  let reads: readonly string[] = [];
  return {
    async prepare(plan) {
      reads = guardOf(plan).inputs;
      await prepareOutputs(plan, at, { force, inputs: reads });
      const { checkpoint } = options;
      if (checkpoint !== undefined) await checkKept(checkpoint, [...reads, ...outputsOf(plan).map(at)]);
    },
    open: (model) => openPlanModel(model, at, options),
    openSaved: (path) => openFile(at(path), options, { signal }),
    adapterConfig: ({ path }) => readAdapterConfig(at(path)),
    readSpec: (path) => readSpecFile(at(path), path),
    readImages: (data, split, limit) => readImages({ ...data, path: at(data.path) }, split, limit, signal),
    target: (plan, like) => targetOf(plan, like, at, { ...options, ...guardOf(plan) }),
    async saveBeside(model, path) {
      const file = path === DASH && options.stdout !== undefined ? options.stdout() : at(path);
      await saveSafetensors(model, file, { force, inputs: reads, signal, onProgress });
    },
    manyPermutations: (plan) => permutationFiles(plan, at),
    ...(options.checkpoint === undefined ? undefined : keptMatching(options.checkpoint, signal)),
  };
}

/** Where a path of a plan is. */
export function placed(path: string, folder: string | undefined): string {
  const stays = folder === undefined || folder === "." || path === DASH || isAbsolute(path);
  return stays || path.startsWith(HUB_PREFIX) || isUrl(path) ? path : join(folder, path);
}

export const isUrl = (path: string): boolean => /^https?:\/\//.test(path);

/** Files and folders that must not be written over. */
function inputsOf({ models, base, align }: MergePlan): string[] {
  const paths = [...models.flatMap((each) => [each.path, each.base?.path]), base?.path, align.permutations];
  return paths.filter((path) => path !== undefined && path !== DASH && !isUrl(path)) as string[];
}

const outputsOf = ({ output = {} }: MergePlan): string[] =>
  [output.path, output.permutations].filter((path) => path !== undefined && path !== DASH) as string[];

type At = (path: string) => string;
type Guard = { readonly force: boolean; readonly inputs: readonly string[] };

async function prepareOutputs(plan: MergePlan, at: At, guard: Guard): Promise<void> {
  const { output = {}, repair, align } = plan;
  const { path, permutations } = output;
  const tasks = repair?.kind === "per-task" && path !== undefined ? taskFiles(path) : [];
  // Several models' permutations are a folder, which is checked when it is made.
  const isFile = permutations !== undefined && permutations !== DASH && align.strategy === undefined;
  const others = [...(isFile ? [permutations] : []), ...tasks].map(at);
  if (align.strategy !== undefined) others.push(...(await permutationFiles(plan, at)).map(at));
  if (path === undefined || path === DASH) await checkOutputFiles(others, guard);
  else await checkModelOutput({ ...output, path: at(path) }, others, guard);
}

async function openPlanModel(
  { path, sha256, key, assume, prefix }: PlanModel,
  at: At,
  options: PlanFilesOptions,
): Promise<Model> {
  const { signal } = options;
  if (sha256 === undefined) return openFile(at(path), options, { signal, key, assume, prefix });
  if (isUrl(path)) return openWholeUrl({ path, sha256, key, assume, prefix }, signal);
  const file = at(path);
  if (path.startsWith(HUB_PREFIX) || path === DASH || (await stat(file).catch(() => undefined))?.isDirectory())
    throw new FormatError(`${path} is no file, expected no sha256 for it`);
  checkDigest({ path, sha256 }, await fileDigest(file, signal));
  return openFile(file, options, { signal, key, assume, prefix });
}

/** What is read into memory at most. */
const MOST_BYTES = 2 ** 31;

/** A URL's bytes are compared as a whole, then read from memory: it may give others the next time. */
async function openWholeUrl(model: PlanModel, signal: AbortSignal | undefined): Promise<Model> {
  const { path, key, assume, prefix } = model;
  const source = await urlSource(new URL(path), { signal });
  const { byteLength } = source;
  if (byteLength > MOST_BYTES)
    throw new FormatError(`${path} has ${byteLength} bytes, expected at most ${MOST_BYTES} with a sha256`);
  const bytes = await source.slice(0, byteLength, signal);
  checkDigest(model, createHash("sha256").update(bytes).digest("hex"));
  return openModel(Uint8Array.from(bytes), { name: path, signal, key, assume, prefix });
}

async function openFile(path: string, { stdin }: PlanFilesOptions, options: OpenOptions): Promise<Model> {
  if (isUrl(path)) return openModel(new URL(path), options);
  if (path !== DASH || stdin === undefined) return openModelFile(path, options);
  return openModel(await stdin(), { name: "stdin", ...options });
}

/** In the folder that a path names, or is in. */
async function readAdapterConfig(path: string): Promise<object | undefined> {
  if (isUrl(path) || path === DASH || path.startsWith(HUB_PREFIX)) return undefined;
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() === true;
  const file = join(isFolder ? path : dirname(path), "adapter_config.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch (cause) {
    throw new FormatError(`${file} is not JSON, expected an adapter's configuration`, { cause });
  }
}

/** A spec file; `name` appears in messages and reports. */
async function readSpecFile(path: string, name: string): Promise<Spec> {
  try {
    return parseSpec(await readFile(path, "utf8"), name);
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new SpecError(`${path}: ${wordsOf(error)}, expected a spec file`, { cause: error });
  }
}

async function readImages(
  { path, classes, ...how }: PlanData,
  split: "train" | "test",
  limit: number | undefined,
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const data = await readDataFolder(path, { ...how, split, limit, signal });
  if (classes === undefined) return data;
  const highest = data.labels.reduce((a, b) => Math.max(a, b), 0);
  if (highest >= classes)
    throw new RangeError(`${data.name} has label ${highest}, expected labels below the ${classes} classes`);
  return { ...data, classes, read: (start, end) => data.read(start, end) };
}

async function targetOf(
  plan: MergePlan,
  like: Model,
  at: At,
  { stdout, checkpoint, signal, onProgress, ...guard }: PlanFilesOptions & Guard,
): Promise<PlanTarget> {
  const { path, ...choice } = plan.output as { path: string };
  if (path === DASH && stdout !== undefined)
    return noted(await openStreamOutput({ ...choice, path: "stdout" }, like, stdout, { ...guard, signal, onProgress }));
  const inputs = plan.models.map((model) => model.path);
  const command = plan.align.strategy === undefined ? "merge" : "many";
  const settings = settingsOf(plan, like);
  const card = (model: Model): string => modelCard({ command, inputs, output: path, settings }, model);
  const keepParts = checkpoint === undefined ? undefined : () => recordPlan(plan, at, signal);
  const ways = { card, keepParts, signal, onProgress };
  const target = await openModelOutput({ ...choice, path: at(path) }, like, guard, ways);
  return { ...noted(target), path };
}

/** How tensors are blended, for the card; none where a tensor that is copied has no rule. */
function settingsOf(plan: MergePlan, { tensors }: Model): readonly TensorSetting[] {
  try {
    return plan.blend === undefined ? [] : describeSettings(plan, tensors);
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}

/** The format is worth a line where the path does not show it. */
function noted({ note, save, ...target }: Awaited<ReturnType<typeof openModelOutput>>): PlanTarget {
  return { ...target, formatNote: note, save };
}

/** A file for each model in the folder, which is made. Numbers keep files of one name apart. */
async function permutationFiles({ output, models }: MergePlan, at: At): Promise<string[]> {
  const folder = output?.permutations;
  if (folder === undefined) return [];
  try {
    await mkdir(at(folder), { recursive: true });
  } catch (cause) {
    throw new RangeError(`${folder} cannot be made (${wordsOf(cause)}), expected a directory`, { cause });
  }
  return models.map(({ path }, i) => {
    const name = basename(path === DASH ? "stdin" : path).replace(/\.(safetensors|pt|pth|bin|ckpt|npz|npy)$/, "");
    return join(folder, `${i}-${name}.permutations.safetensors`);
  });
}
