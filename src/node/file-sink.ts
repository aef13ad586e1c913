/**
 * A file as a byte sink, through node:fs: Node, Deno and Bun. The bytes go to a temporary file beside the target, which
 * takes the target's place when everything is on the disk. At any moment the target is the old file, the whole new one,
 * or none.
 */

import { chmod, type FileHandle, link, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { FormatError } from "../base/errors.ts";
import type { ByteSink } from "../io/sink.ts";
import { requireUnchanged } from "./file-source.ts";
import { finishOrHold } from "./held-outputs.ts";
import { codeOf, wordsOf } from "./system-error.ts";
import { exists, findTarget, type Target } from "./target.ts";
import { newTemporary, releaseTemporary, removeStale, removeTemporary } from "./temporaries.ts";
import { writeFully } from "./write-fully.ts";

/** `force` replaces an existing file; `inputs` are paths that must never be the target. */
export interface FileSinkOptions {
  readonly force?: boolean | undefined;
  readonly inputs?: readonly string[] | undefined;
}

/**
 * Begins an output file; it exists under its name only after `close`. A symbolic link is followed and stays: the file
 * it points to is written.
 *
 * After a failed `write` or `close` the temporary file is gone. Without `force`, a file that appears under the name in
 * the meantime is not replaced.
 *
 * @throws {RangeError} before anything is written, when the target is the same file as an input (by path, symbolic or
 * hard link), exists already (unless `force`), or is a directory or device. Also when its directory is missing or not
 * writable. `write` and `close` throw it, naming the path, when the disk is full or fails (`cause` is the system's
 * error).
 * @throws {FormatError} in `close`, when one of `inputs` that is open was changed meanwhile.
 *
 * @example
 * const sink = await fileSink("merged.safetensors", { inputs: ["a.safetensors", "b.safetensors"] });
 * await writeSafetensors(model, sink);
 */
export async function fileSink(path: string, options: FileSinkOptions = {}): Promise<ByteSink> {
  const { force = false, inputs = [] } = options;
  const target = await findTarget(path, { force, inputs });
  await removeStale(dirname(target.path));
  const temporary = newTemporary(dirname(target.path));
  const handle = await create(path, temporary);
  let written = 0;
  const failed = (cause: unknown): Error => explain(path, written, cause);
  const steps = guardSteps(path, failed, async () => {
    // Both are tried; on Windows an open file cannot be removed, so closing comes first.
    await handle.close().catch(() => {});
    await removeTemporary(temporary);
  });
  return {
    write: (bytes) =>
      steps.run(async () => {
        await writeFully((...some) => handle.write(...some), bytes);
        written += bytes.length;
      }),
    close: () =>
      steps.run(async () => {
        await handle.sync();
        await handle.close();
        if (target.mode !== undefined) await chmod(temporary, target.mode);
        await requireUnchanged(inputs);
        await finishOrHold(path, ending(temporary, target, force, failed));
        steps.end();
      }),
    abort: steps.abort,
  };
}

/** Writes text to a path as UTF-8, whole or not at all, by the rules of `fileSink`. */
export async function saveText(text: string, path: string, options: FileSinkOptions = {}): Promise<void> {
  const sink = await fileSink(path, options);
  try {
    await sink.write(new TextEncoder().encode(text));
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** Steps of an open output; `undo` leaves nothing behind once one of them has failed, or at `abort`. */
function guardSteps(path: string, failed: (cause: unknown) => Error, undo: () => Promise<void>) {
  let isOpen = true;
  const end = (): void => {
    isOpen = false;
  };
  const abort = async (): Promise<void> => {
    if (!isOpen) return;
    end();
    await undo();
  };
  const run = async (step: () => Promise<void>): Promise<void> => {
    if (!isOpen) throw new RangeError(`${path} is closed, expected an open file`);
    try {
      await step();
    } catch (error) {
      await abort();
      throw failed(error);
    }
  };
  return { run, end, abort };
}

/** What gives a complete temporary file its name, or takes both away. */
function ending(
  temporary: string,
  target: Target,
  force: boolean,
  failed: (cause: unknown) => Error,
): { finish(): Promise<void>; remove(): Promise<void> } {
  let isNew = false;
  return {
    async finish() {
      try {
        if (force) await rename(temporary, target.path);
        else await renameToNew(temporary, target);
      } catch (error) {
        throw failed(error);
      }
      isNew = target.mode === undefined;
      releaseTemporary(temporary);
      await syncDirectory(dirname(target.path));
    },
    async remove() {
      await removeTemporary(temporary);
      if (isNew) await unlink(target.path).catch(() => {});
    },
  };
}

async function create(path: string, temporary: string): Promise<FileHandle> {
  try {
    return await open(temporary, "wx");
  } catch (cause) {
    throw new RangeError(`${path} cannot be created (${wordsOf(cause)}), expected a writable directory`, { cause });
  }
}

/**
 * Gives the temporary file its name unless the name is taken: `link` decides that in one step, `rename` would
 * replace.
 */
async function renameToNew(temporary: string, target: Target): Promise<void> {
  try {
    await link(temporary, target.path);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw error;
    // File systems without hard links (FAT, some network ones): look, then rename.
    if (await exists(target.path)) throw Object.assign(new RangeError("exists"), { code: "EEXIST" });
    await rename(temporary, target.path);
    return;
  }
  // The target is complete; a second name that stays behind is no reason to call it failed.
  await unlink(temporary).catch(() => {});
}

/** Makes the new name durable too. Not possible everywhere (Windows), and the file itself is safe already. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, "r");
    await directory.sync().finally(() => directory.close());
  } catch {
    // Best effort.
  }
}

/** What went wrong with an output; what is explained already stays. */
function explain(path: string, written: number, cause: unknown): Error {
  if (cause instanceof FormatError || (cause instanceof RangeError && cause.cause !== undefined)) return cause;
  if (codeOf(cause) === "EEXIST") {
    return new RangeError(`${path} already exists (it appeared meanwhile), expected a new file (or force: true)`, {
      cause,
    });
  }
  const what = `${path} cannot be written after ${written} bytes (${wordsOf(cause)})`;
  return new RangeError(`${what}, expected room on a working disk`, { cause });
}
