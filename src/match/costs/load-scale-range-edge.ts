/** Replaces load-scale-range.ts in edge workers, which are one file: there a dynamic import only adds bytes. */

import { scaleIntoRange } from "./scale-range.ts";

export const loadScaleRange = async (): Promise<typeof scaleIntoRange> => scaleIntoRange;
