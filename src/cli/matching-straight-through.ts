/** Options of `--method straight-through`. */

import { integer, number, type Options } from "./option.ts";

/** Options of this method alone. */
export interface StraightThroughValues {
  readonly steps: number | undefined;
  readonly batch: number | undefined;
  readonly "learning-rate": number | undefined;
}

/** What every one of them has. */
const SEARCH = { group: "matching", for: { method: ["straight-through"] } } as const;

export const STRAIGHT_THROUGH_OPTIONS: Options<StraightThroughValues> = {
  steps: integer({ ...SEARCH, value: "N", help: "steps at most", defaultText: "200", min: 1 }),
  batch: integer({ ...SEARCH, value: "N", help: "images a step", defaultText: "1000", min: 1 }),
  "learning-rate": number({
    ...SEARCH,
    value: "X",
    help: "of the gradient descent",
    defaultText: "1.5",
    min: Number.MIN_VALUE,
    max: 1e6,
  }),
};
