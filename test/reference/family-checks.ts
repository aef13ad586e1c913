/** Checks that the suites of all families share. */

import * as assert from "uvu/assert";
import { formatAxis } from "../../src/axes/axis.ts";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import type { Spec } from "../../src/axes/types.ts";
import { SpecError } from "../../src/base/errors.ts";
import { detectSpec, familySpec } from "../../src/families/detect-spec.ts";
import type { Tensors } from "./architectures.ts";

/** The axes of one tensor as text. */
export const axesOf = (spec: Spec, name: string): string => spec.tensors.get(name)!.axes.map(formatAxis).join(" ");

/** Sizes by name of the permutations that a spec, or detection, finds. */
export function permutationsOf(tensors: Tensors, spec: Spec = detectSpec({ tensors })): Map<string, number> {
  return new Map(resolveSpec(spec, tensors).permutations.map(({ name, size }) => [name, size]));
}

/** Asserts that a family refuses the tensors with a `SpecError` whose message matches. */
export function refused(tensors: Tensors, family: string, pattern: RegExp): void {
  assert.throws(
    () => familySpec(family, { tensors }),
    (error: unknown) => {
      assert.instance(error, SpecError);
      assert.match((error as Error).message, pattern);
      return true;
    },
  );
}
