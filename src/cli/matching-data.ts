/** Options of matching with data, and of which data. */

import type { ActivationCost } from "../by-data/activation-statistics.ts";
import type { Split } from "../node/data-folder.ts";
import { MATCHING_IMAGES } from "../plan/match-by-plan.ts";
import { DATA_OPTIONS, type DataValues, splitOption } from "./image-data.ts";
import { choice, flag, inGroup, integer, list, number, type Options } from "./option.ts";

/** Options on how data take part in a matching; for commands that have their own data options. */
export interface MatchByDataValues {
  readonly method: MatchingMethod;
  readonly cost: ActivationCost;
  readonly share: number;
  readonly polish: boolean;
  readonly starts: number;
  readonly only: readonly string[] | undefined;
  readonly except: readonly string[] | undefined;
}

export type MatchingMethod = "frank-wolfe" | "coordinate" | "activations" | "hybrid" | "straight-through";

/** The search moves all permutations at once. */
const CHOOSING = { method: ["frank-wolfe", "coordinate", "activations", "hybrid"] };

export const MATCH_BY_DATA_OPTIONS: Options<MatchByDataValues> = inGroup("matching", {
  method: choice(["frank-wolfe", "coordinate", "activations", "hybrid", "straight-through"], {
    value: "METHOD",
    help: "frank-wolfe finds better permutations than coordinate, the paper's Algorithm 1; the others need --data",
    default: "frank-wolfe",
    needs: { data: ["activations", "hybrid", "straight-through"] },
  }),
  cost: choice(["correlation", "inner-product"], {
    value: "COST",
    help: "how units are compared",
    default: "correlation",
    for: { method: ["activations", "hybrid"] },
  }),
  share: number({
    value: "X",
    help: "weight of the activations next to the tensors",
    default: 0.3,
    min: 0,
    max: 1e6,
    for: { method: ["hybrid"] },
  }),
  polish: flag({ help: "refine the result by weight matching", for: { method: ["activations"] } }),
  starts: integer({
    value: "N",
    help: "try N starts, keep the one whose midpoint has the lowest loss on the data",
    default: 1,
    min: 1,
    max: 1000,
    for: { method: ["frank-wolfe", "hybrid"] },
    needs: { data: true },
  }),
  only: list({
    value: "NAMES",
    help: "permutations that may move, by commas; NAME* for all that start so",
    for: CHOOSING,
  }),
  except: list({ value: "NAMES", help: "permutations that stay in place", for: CHOOSING }),
});

/** The data options of a command whose data serve the matching alone. */
export interface MatchDataValues extends DataValues {
  readonly split: Split;
}

export const MATCH_DATA_OPTIONS: Options<MatchDataValues> = {
  ...DATA_OPTIONS,
  limit: {
    ...DATA_OPTIONS.limit,
    help: "only the first N images",
    defaultText: `all for straight-through, else ${MATCHING_IMAGES}`,
  },
  split: splitOption("train"),
};
