/** What detection makes of a network: refused, right, or wrong by the law forward(π(B)) = forward(B). */

import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import type { Spec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { createRng } from "../../../src/base/rng.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import type { DetectOptions } from "../../../src/families/options.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { randomPermutations } from "../plant.ts";
import { makeNetwork, modelTensors, networkModel, type PlainNetwork, runNetwork, type TensorMap } from "./network.ts";

export interface Outcome {
  readonly kind: "refused" | "right" | "wrong" | "still";
  /** Why it was refused. */
  readonly reason?: string | undefined;
  readonly spec?: Spec | undefined;
  /** Largest relative difference of outputs. */
  readonly difference?: number | undefined;
}

/** In which order the file has the tensors. */
export const FILE_ORDERS: Readonly<Record<string, (tensors: TensorMap) => TensorMap>> = {
  "in file order": (tensors) => tensors,
  sorted: (tensors) => new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1))),
  reversed: (tensors) => new Map([...tensors].reverse()),
};

export async function outcomeOf(
  network: PlainNetwork,
  seed: number,
  options: DetectOptions = {},
  reorder = (tensors: TensorMap): TensorMap => tensors,
): Promise<Outcome> {
  const { input, tensors } = makeNetwork(network, seed);
  const model = networkModel(reorder(tensors));
  let spec: Spec;
  try {
    spec = await detectSpec(model, options);
  } catch (error) {
    if (!(error instanceof SpecError) || error.message.includes("\n")) throw error;
    return { kind: "refused", reason: error.message };
  }
  if (resolveSpec(spec, model.tensors).permutations.every(({ size }) => size < 2)) return { kind: "still", spec };
  const expected = runNetwork(network, tensors, input);
  const scale = Math.max(...expected.map(Math.abs), 1e-9);
  let difference = 0;
  for (let k = 1; k <= 2; k++) {
    const permutations = randomPermutations(spec, model, createRng(seed + k));
    const moved = await modelTensors(await applyPermutations(model, spec, permutations));
    const found = runNetwork(network, moved, input);
    difference = Math.max(difference, ...found.map((x, i) => Math.abs(x - expected[i]!) / scale));
  }
  return { kind: difference < 1e-7 ? "right" : "wrong", spec, difference };
}
