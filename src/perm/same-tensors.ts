/** Two models that are to be matched or merged must hold the same tensors. */

import { SpecError } from "../errors.ts";
import { compareTensors, describeDifferences } from "../spec/compare.ts";
import type { Model } from "../tensor.ts";

/** Throws `SpecError` listing what differs (the first ten, then a count) unless names, shapes and dtypes agree. */
export function requireSameTensors(a: Model, b: Model): void {
  const differences = compareTensors(a.tensors, b.tensors);
  if (differences.length === 0) return;
  throw new SpecError(`${a.name} and ${b.name} do not hold the same tensors: ${describeDifferences(differences)}`);
}
