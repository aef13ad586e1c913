/**
 * A folder as an output, through node:fs: Node, Deno and Bun. Its files are written to a temporary folder beside it,
 * which takes its name at the end.
 */

import { mkdir, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { checkInnerPath } from "../io/files.ts";
import type { FolderSink } from "../io/sink.ts";
import { type FileSinkOptions, fileSink } from "./file-sink.ts";
import { requireUnchanged } from "./file-source.ts";
import { finishOrHold, writesAtOnce } from "./held-outputs.ts";
import { openParts } from "./kept-parts.ts";
import { codeOf, wordsOf } from "./system-error.ts";
import { findTarget } from "./target.ts";
import { newTemporary, releaseTemporary, removeStale, removeTemporary } from "./temporaries.ts";

/** `keepParts`: as in `SaveOptions`. */
export interface FolderSinkOptions extends FileSinkOptions {
  readonly keepParts?: (() => Promise<ReadonlyMap<string, string>>) | undefined;
}

/**
 * Begins an output folder; its files exist in it only after `close`. A new or empty folder appears whole. Into a folder
 * that holds files (`force`), files are moved one by one, in the order in which they were made; others in it stay.
 *
 * Rejects with `RangeError`, before anything is written, when the folder is an input or in one, holds files already
 * (unless `force`), or cannot be made.
 *
 * @example
 * const folder = await folderSink("merged", { inputs: ["hf-a", "hf-b"] });
 */
export async function folderSink(path: string, options: FolderSinkOptions = {}): Promise<FolderSink> {
  const { force = false, inputs = [], keepParts } = options;
  const target = await findFolder(path, { force, inputs });
  const parts = keepParts && (await openParts(path, target, await keepParts()));
  const temporary = parts?.folder ?? (await makeTemporary(path, target));
  const made: string[] = [];
  const abort = parts?.leave ?? ((): Promise<void> => removeTemporary(temporary));
  return {
    name: path,
    async create(inside) {
      checkInnerPath(inside, path);
      if (force) await findTarget(join(target, inside), { force, inputs }).catch(ignoreMissingFolder);
      await mkdir(dirname(join(temporary, inside)), { recursive: true });
      made.push(inside);
      // It is the folder that waits for its name.
      writesAtOnce(join(temporary, inside));
      const sink = await fileSink(join(temporary, inside), { force: parts !== undefined });
      return parts?.noting(inside, sink) ?? sink;
    },
    async has(inside) {
      const isWhole = (await parts?.has(inside)) ?? false;
      if (isWhole) made.push(inside);
      return isWhole;
    },
    async close() {
      await orAbort(() => requireUnchanged(inputs), abort);
      const takeName = async (): Promise<void> => {
        await moveAll(temporary, target, made).catch((cause) => {
          throw new RangeError(`${path} cannot be written (${wordsOf(cause)}), expected a writable folder`, { cause });
        });
        await parts?.forget();
        releaseTemporary(temporary);
      };
      await finishOrHold(path, { finish: () => orAbort(takeName, abort), remove: abort });
    },
    abort,
  };
}

async function orAbort(step: () => Promise<void>, abort: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    await abort();
    throw error;
  }
}

/**
 * Checks everything that `folderSink` promises; the real path of the folder, which need not exist.
 *
 * @throws {RangeError} as `folderSink` does.
 */
export async function findFolder(
  path: string,
  { force, inputs }: { readonly force: boolean; readonly inputs: readonly string[] },
): Promise<string> {
  const real = await realpath(path).catch(async () => {
    // The parent must be there; the folder itself is made.
    const { path: target } = await findTarget(resolve(path), { force: true, inputs: [] });
    return target;
  });
  for (const input of inputs) {
    const folder = await realpath(input).catch(() => resolve(input));
    if (real === folder || real.startsWith(folder + sep))
      throw new RangeError(`${path} is the folder of input ${input} or in it, expected another folder`);
  }
  const there = await readdir(real).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return [];
    throw new RangeError(`${path} is no folder (${wordsOf(error)}), expected a folder or a new name`, { cause: error });
  });
  if (there.length > 0 && !force)
    throw new RangeError(`${path} already holds ${there.length} files, expected a new or empty folder (or --force)`);
  return real;
}

async function makeTemporary(path: string, target: string): Promise<string> {
  await removeStale(dirname(target));
  // Not by mkdtemp, whose folders are for their owner alone.
  const temporary = newTemporary(dirname(target));
  try {
    await mkdir(temporary);
    return temporary;
  } catch (cause) {
    throw new RangeError(`${path} cannot be made (${wordsOf(cause)}), expected a writable folder around it`, { cause });
  }
}

/** As a whole where there is nothing in the way, else file by file. */
async function moveAll(temporary: string, target: string, files: readonly string[]): Promise<void> {
  const there = await readdir(target).catch(() => undefined);
  if (there === undefined || there.length === 0) {
    if (there !== undefined) await rmdir(target);
    await rename(temporary, target);
    return;
  }
  for (const file of files) {
    await mkdir(dirname(join(target, file)), { recursive: true });
    await rename(join(temporary, file), join(target, file));
  }
  await rm(temporary, { recursive: true, force: true });
}

/** A folder in the folder that is not there yet holds no input. */
function ignoreMissingFolder(error: unknown): void {
  if (!(error instanceof RangeError && /no such directory/.test(error.message))) throw error;
}
