/** What reports call a spec. */

import type { Spec, SpecBasis } from "./types.ts";

/** Its own name (that of its file), else its family's, else "custom". */
export function specName({ name, family }: Spec): string {
  return name ?? family ?? "custom";
}

/** How reports describe a spec: its name, its basis, its assumptions. */
export interface SpecNotes {
  readonly spec: string;
  readonly basis: SpecBasis;
  readonly assumptions: readonly string[];
}

/** Of a spec that nobody detected, "given" and nothing. */
export function specNotes(spec: Spec): SpecNotes {
  return { spec: specName(spec), basis: spec.basis ?? "given", assumptions: spec.assumptions ?? [] };
}
