/** Replaces read-pair.ts in edge workers, whose models are in memory: they read whole tensors. */

import { sourceOf } from "../perm/gather-tensor.ts";
import type { readPair as anywhere } from "./read-pair.ts";

export const readPair: typeof anywhere = async ({ a, b, tensors, permutations }, name, _blend, _part, signal) => ({
  ...{ name, models: [a.name, b.name], tensor: tensors.get(name)!, permutations },
  a: await a.read(name, signal),
  b: await b.read(sourceOf(tensors, name, permutations), signal),
  dtype: a.tensors.get(name)!.dtype,
});
