/** Where a command writes its model: options, what can be known before any work, and the writing. */

import type { Dtype } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import { visible } from "../base/visible.ts";
import { modelCard } from "../node/model-card.ts";
import { checkModelOutput, type OutputChoice, openModelOutput, openStreamOutput } from "../node/model-output.ts";
import type { CommandContext } from "./command.ts";
import { DASH, shownOutput } from "./dash.ts";
import { flag, inGroup, type Option, type Options, parsed, required, text, UsageError } from "./option.ts";

/** `-o` of commands that write a model. */
export function outputOption(what: string): Option<string> {
  const help = `where to write ${what}: a file, in the format of its ending, or a folder (DIR/); without an ending, as A is; - is stdout`;
  return required(text({ short: "o", value: "OUT", help, group: "output" }));
}

/** More options of commands that write a model. */
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

/** Refuses an output that could not be written at the end, before anything is opened. */
export async function checkOutput({ options, positionals }: CommandContext<OutputValues>): Promise<void> {
  if (options.output === DASH) return;
  await checkModelOutput(choiceOf(options), [], { force: options.force, inputs: positionals });
}

/**
 * What `-o` means for a model with the tensors of `like`, which it is made from. Throws `RangeError` when it could not
 * be written so.
 */
export async function openOutput(context: CommandContext<OutputValues>, like: Model): Promise<Output> {
  const { command, options, positionals: inputs, signal, onProgress } = context;
  const { output, force } = options;
  const choice = { ...choiceOf(options), path: shownOutput(output) };
  const card = (model: Model): string => modelCard({ command, inputs, output }, model);
  const target =
    output === DASH
      ? await openStreamOutput(choice, like, context.stdoutFile, { inputs, signal, onProgress })
      : await openModelOutput(choice, like, { force, inputs }, { card, signal, onProgress });
  return {
    json: { path: target.path, format: target.format },
    save: async (model) => writtenLines(target.note, await target.save(model)),
  };
}

/** How the format was chosen, where the path does not show it, and what else is worth a line. */
export function writtenLines(formatNote: string | undefined, notes: readonly string[]): string[] {
  const how = formatNote === undefined ? [] : [`format     ${formatNote}`];
  return [...how, ...notes.map((note) => `note       ${visible(note)}`)];
}

function choiceOf({ output: path, format, dtype, "shard-size": shardBytes, ...flags }: OutputValues): OutputChoice {
  return { path, format, dtype, shardBytes, copy: !flags["no-copy"], metadata: !flags["no-metadata"] };
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
