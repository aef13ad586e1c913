/** Progress with the work that is done: steps differ in size, and time goes by work. */

import type { OnProgress, Work } from "./progress.ts";

/** Reports of steps with these sizes in bytes, in order; reports of other steps stay as they are. */
export function byBytes(onProgress: OnProgress | undefined, sizes: Iterable<number>): OnProgress | undefined {
  if (onProgress === undefined) return undefined;
  const ends = [0];
  for (const size of sizes) ends.push(ends.at(-1)! + size);
  const total = ends.at(-1)!;
  return (progress) => {
    const isOfThese = progress.total === ends.length - 1;
    const work: Work = { done: ends[progress.done] ?? total, total, unit: "bytes" };
    onProgress(isOfThese ? { ...progress, work } : progress);
  };
}
