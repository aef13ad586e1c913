/** Small specs whose permutations share axes: one inside another, and two as a product. */

import { parseSpec } from "../../src/axes/spec-file.ts";
import type { Spec } from "../../src/axes/types.ts";

/** A spec, and shapes that it fits. */
export interface TiedProblem {
  readonly shapes: Record<string, number[]>;
  readonly spec: Spec;
}

/** Units inside heads. */
export const NESTED: TiedProblem = {
  shapes: { q: [40, 32], v: [40, 32], o: [32, 40], embed: [50, 32] },
  spec: parseSpec({
    format: "rebasin-spec/1",
    tensors: {
      q: { axes: ["H*5", "D"] },
      v: { axes: ["V", "D"] },
      o: { axes: ["D", "V"] },
      embed: { axes: ["_", "D"] },
    },
    permutations: { V: { outer: "H", inner: 5 } },
  }),
};
/** A product of two permutations. */
export const GROUPED: TiedProblem = {
  shapes: { before: [48, 90], grouped: [72, 48, 9], bias: [72], after: [60, 72], gate: [12, 5] },
  spec: parseSpec({
    format: "rebasin-spec/1",
    tensors: {
      before: { axes: ["I", "90"] },
      grouped: { axes: ["G*O", "I", "9"] },
      bias: { axes: ["G*O"] },
      after: { axes: ["60", "G*O"] },
      gate: { axes: ["G", "5"] },
    },
  }),
};
