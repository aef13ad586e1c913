/** Two models and the permutations between them: from a file, or found now. */

import type { MatchReport } from "../match/match-weights.ts";
import { readPermutations } from "../perm/file.ts";
import { countMoved } from "../perm/permutation.ts";
import type { AlignedPair } from "../recipes/curve.ts";
import type { CommandContext, OptionRule } from "./command.ts";
import { matchJson, runMatching } from "./matching.ts";
import { specOption, withModels } from "./models.ts";

export const PERMUTATIONS_OPTION: OptionRule = {
  value: "FILE",
  help: "permutations of rebasin match, which align B to A; if not given, they are found with the options below",
};

/** How a pair was aligned. */
export interface Alignment {
  /** Units of each permutation, and how many of them moved. */
  readonly permutations: Record<string, { readonly size: number; readonly moved: number }>;
  /** Absent where permutations came from a file. */
  readonly matching?: MatchReport;
  /** For people: the method, or the file. */
  readonly how: string;
}

/** Opens A, B and the file of permutations, matches where there is none, runs `use`, closes everything. */
export async function withAlignedPair<T>(
  context: CommandContext,
  use: (pair: AlignedPair, alignment: Alignment) => Promise<T>,
): Promise<T> {
  const { positionals, values, signal } = context;
  const file = values.get("permutations");
  return withModels([...positionals, ...(file === undefined ? [] : [file])], signal, async (a, b, saved) => {
    if (saved !== undefined) {
      const { spec, permutations } = await readPermutations(saved, signal);
      return use(
        { a: a!, b: b!, spec, permutations },
        { permutations: movedOf(permutations), how: `permutations of ${file}` },
      );
    }
    const { spec, name } = await specOption(context, a!);
    const { permutations, report } = await runMatching(context, a!, b!, spec);
    const how = `${report.spec}, matched by ${report.method}`;
    return use(
      { a: a!, b: b!, spec, permutations },
      { permutations: movedOf(permutations), matching: matchJson(report, name), how },
    );
  });
}

function movedOf(permutations: ReadonlyMap<string, Int32Array>): Alignment["permutations"] {
  return Object.fromEntries([...permutations].map(([name, p]) => [name, { size: p.length, moved: countMoved(p) }]));
}
