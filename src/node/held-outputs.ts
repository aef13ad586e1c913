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

export interface HeldOutputs {
  /** Gives all of them their names, one after the other; if one cannot have it, none that is new keeps it. */
  commit(): Promise<void>;
  /** Removes all of them. */
  abort(): Promise<void>;
}

/** From here on outputs wait for their names, whoever writes them: one command at a time. */
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

/** Files that do not wait: checkpoints are for runs that never get to their end. */
export function writesAtOnce(path: string): void {
  atOnce.add(resolve(path));
}

/** Holds `output` of `path`, or finishes it now where nothing is held. */
export async function finishOrHold(path: string, output: HeldOutput): Promise<void> {
  if (held === null || atOnce.has(resolve(path))) await output.finish();
  else held.push(output);
}

/** Runs `task` when all outputs have their names; now where nothing is held. */
export async function whenFinished(task: () => Promise<void>): Promise<void> {
  if (held === null) await task();
  else held.push({ finish: task, remove: async () => {} });
}
