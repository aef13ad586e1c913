/** The page's form as a plan: what `rebasin run` makes of the same files. */

import type { MatchReport } from "../src/index.ts";
import { checkPlan, type MergePlan, PLAN_FORMAT } from "../src/plan.ts";
import type { MergeForm, PairRequest } from "./calls.ts";

/** How a pair was aligned, and the merge that the form asks for. */
export function planOfForm(
  { a, b, spec }: PairRequest,
  { method, seed }: Pick<MatchReport, "method" | "seed">,
  { lambda, blend, output, fitted }: MergeForm,
): MergePlan {
  return checkPlan({
    format: PLAN_FORMAT,
    models: [{ path: a.name }, { path: b.name }],
    spec: typeof spec === "string" ? spec : JSON.parse(spec.text),
    data: fitted === undefined ? undefined : { path: "images" },
    align: { method, seed },
    repair: fitted === undefined ? undefined : { kind: "least-squares", images: fitted },
    blend: { method: blend, lambda },
    output: { path: output },
  });
}
