/** The images among the inputs that a network is given. */

import type { Value } from "./executor.ts";

/** The only input, `input`. Throws `RangeError` for others and for what is no batch of images. */
export function imagesOf(inputs: ReadonlyMap<string, Value>): Value {
  const images = inputs.get("input");
  if (images === undefined || inputs.size !== 1)
    throw new RangeError(`inputs are ${[...inputs.keys()].join(", ") || "none"}, expected input alone`);
  if (images.shape.length !== 4)
    throw new RangeError(`input has shape [${images.shape.join(", ")}], expected [batch, height, width, channels]`);
  return images;
}
