/** Two models and the permutations between them: from a file, or found now. */

import type { MatchReport } from "../match/match-weights.ts";
import type { Permutations } from "../perm/alignment.ts";
import { type AlignedPair, pairOf } from "../perm/pair.ts";
import { countMoved } from "../perm/permutation.ts";
import { readPermutations } from "../perm/permutation-file.ts";
import type { CommandContext, OptionRule } from "./command.ts";
import { runMatching } from "./matching.ts";
import { checkOutputs, specOption, withModels } from "./models.ts";
import type { Repair } from "./repairing.ts";

export const PERMUTATIONS_OPTION: OptionRule = {
  value: "FILE",
  help: "permutations of rebasin match, which align B to A; if not given, they are found with the options below",
};

/** How a pair was aligned. */
export interface AlignmentFound {
  /** Units of each permutation, and how many of them moved. */
  readonly permutations: Record<string, { readonly size: number; readonly moved: number }>;
  /** Absent where permutations came from a file. */
  readonly matching?: MatchReport | undefined;
  /** For people: the method, or the file. */
  readonly how: string;
}

/**
 * Opens A, B and the file of permutations, matches where there is none, runs `use`, closes everything. `repair` is done to
 * the midpoints of starts before they are compared.
 */
export async function withAlignedPair<T>(
  context: CommandContext,
  use: (pair: AlignedPair, alignment: AlignmentFound) => Promise<T>,
  repair?: Repair,
): Promise<T> {
  const { positionals, values, signal } = context;
  const file = values.get("permutations");
  return withModels([...positionals, ...(file === undefined ? [] : [file])], context, async (a, b, saved) => {
    if (saved !== undefined) {
      const { spec, permutations } = await readPermutations(saved, signal);
      return use(
        { a: a!, b: b!, spec, permutations },
        { permutations: movedOf(permutations), how: `permutations of ${file}` },
      );
    }
    const { spec } = await specOption(context, a!);
    const pair = pairOf(a!, b!, spec);
    const { permutations, report } = await runMatching(forMatching(context), pair, "train", repair);
    const how = `${report.spec}, matched by ${report.method}`;
    return use(
      { a: a!, b: b!, spec: pair, permutations },
      { permutations: movedOf(permutations), matching: report, how },
    );
  });
}

/** Without the options that are the command's own here and the straight-through search's elsewhere. */
function forMatching(context: CommandContext): CommandContext {
  const own = context.values.get("method") === "straight-through" ? ["batch"] : ["batch", "checkpoint"];
  return { ...context, values: new Map([...context.values].filter(([name]) => !own.includes(name))) };
}

/** Where `curve` and `contour` keep what they have measured: as `--checkpoint` says, else beside the first output. */
export async function checkpointPath(
  { values }: CommandContext,
  outputs: readonly string[],
  inputs: readonly string[],
): Promise<string | undefined> {
  const named = values.get("method") === "straight-through" ? undefined : values.get("checkpoint");
  const path = named ?? (outputs.length === 0 ? undefined : `${outputs[0]}.checkpoint`);
  if (path !== undefined) await checkOutputs([path], [...inputs, ...outputs], true);
  return path;
}

function movedOf(permutations: Permutations): AlignmentFound["permutations"] {
  return Object.fromEntries([...permutations].map(([name, p]) => [name, { size: p.length, moved: countMoved(p) }]));
}
