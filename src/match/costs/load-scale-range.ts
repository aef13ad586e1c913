/** Scaling is rarely needed: it loads on demand. */

import type { scaleIntoRange } from "./scale-range.ts";

export async function loadScaleRange(): Promise<typeof scaleIntoRange> {
  return (await import("./scale-range.ts")).scaleIntoRange;
}
