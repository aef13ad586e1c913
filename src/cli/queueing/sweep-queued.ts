/** A sweep whose merges are made by the workers of a queue. */

import type { Model } from "../../base/model.ts";
import { openQueue } from "../../jobs/open-queue.ts";
import { openModelFile } from "../../node/open-model.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import type { SweepVariant } from "../../plan/sweep-plan.ts";
import { jobsOf, type QueueContext, resultsOf, submitAndWait } from "./run-queued.ts";

/** What the alignment of a pair is called among the documents. */
const ALIGNMENT = "alignment";

/**
 * Gives `use` the merge of each variant. A pair is aligned by one job, and each merge is a job that reads its
 * permutations; merges of other kinds align by themselves.
 */
export async function sweepQueued(
  plan: MergePlan,
  variants: readonly SweepVariant[],
  folder: string,
  context: QueueContext,
  use: (merged: Model, variant: SweepVariant) => Promise<void>,
): Promise<void> {
  const { options, signal } = context;
  const isShared = plan.align.strategy === undefined && plan.base === undefined && plan.align.method !== "none";
  const own = isShared && plan.models.length === 2 && plan.models.every(({ base }) => base === undefined);
  const alignment = {
    name: ALIGNMENT,
    plan: { ...plan, blend: undefined, repair: undefined, output: { permutations: ALIGNMENT } },
  };
  const merges = variants.map((variant, i) => ({
    name: `merge ${i}`,
    plan: own ? { ...variant.plan, align: { permutations: ALIGNMENT }, starts: undefined } : variant.plan,
  }));
  const queued = await jobsOf(own ? [alignment, ...merges] : merges, folder, { results: resultsOf(options), signal });
  const queue = await openQueue(options.queue!);
  try {
    await submitAndWait(queue, queued, context);
  } finally {
    await queue.close();
  }
  for (const [i, { job }] of queued.slice(own ? 1 : 0).entries()) {
    const merged = await openModelFile(job.payload.plan.output!.path!, { signal });
    try {
      await use(merged, variants[i]!);
    } finally {
      await merged.close?.();
    }
  }
}
