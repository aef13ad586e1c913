/** Why two models cannot be merged, and what to do about it. */

import { type Difference, describeDifferences, listFirst } from "../base/compare-tensors.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { prefixesInside } from "./pair-names.ts";
import { layoutsOf } from "./same-tensors.ts";

/** More tensors than this are no head. */
const FEW = 12;

/** What to throw for models that no bridge joins. */
export function differFault(a: Model, b: Model, differences: readonly Difference[]): SpecError {
  const names = [...a.tensors.keys()];
  const lacksAll = differences.filter(({ kind }) => kind === "missing").length === names.length;
  const advice = wayOn(a, b, differences);
  if (lacksAll) {
    const found = `${namesOf(a)} in A, ${namesOf(b)} in B`;
    return new SpecError(
      `${a.name} and ${b.name} have no tensor name in common, expected the same tensors: ${found}${layoutsOf(a, b)}; ${advice}`,
    );
  }
  return new SpecError(
    `${a.name} and ${b.name} do not hold the same tensors: ${describeDifferences(differences)}${layoutsOf(a, b)}; ${advice}`,
  );
}

const namesOf = ({ tensors }: Model): string => (tensors.size === 0 ? "none" : listFirst([...tensors.keys()], 2));

/** What to do next, in a sentence part. */
export function wayOn(a: Model, b: Model, differences: readonly Difference[]): string {
  const inB = prefixesInside(a.tensors.keys(), b.tensors.keys());
  if (inB.length > 0) return `B has A's names under ${quoted(inB)}: choose by --prefix-b ${inB[0]}`;
  const inA = prefixesInside(b.tensors.keys(), a.tensors.keys());
  if (inA.length > 0) return `A has B's names under ${quoted(inA)}: choose by --prefix-a ${inA[0]}`;
  if (differences.length <= FEW && differences.length < a.tensors.size)
    return `to merge the rest and keep A's: --keep-a ${patternsOf(differences).join(",")} (keepA)`;
  return "these are networks of another size or architecture; if not, give the words before the names by --prefix-a or --prefix-b";
}

const quoted = (prefixes: readonly string[]): string =>
  listFirst(
    prefixes.map((prefix) => JSON.stringify(prefix)),
    4,
    " and ",
  );

/** Modules whose tensors all differ, as `head.*`; else names. */
function patternsOf(differences: readonly Difference[]): string[] {
  return [...new Set(differences.map(({ tensor }) => tensor.replace(/([./])[^./]+$/, "$1*")))];
}
