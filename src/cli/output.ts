/** Where a command writes its model: options, what can be known before any work, and the writing. */

import { stat } from "node:fs/promises";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import { writeModel } from "../formats/write-model.ts";
import { fileSink } from "../node/file-sink.ts";
import { findFolder } from "../node/folder-sink.ts";
import { planOutput } from "../node/plan-output.ts";
import { type SaveOptions, saveModel } from "../node/save-model.ts";
import { type CommandContext, type OptionRule, UsageError } from "./command.ts";
import { DASH, shownOutput } from "./dash.ts";
import { modelCard } from "./model-card.ts";
import { checkOutputs } from "./models.ts";

/** `-o` of commands that write a model. */
export function outputOption(what: string): OptionRule {
  const help = `where to write ${what}: a file, in the format of its ending, or a folder (DIR/); without an ending, as A is; - is stdout`;
  return { short: "o", value: "OUT", help, group: "output" };
}

/** What else commands that write a model have to say about it. */
export const FOLDER_OPTIONS: Readonly<Record<string, OptionRule>> = {
  "shard-size": {
    value: "SIZE",
    help: "write a folder of files of at most this size, such as 5GB or 500MB",
    group: "output",
  },
  format: {
    value: "FORMAT",
    help: "the format, such as safetensors or pytorch, where the output's name does not say it",
    group: "output",
  },
  "no-copy": { help: "folders: do not copy configuration, tokenizer and licence from A's", group: "output" },
};

/** Of commands that add to a model's metadata. */
export const METADATA_OPTION: OptionRule = { help: "do not say in the output how it was made", group: "output" };

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
  context: CommandContext,
  others: readonly string[] = [],
  inputs: readonly string[] = context.positionals,
): Promise<void> {
  const { values, flags } = context;
  const output = values.get("output")!;
  if (output === DASH) return checkOutputs(others, inputs, flags.has("force"));
  const target = { force: flags.has("force"), inputs };
  const isFolder = /[\\/]$/.test(output) || shardBytes(context) !== undefined || (await isDirectory(output));
  if (isFolder) await findFolder(output, target);
  await checkOutputs(isFolder ? others : [output, ...others], inputs, target.force);
}

/**
 * What `-o` means for a model with the tensors of `like`, which it is made from. Throws `RangeError` when it could not be written so.
 */
export async function openOutput(
  context: CommandContext,
  like: Model,
  inputs: readonly string[] = context.positionals,
): Promise<Output> {
  const { values, flags, signal, onProgress } = context;
  const path = values.get("output")!;
  const [force, bytes, format] = [flags.has("force"), shardBytes(context), values.get("format")];
  if (path === DASH) return stdoutOutput(context, like, inputs);
  const { origin } = like;
  const dtype = quantisedDtype(context);
  const plan = await planOutput(like, path, { like: origin, shardBytes: bytes, format });
  if (plan.kind === "folder") await findFolder(path, { force, inputs });
  else if (plan.sidecar !== undefined) await checkOutputs([path, plan.sidecar], inputs, force);
  return {
    json: { path, format: plan.kind === "folder" ? "folder" : plan.format.name },
    async save(model) {
      const kept = flags.has("no-metadata") ? withMetadata(model, like.metadata) : model;
      const card = plan.kind === "folder" ? modelCard(context, kept) : undefined;
      const copy = !flags.has("no-copy");
      const options = { force, inputs, like: origin, shardBytes: bytes, format, copy, card, dtype, signal, onProgress };
      const notes = await saveModel(kept, path, options);
      const how = plan.note === undefined ? [] : [`format     ${plan.note}`];
      return [...how, ...notes.map((note) => `note       ${visible(note)}`)];
    },
  };
}

/** What A keeps quantised has this dtype to everything else. */
function quantisedDtype({ values }: CommandContext): SaveOptions["dtype"] {
  return values.get("dtype") === "F32" ? "F32" : undefined;
}

/** One file, as `--format` says or as A's are, for stdout to get when all has succeeded. */
async function stdoutOutput(context: CommandContext, like: Model, inputs: readonly string[]): Promise<Output> {
  const { values, flags, signal, onProgress } = context;
  const { origin } = like;
  const path = shownOutput(DASH);
  const { format } = await planOutput(like, path, { like: origin, format: values.get("format"), isFile: true });
  return {
    json: { path, format: format.name },
    async save(model) {
      const kept = flags.has("no-metadata") ? withMetadata(model, like.metadata) : model;
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

/** `--shard-size` in bytes, in Hugging Face's units: 5GB are 5,000,000,000. */
function shardBytes({ values }: CommandContext): number | undefined {
  const text = values.get("shard-size");
  if (text === undefined) return undefined;
  const [, count, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?i?B)$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(count) * (UNITS.get(unit?.toUpperCase() ?? "") ?? Number.NaN));
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new UsageError(`--shard-size ${text}, expected a size such as 5GB or 500MB`);
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
}
