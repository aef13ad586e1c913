/** How `merge` and `match` report the alignment of B. */

import { specName } from "../axes/spec-name.ts";
import type { Spec } from "../axes/types.ts";
import { visible } from "../base/visible.ts";
import type { PlanAlignment } from "../plan/align-by-plan.ts";
import { textTable } from "../report/text-table.ts";
import { bridgeLines } from "./bridging.ts";
import { matchText } from "./matching.ts";
import { type Option, text } from "./option.ts";

export const PERMUTATIONS_OUT_OPTION: Option<string | undefined> = text({
  value: "FILE",
  help: "also write the permutations found, for --permutations and rebasin apply",
  group: "output",
});

/** Of the matching; or, for permutations from a file, what the file shows. */
export function alignmentJson({ matching, permutations, how, notes }: PlanAlignment, spec: Spec): object {
  return { ...(matching ?? { spec: specName(spec), method: how, permutations }), notes };
}

/** For people, the permutations as a table at the end. */
export function alignmentText({ matching, permutations, how, notes }: PlanAlignment, spec: Spec): string {
  const lines = bridgeLines(notes);
  if (matching !== undefined) return [...lines, matchText(matching, spec)].join("\n");
  const rows = Object.entries(permutations).map(([name, { size, moved }]) => [name, String(size), String(moved)]);
  return [...lines, `aligned    by ${visible(how)}`, "", textTable(["permutation", "size", "moved"], rows)].join("\n");
}
