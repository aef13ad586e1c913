/** Checks that the suites of all families share. */

import { formatAxis } from "../../src/axes/axis.ts";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import type { Spec } from "../../src/axes/types.ts";
import { SpecError } from "../../src/base/errors.ts";
import { detectSpec, familySpec } from "../../src/families/detect-spec.ts";
import type { DetectOptions } from "../../src/families/options.ts";
import type { Tensors } from "./architectures.ts";
import { rejects } from "./expect-error.ts";

/** The axes of one tensor as text. */
export const axesOf = (spec: Spec, name: string): string => spec.tensors.get(name)!.axes.map(formatAxis).join(" ");

/** The same of several. */
export const axesOfEach = (spec: Spec, names: readonly string[]): string[] => names.map((name) => axesOf(spec, name));

/** Sizes by name of the permutations that a spec, or detection, finds. */
export async function permutationsOf(tensors: Tensors, given?: Spec): Promise<Map<string, number>> {
  const spec = given ?? (await detectSpec({ tensors }));
  return new Map(resolveSpec(spec, tensors).permutations.map(({ name, size }) => [name, size]));
}

/** Asserts that a family refuses the tensors with a `SpecError` whose message matches. */
export async function refused(
  tensors: Tensors,
  family: string,
  pattern: RegExp,
  options: DetectOptions = {},
): Promise<void> {
  await rejects(() => familySpec(family, { tensors }, options), SpecError, pattern);
}
