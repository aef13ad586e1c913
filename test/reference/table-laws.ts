/** What every family by table must hold, for one network that runs in plain loops. */

import * as assert from "uvu/assert";
import { resolveSpec } from "../../src/axes/resolve-spec.ts";
import type { Spec } from "../../src/axes/types.ts";
import { SpecError } from "../../src/base/errors.ts";
import { createRng } from "../../src/base/rng.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import { rejects } from "./expect-error.ts";
import type { SequenceNetwork } from "./forward/sequence-network.ts";
import { type TensorMap, Weights } from "./forward/sequences.ts";
import { SEQUENCES } from "./forward/transformers.ts";
import { fromModel, toModel } from "./networks.ts";
import { plant, randomPermutations } from "./plant.ts";

/** The network's tensors, drawn at random. */
export function createTensors({ run }: SequenceNetwork, seed: number): TensorMap {
  const weights = new Weights(new Map(), createRng(seed));
  run(weights, SEQUENCES[0]!);
  return weights.tensors;
}

export const outputs = ({ run }: SequenceNetwork, tensors: TensorMap): number[] =>
  SEQUENCES.flatMap((tokens) => run(new Weights(tensors), tokens));

export const infosOf = (tensors: TensorMap): ReturnType<typeof toModel>["tensors"] => toModel(tensors).tensors;

export const detectIn = ({ config }: SequenceNetwork, tensors: TensorMap): Promise<Spec> =>
  detectSpec({ tensors: infosOf(tensors) }, { config });

/** The function stays under random permutations, which move some tensor. */
export async function keepsFunction(network: SequenceNetwork): Promise<void> {
  const tensors = createTensors(network, 1);
  const spec = await detectIn(network, tensors);
  assert.is(spec.family, network.family);
  assert.is(spec.basis, "architecture");
  const before = outputs(network, tensors);
  for (let seed = 0; seed < 3; seed++) {
    const model = toModel(tensors);
    const moved = await fromModel(
      await applyPermutations(model, spec, randomPermutations(spec, model, createRng(seed))),
    );
    const after = outputs(network, moved);
    const largest = Math.max(...before.map(Math.abs));
    const deviation = Math.max(...before.map((value, i) => Math.abs(value - after[i]!))) / largest;
    assert.ok(deviation < 1e-5, `deviation ${deviation}`);
    assert.ok([...tensors].some(([each, { data }]) => data.some((value, i) => value !== moved.get(each)!.data[i])));
  }
}

/** Planted permutations are found, each time: 4 times of 20 that `npm run stress -- tables` runs. */
export async function findsPlanted(network: SequenceNetwork, times = 4): Promise<void> {
  for (let seed = 0; seed < times; seed++) {
    const tensors = createTensors(network, seed);
    const model = toModel(tensors);
    const spec = await detectIn(network, tensors);
    const { b, answer } = await plant(spec, model, createRng(seed + 100));
    const { permutations } = await matchWeights(model, b, spec);
    for (const [each, order] of answer) assert.equal(permutations.get(each), order, `${each} of seed ${seed}`);
  }
}

export async function hasRoles(network: SequenceNetwork): Promise<void> {
  const tensors = createTensors(network, 1);
  const spec = await detectIn(network, tensors);
  for (const { name, role, size } of resolveSpec(spec, infosOf(tensors)).permutations) {
    assert.ok(role !== undefined, name);
    assert.ok(size > 0, name);
  }
}

/** A tensor more is refused by its name, and so is the model without one of those that match `needed`. */
export async function refusesOthers(network: SequenceNetwork, needed: RegExp): Promise<void> {
  const tensors = createTensors(network, 1);
  const more = new Map([...tensors, ["model.extra_matrix.weight", { shape: [3, 3], data: new Float32Array(9) }]]);
  await rejects(() => detectIn(network, more), SpecError, /lacks model\.extra_matrix\.weight, expected/);
  const missing = [...tensors.keys()].find((each) => needed.test(each))!;
  const fewer = new Map([...tensors].filter(([each]) => each !== missing));
  const end = missing.split(".").slice(-2).join("\\.");
  await rejects(() => detectIn(network, fewer), SpecError, new RegExp(`lacks .*${end}`));
}
