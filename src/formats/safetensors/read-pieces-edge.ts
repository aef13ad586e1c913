/** Replaces read-pieces.ts in edge workers, whose models are in memory. */

import { describe } from "../../base/describe.ts";
import type { readPieces as anywhere } from "./read-pieces.ts";

export const readPieces: typeof anywhere = async function* (model, name, _info, expected, signal) {
  const bytes = await model.read(name, signal);
  if (bytes.length !== expected)
    throw new RangeError(`${model.name} tensor ${describe(name)} gave ${bytes.length} bytes, expected ${expected}`);
  if (expected > 0) yield bytes;
};
