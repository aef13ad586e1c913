/** The words of a command as a plan, and what the plan runs on: the command line's own files. */

import { basename, resolve } from "node:path";
import type { Dtype } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { planFiles } from "../node/plan-files.ts";
import { checkPlan } from "../plan/check-plan.ts";
import {
  type MergePlan,
  PLAN_FORMAT,
  type PlanAlign,
  type PlanBlend,
  type PlanData,
  type PlanNetwork,
  type PlanOutput,
  type PlanPart,
  type PlanRepair,
} from "../plan/merge-plan.ts";
import type { PlanHost, PlanRun, PlanSetting } from "../plan/plan-host.ts";
import { checkPermutationsInput, type PermutationsValues } from "./aligned-pair.ts";
import type { CommandContext } from "./command.ts";
import { readAll } from "./dash.ts";
import type { DataSourceValues } from "./image-data.ts";
import type { MatchValues } from "./matching.ts";
import type { MatchDataValues } from "./matching-data.ts";
import {
  assumed,
  checkKeys,
  detectOptions,
  type InputValues,
  type PrefixValues,
  type SpecValues,
  sayLoneShard,
} from "./models.ts";
import { UsageError } from "./option.ts";
import type { OutputValues } from "./output.ts";
import type { RepairingValues } from "./repairing.ts";
import type { MergeRepairValues } from "./repairing-tasks.ts";

/** The options that a plan is made of; a command has some of them. */
export type PlanValues = InputValues &
  SpecValues &
  Partial<PrefixValues & DataSourceValues & PermutationsValues & OutputValues> & {
    readonly "keep-a"?: readonly string[] | undefined;
    readonly "allow-nonfinite"?: boolean | undefined;
    readonly "permutations-out"?: string | undefined;
    readonly threads: number | "auto";
    readonly memory?: number | undefined;
    readonly dtype?: Dtype | undefined;
    readonly force: boolean;
  };

/** A command's own settings. */
export interface PlanWords {
  readonly align: PlanAlign;
  readonly starts?: number | undefined;
  readonly base?: MergePlan["base"] | undefined;
  /** Each model's own settings. */
  readonly parts?: readonly Pick<PlanPart, "base" | "parameters">[] | undefined;
  readonly repair?: PlanRepair | undefined;
  readonly blend?: PlanBlend | undefined;
  readonly output?: PlanOutput | undefined;
}

/** The plan that a command line states. Throws `UsageError` for options of detection beside a spec file. */
export function planOf(context: CommandContext<PlanValues>, { align, parts, ...words }: PlanWords): MergePlan {
  const { options } = context;
  return checkPlan({
    format: PLAN_FORMAT,
    models: modelsOf(context).map((model, i) => ({ ...model, ...parts?.[i] })),
    spec: options.spec === "auto" ? (options.graph ?? "auto") : options.spec,
    network: networkOf(context),
    data: dataOf(options, options.data),
    align: { ...align, keepA: options["keep-a"] },
    ...words,
    allowNonfinite: options["allow-nonfinite"] || undefined,
  });
}

function modelsOf({ positionals, options }: CommandContext<PlanValues>): PlanPart[] {
  const assume = assumed(options).ofFiles;
  const prefixes = [options["prefix-a"], options["prefix-b"]];
  return positionals.map((path, at) => ({
    path,
    prefix: (prefixes[at] ?? options.prefix) || undefined,
    key: (at === 1 ? options["key-b"] : undefined) ?? options.key,
    assume,
  }));
}

function networkOf(context: CommandContext<PlanValues>): PlanNetwork | undefined {
  const { config, ...detecting } = detectOptions(context);
  const { activation, input, layout } = context.options;
  const network = { ...detecting, activation, input, layout };
  return Object.values(network).every((value) => value === undefined) ? undefined : network;
}

/** Images of `folder`, read as the options state. */
export function dataOf(options: Partial<DataSourceValues>, folder: string | undefined): PlanData | undefined {
  if (folder === undefined) return undefined;
  const { "input-size": inputSize, scale, mean, std, classes } = options;
  return { path: folder, inputSize, scale, mean, std, classes };
}

/** What decides how a pair is aligned. */
export type AligningValues = Omit<MatchValues, "checkpoint"> & Partial<Omit<MatchDataValues, "split">>;

/** How `match`, `merge` and all commands that align a pair do it. */
export function alignOf(
  options: AligningValues & Partial<PermutationsValues>,
  split?: "train" | "test",
): Pick<PlanWords, "align" | "starts"> {
  const { method, seed, restarts, permutations, limit, starts } = options;
  if (permutations !== undefined) return { align: { permutations } };
  const { cost, share, polish, steps, batch, "learning-rate": learningRate, only, except } = options;
  const ofActivations = method === "activations" || method === "hybrid";
  // Whether matching looks at images: others have no part in it.
  const byData = ofActivations || method === "straight-through" || starts > 1;
  const align: PlanAlign = {
    ...{ method, seed, only, except, steps, learningRate },
    restarts: method === "coordinate" ? restarts : undefined,
    batch: method === "straight-through" ? batch : undefined,
    cost: ofActivations ? cost : undefined,
    share: method === "hybrid" ? share : undefined,
    polish: method === "activations" ? polish : undefined,
    images: byData ? limit : undefined,
    split: byData ? split : undefined,
  };
  return { align, starts: starts > 1 ? starts : undefined };
}

