/** Two models and the permutations between them: options, and what is checked before any work. */

import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { FormatError } from "../base/errors.ts";
import { wordsOf } from "../node/system-error.ts";
import type { CommandContext } from "./command.ts";
import { DASH } from "./dash.ts";
import type { MatchValues } from "./matching.ts";
import { checkOutputs } from "./models.ts";
import { type Option, text } from "./option.ts";

export const PERMUTATIONS_OPTION: Option<string | undefined> = text({
  value: "FILE",
  help: "permutations of rebasin match, which align B to A; without them, B is matched",
  group: "matching",
});

/** Of commands that can take permutations from a file. */
export interface PermutationsValues {
  readonly permutations: string | undefined;
}

/** The file that `--permutations` names, as a list. */
export const permutationsInput = ({ options }: CommandContext<Partial<PermutationsValues>>): string[] =>
  options.permutations === undefined ? [] : [options.permutations];

/** Refuses a file that is not there, before any work: `merge --permutations` wrote one in version 0.1. */
export async function checkPermutationsInput(path: string | undefined, folder: string): Promise<void> {
  if (path === undefined || path === DASH) return;
  const error = await stat(resolve(folder, path)).then(
    () => undefined,
    (cause) => cause,
  );
  if (error !== undefined)
    throw new FormatError(
      `${path}: ${wordsOf(error)}, expected permutations of rebasin match (--permutations-out FILE writes what is found)`,
    );
}

/** The file of `--checkpoint` where `curve` and `contour` leave it to the straight-through search. */
export const searchCheckpoint = ({
  method,
  checkpoint,
}: Pick<MatchValues, "method" | "checkpoint">): string | undefined =>
  method === "straight-through" ? checkpoint : undefined;

/**
 * Where `curve` and `contour` keep what they have measured: in the file of `--checkpoint`, else beside the first
 * output.
 */
export async function checkpointPath(
  { options }: CommandContext<Pick<MatchValues, "method" | "checkpoint">>,
  outputs: readonly string[],
  inputs: readonly string[],
): Promise<string | undefined> {
  const named = searchCheckpoint(options) === undefined ? options.checkpoint : undefined;
  const path = named ?? (outputs.length === 0 ? undefined : `${outputs[0]}.checkpoint`);
  if (path !== undefined) await checkOutputs([path], [...inputs, ...outputs], true);
  return path;
}
