/** What several commands do: open files and close them whatever happens, choose a spec, check outputs first. */

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
import type { Activation } from "../graph/graph.ts";
import { codeOf, wordsOf } from "../node/system-error.ts";
import { findTarget } from "../node/target.ts";
import { chooseSpec } from "../plan/rebasin.ts";
import { type CommandContext, inGroup, numberOption, type OptionRule, UsageError } from "./command.ts";
import { openInput } from "./dash.ts";

/** Of commands that read models. */
export const INPUT_OPTIONS: Readonly<Record<string, OptionRule>> = {
  prefix: {
    value: "PREFIX",
    help: "only the tensors whose names begin so, as of one of several networks in a file: ema, module.",
    group: "input",
  },
  key: {
    value: "KEY",
    help: "which of several models in a checkpoint file, such as ema or model.state_dict",
    group: "input",
  },
  assume: {
    value: "WHAT",
    help: "what files do not tell: chain takes a network for a plain chain whatever its words say, V2=bf16 NumPy's raw pairs of bytes as bfloat16; several with commas",
    group: "input",
  },
};

/**
 * Opens `paths` (files, folders, indexes of shards, hf:org/name, - for stdin) as the input options say, and `files`, which
 * are no models of the user's; runs `use`, closes them.
 */
export async function withModels<T>(
  paths: readonly string[],
  context: Pick<CommandContext, "command" | "signal" | "values" | "say" | "nextOfStdin">,
  use: (...models: Model[]) => Promise<T>,
  files: readonly string[] = [],
): Promise<T> {
  const { command, signal, values, say } = context;
  const models: Model[] = [];
  const [key, assume] = [values.get("key"), assumed(values).ofFiles];
  try {
    for (const [at, path] of paths.entries()) {
      const own = at < 2 ? values.get(`prefix-${"ab"[at]}`) : undefined;
      const prefix = own ?? values.get("prefix");
      const keyOf = (at === 1 ? values.get("key-b") : undefined) ?? key;
      models.push(await openInput(path, context, { signal, key: keyOf, assume, prefix }));
      // What it shows says so itself.
      if (command !== "inspect") sayLoneShard(path, say);
    }
    checkKeys(values, models);
    for (const path of files) models.push(await openInput(path, context, { signal }));
    return await use(...models);
  } finally {
    for (const model of models) await model.close?.();
  }
}

/** Formats of files that hold one model. */
const ONE_MODEL: ReadonlySet<string> = new Set(["safetensors", "npz", "npy", "onnx", "tfjs"]);

/** Refuses a key that no file has a use for: the user thinks of another file. */
function checkKeys(values: ReadonlyMap<string, string>, models: readonly Model[]): void {
  const holdsOne = (model: Model | undefined): boolean => ONE_MODEL.has(model?.origin?.format ?? "");
  const refuse = (option: string, model: Model): never => {
    const format = model.origin!.format;
    throw new UsageError(`--${option} with ${model.name}, which holds one model (${format}), expected no --${option}`);
  };
  if (values.has("key") && models.every(holdsOne)) refuse("key", models[0]!);
  if (values.has("key-b") && holdsOne(models[1])) refuse("key-b", models[1]!);
}

/** A file that is one of several opens alone, too, and is part of a model then. */
function sayLoneShard(path: string, say: CommandContext["say"]): void {
  const shard = shardName(path);
  if (shard === undefined || shard.count < 2) return;
  say(visible(`${path} is shard ${shard.number} of ${shard.count}: the whole model opens by its folder or its index`));
}

/** What `--assume` says of the network, and what of its files. */
function assumed(values: ReadonlyMap<string, string>): { chain: boolean; ofFiles: string | undefined } {
  const words = values.get("assume")?.split(",") ?? [];
  const others = words.filter((word) => word !== "chain");
  return { chain: others.length < words.length, ofFiles: others.length === 0 ? undefined : others.join() };
}

/** Of commands that need to know a network. */
export const DETECT_RULES: Readonly<Record<string, OptionRule>> = inGroup("input", {
  order: { value: "A,B,C", help: "tensors or modules, first to last, where names and shapes do not tell their order" },
  "norm-groups": {
    value: "N",
    help: "groups of each norm without running statistics: 1 for LayerNorm, the channels for InstanceNorm",
  },
});

/** Of commands that need a spec. */
export const SPEC_OPTIONS: Readonly<Record<string, OptionRule>> = {
  spec: {
    value: "SPEC",
    help: "auto (by names and shapes), a family (mlp, vgg, resnet), or a spec file (*.json)",
    default: "auto",
    group: "input",
  },
  ...DETECT_RULES,
};

/** Models that will run on images, with what the command line says of their network: whatever is made of them knows it. */
export function runnable(context: CommandContext, models: readonly Model[]): Model[] {
  const activation = context.values.get("activation") as Activation | undefined;
  return models.map((model) => withNetworkNotes(model, { ...detectOptions(context), activation }));
}

/** What the command line says of the network, for detection; throws `UsageError` beside a spec file. */
export function detectOptions(context: CommandContext): DetectOptions {
  const { values } = context;
  const { chain } = assumed(values);
  const order = values.get("order")?.split(",");
  const normGroups = numberOption(context, "norm-groups", { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true });
  const given = order !== undefined ? "order" : normGroups !== undefined ? "norm-groups" : chain ? "assume chain" : "";
  if (given !== "" && values.get("spec")?.endsWith(".json") === true)
    throw new UsageError(`--${given} is for detection, expected no spec file beside it`);
  return { order, normGroups, assume: chain ? "chain" : undefined };
}

/** The spec that `--spec` names, bound to `model`, and how to call it in reports. */
export async function specOption(context: CommandContext, model: Model): Promise<{ spec: Spec; name: string }> {
  const which = context.values.get("spec") ?? "auto";
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
    throw new SpecError(`${path} ${wordsOf(error)}, expected a spec file`, { cause: error });
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
