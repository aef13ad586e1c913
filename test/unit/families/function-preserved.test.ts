import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { createRng } from "../../../src/base/rng.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import {
  convNetwork,
  fromModel,
  mlpNetwork,
  type Network,
  residualNetwork,
  toModel,
} from "../../reference/networks.ts";
import { randomPermutations } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("π(B) computes what B computes");

const networks: ((seed: number) => Network)[] = [
  (seed) => mlpNetwork(createRng(seed)),
  (seed) => convNetwork(createRng(seed), false),
  (seed) => convNetwork(createRng(seed), true),
  (seed) => residualNetwork(createRng(seed), 8, 11, 2),
];

for (const build of networks) {
  test(build(0).name, async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const rng = createRng(seed);
      const network = build(seed);
      const model = toModel(network.tensors);
      const permutations = randomPermutations(network.spec, model, rng);
      const moved = await fromModel(await applyPermutations(model, network.spec, permutations));
      const input = Float64Array.from(gaussianArray(network.inputs, rng));
      const [before, after] = [network.forward(network.tensors, input), network.forward(moved, input)];
      const differs = [...moved].some(([name, { data }]) =>
        data.some((value, i) => value !== network.tensors.get(name)!.data[i]),
      );
      assert.ok(differs, "nothing moved");
      before.forEach((value, i) => {
        assert.ok(Math.abs(value - after[i]!) < 1e-9, `output ${i}: ${after[i]}, expected ${value}`);
      });
    }
  });

  test(`${build(0).name}: apply, then inverse, gives back every bit`, async () => {
    const network = build(3);
    // A NaN with a payload, −0 and a subnormal must survive too: nothing is computed, only moved.
    const { data } = network.tensors.values().next().value!;
    new Uint32Array(data.buffer).set([0x7fc12345, 0x80000000, 1]);
    const model = toModel(network.tensors);
    const permutations = randomPermutations(network.spec, model, createRng(9));
    const there = await applyPermutations(model, network.spec, permutations);
    const back = await applyPermutations(there, network.spec, permutations, { inverse: true });
    for (const name of model.tensors.keys()) {
      const [want, got] = [await model.read(name), await back.read(name)];
      assert.is(
        got.findIndex((byte, i) => byte !== want[i]),
        -1,
        name,
      );
    }
  });
}

test("input and output axes have no permutation in any of them", () => {
  const network = mlpNetwork(createRng(1));
  const resolved = resolveSpec(network.spec, toModel(network.tensors).tensors);
  assert.equal(
    resolved.permutations.map(({ name }) => name),
    ["P0", "P1"],
  );
});

test.run();
