/** What results of a pair that was run rest on: its spec's basis, and the assumptions of spec and graph. */

import type { SpecBasis } from "../axes/types.ts";
import { type AlignedPair, pairOf } from "../perm/pair.ts";
import type { ReportSection } from "../report/report-page.ts";
import { graphOf } from "../run/models/model-graph.ts";

/** The graph's assumptions after the spec's, each once. */
export interface Foundations {
  readonly basis: SpecBasis;
  readonly assumptions: readonly string[];
}

export async function foundationsOf({ a, b, spec }: Pick<AlignedPair, "a" | "b" | "spec">): Promise<Foundations> {
  const { basis = "given", assumptions = [] } = pairOf(a, b, spec).spec;
  const graph = await graphOf(a);
  return { basis, assumptions: [...new Set([...assumptions, ...(graph.assumptions ?? [])])] };
}

/** For pages. */
export function foundationsSection({ basis, assumptions }: Foundations): ReportSection {
  const rows = assumptions.map((line) => [line]);
  return {
    heading: "What this rests on",
    text: [`Basis of the spec: ${basis}. Files do not tell the following; it is taken for granted.`],
    tables: [{ header: ["assumption"], rows, wordy: true }],
  };
}
