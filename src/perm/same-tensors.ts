/** Two models that are to be matched or merged must hold the same tensors. */

import { compareTensors, describeDifferences, listFirst } from "../base/compare-tensors.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";

/** Throws `SpecError` saying what differs (the first ten, then a count) unless names, shapes and dtypes agree. */
export function requireSameTensors(a: Model, b: Model): void {
  const differences = compareTensors(a.tensors, b.tensors);
  if (differences.length > 0) throw differFault(a, b, differences);
}

function differFault(a: Model, b: Model, differences: ReturnType<typeof compareTensors>): SpecError {
  if (![...a.tensors.keys()].some((name) => b.tensors.has(name))) {
    const found = `${namesOf(a)} in A, ${namesOf(b)} in B`;
    return new SpecError(`${a.name} and ${b.name} have no tensor name in common, expected the same tensors: ${found}`);
  }
  return new SpecError(`${a.name} and ${b.name} do not hold the same tensors: ${describeDifferences(differences)}`);
}

const namesOf = ({ tensors }: Model): string => (tensors.size === 0 ? "none" : listFirst([...tensors.keys()], 2));
