/** Replaces load-arc.ts in edge workers, which are one file: there a dynamic import only adds bytes. */

import { arcWeights } from "./arc.ts";
import type { loadArc as anywhere } from "./load-arc.ts";

export const loadArc: typeof anywhere = async (blend) => (blend === "slerp" ? arcWeights : undefined);
