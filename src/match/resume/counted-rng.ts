/** Random numbers that can continue where an earlier run was: by how many were drawn. */

import { createRng, type Rng } from "../../base/rng.ts";

export interface CountedRng extends Rng {
  readonly draws: () => number;
  /** Goes to where `draws` numbers had been drawn. */
  goTo(draws: number): void;
}

export function countedRng(seed: number): CountedRng {
  let rng = createRng(seed);
  let draws = 0;
  return {
    draws: () => draws,
    goTo(count) {
      rng = createRng(seed);
      for (draws = 0; draws < count; draws++) rng.uint32();
    },
    // Each takes one number of the sequence.
    uint32: () => [rng.uint32(), draws++][0]!,
    uniform: () => [rng.uniform(), draws++][0]!,
    below: (bound) => [rng.below(bound), draws++][0]!,
  };
}
