/** Several output files of one command that take their names together, when all of them are on the disk. */

import { resolve } from "node:path";

/** An output that is written, under a temporary name. */
interface HeldOutput {
  /** Gives it its name. */
  readonly finish: () => Promise<void>;
  /** Removes it: under the name it has, where nothing was there before. */
  readonly remove: () => Promise<void>;
}

let held: HeldOutput[] | null = null;
const atOnce = new Set<string>();

/** Outputs that wait for their names. */
export interface HeldOutputs {
  /** Gives all of them their names, one after the other; if one cannot have it, none that is new keeps it. */
  commit(): Promise<void>;
  /** Removes all of them. */
  abort(): Promise<void>;
}

/**
 * From here on all files and folders that this thread writes by `fileSink`, `saveModel` and the like wait for their
 * names until `commit`: one use at a time.
 *
 * If `commit` fails, the new files are removed.
 *
 * @throws {RangeError} in `commit`, where a name cannot be used.
 *
 * @example
 * const outputs = holdOutputs();
 * await saveModel(merged, "merged.safetensors");
 * await outputs.commit();
 */
export function holdOutputs(): HeldOutputs {
  held = [];
  const take = (): HeldOutput[] => {
    const all = held ?? [];
    held = null;
    return all;
  };
  const abort = async (outputs: readonly HeldOutput[]): Promise<void> => {
    for (const { remove } of outputs) await remove();
  };
  return {
    async commit() {
      const outputs = take();
      try {
        for (const { finish } of outputs) await finish();
      } catch (error) {
        await abort(outputs);
        throw error;
      }
    },
    abort: () => abort(take()),
  };
}

/**
 * A path that never waits for its name: checkpoints are for runs that do not get to their end.
 *
 * @example
 * writesAtOnce("training.checkpoint");
 */
export function writesAtOnce(path: string): void {
  atOnce.add(resolve(path));
}

/** Holds `output` of `path`, or finishes it now where nothing is held. */
export async function finishOrHold(path: string, output: HeldOutput): Promise<void> {
  if (held === null || atOnce.has(resolve(path))) await output.finish();
  else held.push(output);
}

/**
 * Runs `task` when all held outputs have their names, and not if they never do; now where nothing is held. Rejects with
 * what `task` rejects with.
 *
 * @example
 * await whenFinished(async () => console.log("all is written"));
 */
export async function whenFinished(task: () => Promise<void>): Promise<void> {
  if (held === null) await task();
  else held.push({ finish: task, remove: async () => {} });
}
