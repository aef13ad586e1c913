/** The registry of blends. Each loads when it is first used. */

import type { BlendRule } from "./blend.ts";

/** The name of a blend; mergekit's where it has the blend. */
export type BlendName = "linear" | "lerp" | "slerp";

const MANY = [1, Number.POSITIVE_INFINITY] as const;
const TWO = [2, 2] as const;

/** Every blend by its name. */
export const BLENDS: Readonly<Record<BlendName, BlendRule>> = {
  linear: {
    summary: "weighted mean",
    models: MANY,
    base: "none",
    settings: { weights: 1, normalize: true },
    load: async () => (await import("./linear.ts")).linear,
  },
  lerp: { summary: "on the line between two models", models: TWO, base: "none", settings: { lambda: 0.5 } },
  slerp: { summary: "on the arc between two whole tensors", models: TWO, base: "none", settings: { lambda: 0.5 } },
};

/** The rule of that name. Throws `RangeError` for an unknown one. */
export function blendRule(name: string): BlendRule {
  if (!Object.hasOwn(BLENDS, name))
    throw new RangeError(`blend "${name}", expected one of ${Object.keys(BLENDS).join(", ")}`);
  return BLENDS[name as BlendName];
}
