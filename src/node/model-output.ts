/** Where a merged model is written: what can be known before any work, and the writing. */

import { stat } from "node:fs/promises";
import type { Dtype } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import type { Running } from "../base/options.ts";
import { writeModel } from "../formats/write-model.ts";
import { fileSink } from "./file-sink.ts";
import { findFolder } from "./folder-sink.ts";
import { planOutput } from "./plan-output.ts";
import { type SaveOptions, saveModel } from "./save-model.ts";
import { findTarget } from "./target.ts";

/** What a model is written as. */
export interface OutputChoice {
  /** A file, or a folder (`DIR/`). */
  readonly path: string;
  readonly format?: string | undefined;
  readonly shardBytes?: number | undefined;
  /** "F32": what the container keeps quantised is kept as it is. Others are the merge's own. */
  readonly dtype?: Dtype | undefined;
  /** Default true: a folder gets configuration, tokenizer and licence of the model that it was made from. */
  readonly copy?: boolean | undefined;
  /** False: only the metadata of the model that it was made from. */
  readonly metadata?: boolean | undefined;
}

/** Files that are read, and whether others may be replaced. */
export interface OutputGuard {
  readonly inputs: readonly string[];
  readonly force: boolean;
}

/** Where a model goes, once it is there. */
export interface ModelOutput {
  readonly path: string;
  readonly format: string;
  /** A note, if the path did not choose the format. */
  readonly note: string | undefined;
  /** Writes the model; notes for people. */
  save(model: Model): Promise<readonly string[]>;
}

/**
 * Refuses outputs that could not be written at the end, before any work: existing files, inputs, each other.
 *
 * @throws {RangeError} for each of these.
 */
export async function checkOutputFiles(outputs: readonly string[], guard: OutputGuard): Promise<void> {
  const targets = new Set<string>();
  for (const output of outputs) {
    const { path } = await findTarget(output, guard);
    if (targets.has(path)) throw new RangeError(`${output} is named for two outputs, expected two files`);
    targets.add(path);
  }
}

/** The same for a model, which may be a folder, and `others`, which are files. */
export async function checkModelOutput(
  { path, shardBytes }: OutputChoice,
  others: readonly string[],
  guard: OutputGuard,
): Promise<void> {
  const isFolder = /[\\/]$/.test(path) || shardBytes !== undefined || (await isDirectory(path));
  if (isFolder) await findFolder(path, guard);
  await checkOutputFiles(isFolder ? others : [path, ...others], guard);
}

/** How a model is written. */
export interface OutputWays extends Running, Pick<SaveOptions, "keepParts"> {
  /** Makes the text of a folder's README.md from the model as it is written. */
  readonly card?: ((model: Model) => string) | undefined;
}

/**
 * Where a model with the tensors of `like`, which it is made from, goes. `card` makes the text of a folder's README.md.
 *
 * @throws {RangeError} when it could not be written so.
 */
export async function openModelOutput(
  choice: OutputChoice,
  like: Model,
  guard: OutputGuard,
  { card, keepParts, signal, onProgress }: OutputWays = {},
): Promise<ModelOutput> {
  const { path, format, shardBytes, copy, metadata } = choice;
  const { origin } = like;
  const dtype = quantisedDtype(choice);
  const plan = await planOutput(like, path, { like: origin, shardBytes, format });
  if (plan.kind === "folder") await findFolder(path, guard);
  else if (plan.sidecar !== undefined) await checkOutputFiles([path, plan.sidecar], guard);
  return {
    path,
    format: plan.kind === "folder" ? "folder" : plan.format.name,
    note: plan.note,
    save(model) {
      const kept = metadata === false ? withMetadata(model, like.metadata) : model;
      const text = plan.kind === "folder" ? card?.(kept) : undefined;
      const options = { ...guard, like: origin, shardBytes, format, copy, dtype, signal, onProgress };
      return saveModel(kept, path, { ...options, keepParts, card: text });
    },
  };
}

/** One file, as `format` states or as `like` is, for a stream to get when all has succeeded; messages call it `name`. */
export async function openStreamOutput(
  choice: OutputChoice,
  like: Model,
  file: () => string,
  { inputs, signal, onProgress }: Pick<OutputGuard, "inputs"> & Running,
): Promise<ModelOutput> {
  const { origin } = like;
  const { format } = await planOutput(like, choice.path, { like: origin, format: choice.format, isFile: true });
  return {
    path: choice.path,
    format: format.name,
    note: format.title,
    async save(model) {
      const kept = choice.metadata === false ? withMetadata(model, like.metadata) : model;
      const sink = await fileSink(file(), { inputs });
      const dtype = quantisedDtype(choice);
      return writeModel(kept, sink, { format: format.name, like: origin, dtype, signal, onProgress });
    },
  };
}

/** What A keeps quantised has this dtype to everything else. */
const quantisedDtype = ({ dtype }: OutputChoice): SaveOptions["dtype"] => (dtype === "F32" ? "F32" : undefined);

/** The same tensors, without the record of how they were made. */
function withMetadata(model: Model, metadata: ReadonlyMap<string, string>): Model {
  return {
    name: model.name,
    tensors: model.tensors,
    metadata,
    origin: model.origin,
    read: (...words) => model.read(...words),
  };
}

const isDirectory = (path: string): Promise<boolean> =>
  stat(path).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
