/** Taps: renumbering a model's units renumbers exactly the channels that are tapped. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { specBuilder } from "../../src/axes/spec-builder.ts";
import type { Spec } from "../../src/axes/types.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { tapsOf } from "../../src/infer/taps.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";
import { randomPermutations } from "../reference/plant.ts";
import { gaussianArray } from "../reference/random.ts";
import { RUN_CASES } from "../reference/run-cases.ts";

const test = suite("taps");

/** All values of a model's graph on the same images, `[rows, channels]` each. */
async function allValues(model: Model, side: number): Promise<Map<string, { values: Float32Array; channels: number }>> {
  const network = await createNetwork(model);
  const images = tf.tensor4d(gaussianArray(2 * side * side, createRng(4)), [2, side, side, 1]);
  const { logits, values } = network.run(images, new Set(network.graph.operations.map(({ output }) => output)));
  const read = new Map<string, { values: Float32Array; channels: number }>();
  for (const [name, tensor] of values)
    read.set(name, { values: await tensor.data<"float32">(), channels: tensor.shape.at(-1)! });
  tf.dispose([images, logits, ...values.values()]);
  network.dispose();
  return read;
}

/** Fails unless the tapped channels of the renumbered model are those of the model, taken in the permutations' order. */
async function checkLaw(model: Model, spec: Spec, side: number): Promise<void> {
  const permutations = randomPermutations(spec, model, createRng(9));
  const moved = await applyPermutations(model, spec, permutations);
  const [before, after] = [await allValues(model, side), await allValues(moved, side)];
  const network = await createNetwork(model);
  const taps = await tapsOf(network.graph, spec, model);
  network.dispose();
  assert.equal([...taps.keys()].sort(), [...permutations.keys()].sort());
  for (const [permutation, order] of permutations) {
    assert.ok(taps.get(permutation)!.length > 0, `${permutation} has no tap`);
    for (const { value, block } of taps.get(permutation)!) {
      const [a, b] = [before.get(value)!, after.get(value)!];
      assert.is(a.channels, order.length * block, `${value}: channels`);
      const largest = a.values.reduce((max, x) => Math.max(max, Math.abs(x)), 0);
      for (let i = 0; i < b.values.length; i++) {
        const [row, channel] = [Math.floor(i / a.channels), i % a.channels];
        const from = order[Math.floor(channel / block)]! * block + (channel % block);
        const error = Math.abs(b.values[i]! - a.values[row * a.channels + from]!);
        assert.ok(error <= 1e-4 * largest, `${value} channel ${channel} is not ${from} of the model: off by ${error}`);
      }
    }
  }
}

for (const [name, build] of RUN_CASES) {
  test(`${name}: renumbering the model renumbers its tapped channels`, async () => {
    const { tensors, side } = build();
    const model = toModel(tensors);
    await checkLaw(model, await detectSpec(model, { normGroups: 1 }), side);
  });
}

test("units of two channels are tapped as blocks", async () => {
  const { tensors } = mlpNetwork(createRng(6), [9, 12, 7, 4]);
  const spec = specBuilder()
    .dense("layers.0", "P*2", null)
    .dense("layers.1", "Q", "P*2")
    .dense("layers.2", null, "Q")
    .build();
  await checkLaw(toModel(tensors), spec, 3);
});

test.run();