/** What `--repair` asks for. */
export function repairOf(
  options: Partial<MergeRepairValues> & RepairingValues & Partial<DataSourceValues & { temperature: boolean }>,
): PlanRepair | undefined {
  const { repair: kind, "repair-images": images, ridge, temperature } = options;
  if (kind === undefined) return undefined;
  const isSolved = kind === "least-squares";
  const isScaled = !isSolved && kind !== "bn-reset";
  const [data, dataB] = [options.data, options["data-b"]];
  return {
    ...{ kind, images },
    at: isScaled ? options["repair-at"] : undefined,
    addBias: kind === "bn-reset" || kind === "rescale" ? undefined : options["add-bias"],
    ridge: isSolved ? ridge : undefined,
    temperature: isSolved ? temperature : undefined,
    allowGuessing: options["force-repair"] || undefined,
    dataB: dataOf(options, dataB),
    tasks: kind === "per-task" ? taskNames([data!, dataB!]) : undefined,
  };
}

/** Tasks are called as the folders of their images; a plan needs the names where paths do not end in them. */
function taskNames(folders: readonly string[]): string[] | undefined {
  const names = folders.map((folder) => basename(resolve(folder)));
  return names.every((name, i) => name === basename(folders[i]!)) ? undefined : names;
}

/** Where a merge goes. */
export function outputOf(options: Partial<OutputValues> & Pick<PlanValues, "permutations-out">): PlanOutput {
  const { output: path, format, "shard-size": shardBytes, dtype, "permutations-out": permutations } = options;
  return {
    ...{ path, format, dtype, shardBytes, permutations },
    copy: options["no-copy"] ? false : undefined,
    metadata: options["no-metadata"] ? false : undefined,
  };
}

/** A plan and what it runs with: the command line's files, threads and signals. */
export async function settingOf(
  context: CommandContext<PlanValues>,
  plan: MergePlan,
  checkpoint?: string,
): Promise<PlanSetting> {
  const { options, signal, onProgress, say } = context;
  const { threads, memory } = options;
  const run: PlanRun = { threads, memory, signal, onProgress, onNote: say };
  return { plan, host: await hostOf(context, checkpoint), run };
}

/** What the command line opens and writes files by. */
type FileContext = Pick<CommandContext, "say" | "signal" | "onProgress" | "nextOfStdin" | "stdoutFile"> & {
  readonly options: Partial<Pick<PlanValues, "force" | "key" | "key-b">>;
};

/** One line for people: that a run resumes from a checkpoint, or that the next one can. */
function tellKept(files: PlanHost, path: string | undefined, say: (line: string) => void): Partial<PlanHost> {
  if (files.checkpoint === undefined) return {};
  let isKept = false;
  return {
    async checkpoint(method) {
      const { resume, save } = await files.checkpoint!(method);
      isKept = resume !== undefined;
      if (isKept) say(`continues: ${path} has what was matched`);
      return {
        resume,
        async save(state) {
          await save(state);
          isKept = true;
        },
      };
    },
    async ended(isDone) {
      if (!isDone && isKept) say(`what is matched is kept in ${path}: the same command continues`);
      await files.ended?.(isDone);
    },
  };
}

/** Paths of a plan in `folder`, by default as the command line has them: `-` is stdin and stdout. */
export async function hostOf(context: FileContext, checkpoint?: string, folder = "."): Promise<PlanHost> {
  const { options, signal, onProgress, nextOfStdin, stdoutFile } = context;
  const stdin = (): Promise<Uint8Array<ArrayBuffer>> => readAll(nextOfStdin);
  const files = await planFiles({
    ...{ force: options.force, stdin, stdout: stdoutFile, checkpoint, folder, signal, onProgress },
  });
  const opened: Model[] = [];
  return {
    ...files,
    ...tellKept(files, checkpoint, context.say),
    async prepare(plan) {
      await checkPermutationsInput(plan.align.permutations, folder);
      await asUsage(() => files.prepare!(plan));
    },
    async open(model, at) {
      sayLoneShard(model.path, context.say);
      opened.push(await files.open(model, at));
      return opened.at(-1)!;
    },
    opened(models) {
      checkKeys(options, models);
    },
  };
}

/** Two outputs of one name are a fault of the command line. */
async function asUsage(check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    if (error instanceof RangeError && error.message.includes("is named for two outputs"))
      throw new UsageError(error.message);
    throw error;
  }
}
