/** What a model that a plan made records of its making. */

import type { Model } from "../base/model.ts";
import { modelDigest } from "../base/model-digest.ts";
import { planText } from "./canonical.ts";
import type { MergePlan } from "./merge-plan.ts";

/**
 * `rebasin.plan`, the plan without paths, and `rebasin.parents`, one digest of each of `parents`: the plan's models as
 * their files have them, the bases last. Reads every tensor of them once.
 *
 * @throws {FormatError} as the models' `read` does, and the signal's reason when aborted.
 *
 * @example
 * const metadata = await planMetadata(plan, [a, b]);
 */
export async function planMetadata(
  plan: MergePlan,
  parents: readonly Model[],
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const digests: string[] = [];
  for (const model of parents) digests.push(await modelDigest(model, signal));
  return new Map([
    ["rebasin.plan", planText(plan)],
    ["rebasin.parents", digests.join(" ")],
  ]);
}
