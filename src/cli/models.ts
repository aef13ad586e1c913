/** What several commands do: open files and always close them, choose a spec, check outputs first. */

import { readFile } from "node:fs/promises";
import { parseSpec } from "../axes/spec-file.ts";
import { specName } from "../axes/spec-name.ts";
import type { Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import { withNetworkNotes } from "../families/network-notes.ts";
import type { DetectOptions } from "../families/options.ts";
import { shardName } from "../formats/folder/shard-names.ts";
import { codeOf, wordsOf } from "../node/system-error.ts";
import { findTarget } from "../node/target.ts";
import { chooseSpec } from "../plan/rebasin.ts";
import type { CommandContext } from "./command.ts";
import { openInput } from "./dash.ts";
import type { DataSourceValues } from "./image-data.ts";
import { inGroup, integer, list, type Options, parsed, text, UsageError } from "./option.ts";

/** Of commands that read models. */
export interface InputValues {
  readonly prefix: string | undefined;
  readonly key: string | undefined;
  readonly assume: readonly string[] | undefined;
}

export const INPUT_OPTIONS: Options<InputValues> = inGroup("input", {
  prefix: text({
    value: "PREFIX",
    help: "only the tensors whose names begin so, as of one of several networks in a file: ema, module.",
  }),
  key: text({ value: "KEY", help: "which of several models in a checkpoint file, such as ema or model.state_dict" }),
  assume: list({
    value: "WHAT",
    help: "what files do not show: chain treats a network as a plain chain under any names, V2=bf16 reads NumPy's raw pairs of bytes as bfloat16; several with commas",
  }),
});

/**
 * Opens `paths` (files, folders, indexes of shards, hf:org/name, - for stdin) by the input options, and `files`, which
 * are not the user's models. Then it runs `use` and closes all.
 */
export async function withModels<T>(
  paths: readonly string[],
  context: CommandContext<InputValues & Partial<PrefixValues>>,
  use: (...models: Model[]) => Promise<T>,
  files: readonly string[] = [],
): Promise<T> {
  const { command, signal, options, say } = context;
  const models: Model[] = [];
  const assume = assumed(options).ofFiles;
  const prefixes = [options["prefix-a"], options["prefix-b"]];
  try {
    for (const [at, path] of paths.entries()) {
      const prefix = prefixes[at] ?? options.prefix;
      const key = (at === 1 ? options["key-b"] : undefined) ?? options.key;
      models.push(await openInput(path, context, { signal, key, assume, prefix }));
      // What it shows says so itself.
      if (command !== "inspect") sayLoneShard(path, say);
    }
    checkKeys(options, models);
    for (const path of files) models.push(await openInput(path, context, { signal }));
    return await use(...models);
  } finally {
    for (const model of models) await model.close?.();
  }
}

/** Of commands that take A and B. */
export interface PrefixValues {
  readonly "prefix-a": string | undefined;
  readonly "prefix-b": string | undefined;
  readonly "key-b": string | undefined;
}

export const PREFIX_OPTIONS: Options<PrefixValues> = inGroup("input", {
  "prefix-a": text({ value: "PREFIX", help: "as --prefix, for A alone" }),
  "prefix-b": text({ value: "PREFIX", help: "as --prefix, for B alone" }),
  "key-b": text({ value: "KEY", help: "as --key, for B, where it is another" }),
});

/** Formats of files that hold one model. */
const ONE_MODEL: ReadonlySet<string> = new Set(["safetensors", "npz", "npy", "onnx", "tfjs"]);

/** Refuses a key that no file has a use for: the user thinks of another file. */
export function checkKeys({ key, "key-b": keyB }: Partial<InputValues & PrefixValues>, models: readonly Model[]): void {
  const holdsOne = (model: Model | undefined): boolean => ONE_MODEL.has(model?.origin?.format ?? "");
  const refuse = (option: string, model: Model): never => {
    const format = model.origin!.format;
    throw new UsageError(`--${option} with ${model.name}, which holds one model (${format}), expected no --${option}`);
  };
  if (key !== undefined && models.every(holdsOne)) refuse("key", models[0]!);
  if (keyB !== undefined && holdsOne(models[1])) refuse("key-b", models[1]!);
}

/** A file that is one of several opens alone, too, and is part of a model then. */
export function sayLoneShard(path: string, say: CommandContext["say"]): void {
  const shard = shardName(path);
  if (shard === undefined || shard.count < 2) return;
  say(visible(`${path} is shard ${shard.number} of ${shard.count}: the whole model opens by its folder or its index`));
}

/** The words of `--assume` about the network, and those about its files. */
export function assumed({ assume: words = [] }: Partial<InputValues>): { chain: boolean; ofFiles: string | undefined } {
  const others = words.filter((word) => word !== "chain");
  return { chain: others.length < words.length, ofFiles: others.length === 0 ? undefined : others.join() };
}

/** Of commands that need to know a network. */
export interface DetectValues {
  readonly order: readonly string[] | undefined;
  readonly "norm-groups": number | undefined;
  readonly heads: number | undefined;
  readonly "head-dim": number | undefined;
}

export const DETECT_OPTIONS: Options<DetectValues> = inGroup("input", {
  order: list({
    value: "A,B,C",
    help: "tensors or modules, first to last, where names and shapes do not show their order",
  }),
  "norm-groups": integer({
    value: "N",
    help: "groups of each norm without running statistics: 1 for LayerNorm, the channels for InstanceNorm",
    min: 1,
  }),
  heads: integer({ value: "N", help: "heads of attention, where no config.json beside the model has them", min: 1 }),
  "head-dim": integer({ value: "N", help: "units of a head of attention", min: 1 }),
});

/** Of commands that need a spec. */
export interface SpecValues extends DetectValues {
  readonly spec: string;
  readonly graph: string | undefined;
}

export const SPEC_OPTIONS: Options<SpecValues> = {
  spec: text({
    value: "SPEC",
    help: "auto (by names and shapes), a family (mlp, vgg, resnet, bert, llama …), or a spec file (*.json)",
    default: "auto",
    group: "input",
  }),
  graph: parsed(
    {
      value: "MODEL.onnx",
      help: "the network as torch.onnx.export writes it: the spec comes from its graph, for checkpoints in any format",
      group: "input",
      without: ["order", "norm-groups"],
    },
    (given) => {
      if (given.endsWith(".onnx")) return given;
      throw new UsageError(`--graph ${given}, expected an ONNX file (*.onnx)`);
    },
  ),
  ...DETECT_OPTIONS,
};

/** Options of detection, of the commands that have them. */
type Detecting = CommandContext<Partial<SpecValues & InputValues>>;

/**
 * Models that will run on images, with what the command line states of their network: everything made from them knows
 * it.
 */
export function runnable(
  context: CommandContext<Partial<SpecValues & InputValues & DataSourceValues>>,
  models: readonly Model[],
): Model[] {
  const { activation, input, layout } = context.options;
  return models.map((model) => withNetworkNotes(model, { ...detectOptions(context), activation, input, layout }));
}

/** What the command line states of the network, for detection; throws `UsageError` beside a spec file. */
export function detectOptions({ options }: Detecting): DetectOptions {
  const { chain } = assumed(options);
  const { order, "norm-groups": normGroups, heads, "head-dim": headDim } = options;
  const told = { order, "norm-groups": normGroups, heads, "head-dim": headDim };
  const [stray] = Object.entries(told).find(([, value]) => value !== undefined) ?? [];
  const given = stray ?? (chain ? "assume chain" : "");
  if (given !== "" && options.spec?.endsWith(".json") === true)
    throw new UsageError(`--${given} is for detection, expected no spec file beside it`);
  return { order, normGroups, heads, headDim, assume: chain ? "chain" : undefined };
}

/**
 * The spec that `--spec` or `--graph` names, bound to `model`, and how to call it in reports. A spec comes before a
 * graph.
 */
export async function specOption(context: Detecting, model: Model): Promise<{ spec: Spec; name: string }> {
  const { spec: which = "auto", graph } = context.options;
  if (which === "auto" && graph !== undefined) {
    const { specOfGraph } = await import("./graph-option.ts");
    const spec = await specOfGraph(graph, model, context.signal);
    return { spec, name: specName(spec) };
  }
  const choice = which.endsWith(".json") ? parseSpec(await readSpecFile(which), which) : which;
  const detect = detectOptions(context);
  const spec = await chooseSpec(choice, model, typeof choice === "string" ? detect : {});
  return { spec, name: specName(spec) };
}

async function readSpecFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    throw new SpecError(`${path}: ${wordsOf(error)}, expected a spec file`, { cause: error });
  }
}

/** Refuses outputs that could not be written at the end, before any work: existing files, inputs, each other. */
export async function checkOutputs(
  outputs: readonly string[],
  inputs: readonly string[],
  force: boolean,
): Promise<void> {
  const targets = new Set<string>();
  for (const output of outputs) {
    const { path } = await findTarget(output, { force, inputs });
    if (targets.has(path)) throw new UsageError(`${output} is named for two outputs, expected two files`);
    targets.add(path);
  }
}
