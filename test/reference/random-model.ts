/** Models of random numbers. */

import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { toModel } from "./networks.ts";
import { gaussianArray } from "./random.ts";

/** A model with tensors of these shapes, drawn by `seed`. */
export const randomModel = (shapes: Record<string, number[]>, seed: number): Model =>
  toModel(
    new Map(
      Object.entries(shapes).map(([name, shape]) => {
        const count = shape.reduce((x, y) => x * y, 1);
        return [name, { shape, data: gaussianArray(count, createRng(seed + count)) }];
      }),
    ),
  );
