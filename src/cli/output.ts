/** Where a command writes its model: options, what can be known before any work, and the writing. */

import { stat } from "node:fs/promises";
import type { Dtype } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import { writeModel } from "../formats/write-model.ts";
import { fileSink } from "../node/file-sink.ts";
import { findFolder } from "../node/folder-sink.ts";
import { planOutput } from "../node/plan-output.ts";
import { type SaveOptions, saveModel } from "../node/save-model.ts";
import type { CommandContext } from "./command.ts";
import { DASH, shownOutput } from "./dash.ts";
import { modelCard } from "./model-card.ts";
import { checkOutputs } from "./models.ts";
import { flag, inGroup, type Option, type Options, parsed, required, text, UsageError } from "./option.ts";

/** `-o` of commands that write a model. */
export function outputOption(what: string): Option<string> {
  const help = `where to write ${what}: a file, in the format of its ending, or a folder (DIR/); without an ending, as A is; - is stdout`;
  return required(text({ short: "o", value: "OUT", help, group: "output" }));
}

/** What else commands that write a model have to say about it. */
export interface FolderValues {
  /** In bytes. */
  readonly "shard-size": number | undefined;
  readonly format: string | undefined;
  readonly "no-copy": boolean;
}

export const FOLDER_OPTIONS: Options<FolderValues> = inGroup("output", {
  "shard-size": parsed(
    { value: "SIZE", help: "write a folder of files of at most this size, such as 5GB or 500MB" },
    toBytes,
  ),
  format: text({ value: "FORMAT", help: "such as safetensors or pytorch, where the output's name does not show it" }),
  "no-copy": flag({ help: "folders: do not copy configuration, tokenizer and licence from A's" }),
});

/** Of commands that write a file or a folder. */
export function forceOption(help = "replace existing output files"): Option<boolean> {
  return flag({ help, group: "output" });
}

/** What decides where a model goes, and how. */
export interface OutputValues extends FolderValues {
  readonly output: string;
  readonly force: boolean;
  readonly "no-metadata"?: boolean | undefined;
  readonly dtype?: Dtype | undefined;
}

/** Of commands that add to a model's metadata. */
export const METADATA_OPTION: Option<boolean> = flag({
  help: "do not record in the output how it was made",
  group: "output",
});

/** Where the model goes, once it is there. */
export interface Output {
  /** Writes `model`; lines for people. */
  save(model: Model): Promise<string[]>;
  /** For `--json`. */
  readonly json: { readonly path: string; readonly format: string };
}

/**
 * Refuses outputs that could not be written at the end, before anything is opened: the model's, which may be a folder, and
 * `others`, which are files.
 */
export async function checkModelOutput(
  context: CommandContext<Pick<OutputValues, "output" | "force" | "shard-size">>,
  others: readonly string[] = [],
  inputs: readonly string[] = context.positionals,
): Promise<void> {
  const { output, force, "shard-size": shardBytes } = context.options;
  if (output === DASH) return checkOutputs(others, inputs, force);
  const target = { force, inputs };
  const isFolder = /[\\/]$/.test(output) || shardBytes !== undefined || (await isDirectory(output));
  if (isFolder) await findFolder(output, target);
  await checkOutputs(isFolder ? others : [output, ...others], inputs, target.force);
}

/**
 * What `-o` means for a model with the tensors of `like`, which it is made from. Throws `RangeError` when it could not be written so.
 */
export async function openOutput(
  context: CommandContext<OutputValues>,
  like: Model,
  inputs: readonly string[] = context.positionals,
): Promise<Output> {
  const { options, signal, onProgress } = context;
  const { output: path, force, format, "shard-size": shardBytes } = options;
  if (path === DASH) return stdoutOutput(context, like, inputs);
  const { origin } = like;
  const dtype = quantisedDtype(context);
  const plan = await planOutput(like, path, { like: origin, shardBytes, format });
  if (plan.kind === "folder") await findFolder(path, { force, inputs });
  else if (plan.sidecar !== undefined) await checkOutputs([path, plan.sidecar], inputs, force);
  return {
    json: { path, format: plan.kind === "folder" ? "folder" : plan.format.name },
    async save(model) {
      const kept = options["no-metadata"] === true ? withMetadata(model, like.metadata) : model;
      const card = plan.kind === "folder" ? modelCard(context, kept) : undefined;
      const copy = !options["no-copy"];
      const saving = { force, inputs, like: origin, shardBytes, format, copy, card, dtype, signal, onProgress };
      const notes = await saveModel(kept, path, saving);
      const how = plan.note === undefined ? [] : [`format     ${plan.note}`];
      return [...how, ...notes.map((note) => `note       ${visible(note)}`)];
    },
  };
}

/** What A keeps quantised has this dtype to everything else. */
function quantisedDtype({ options }: CommandContext<Pick<OutputValues, "dtype">>): SaveOptions["dtype"] {
  return options.dtype === "F32" ? "F32" : undefined;
}

/** One file, as `--format` says or as A's are, for stdout to get when all has succeeded. */
async function stdoutOutput(
  context: CommandContext<OutputValues>,
  like: Model,
  inputs: readonly string[],
): Promise<Output> {
  const { options, signal, onProgress } = context;
  const { origin } = like;
  const path = shownOutput(DASH);
  const { format } = await planOutput(like, path, { like: origin, format: options.format, isFile: true });
  return {
    json: { path, format: format.name },
    async save(model) {
      const kept = options["no-metadata"] === true ? withMetadata(model, like.metadata) : model;
      const sink = await fileSink(context.stdoutFile(), { inputs });
      const dtype = quantisedDtype(context);
      const notes = await writeModel(kept, sink, { format: format.name, like: origin, dtype, signal, onProgress });
      return [`format     ${format.title}`, ...notes.map((note) => `note       ${visible(note)}`)];
    },
  };
}

/** The same tensors, without what says how they were made. */
function withMetadata(model: Model, metadata: ReadonlyMap<string, string>): Model {
  return {
    name: model.name,
    tensors: model.tensors,
    metadata,
    origin: model.origin,
    read: (...words) => model.read(...words),
  };
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["TB", 1e12],
  ["KIB", 2 ** 10],
  ["MIB", 2 ** 20],
  ["GIB", 2 ** 30],
]);

/** A size in bytes, in Hugging Face's units: 5GB are 5,000,000,000. */
function toBytes(given: string, name: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?i?B)$/i.exec(given) ?? [];
  const bytes = Math.floor(Number(count) * (UNITS.get(unit?.toUpperCase() ?? "") ?? Number.NaN));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new UsageError(`--${name} ${given}, expected a size such as 5GB or 500MB`);
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}
