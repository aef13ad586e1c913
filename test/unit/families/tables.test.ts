import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import type { Spec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { createRng } from "../../../src/base/rng.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { rejects } from "../../reference/expect-error.ts";
import { IMAGE_AND_SOUND_NETWORKS } from "../../reference/forward/images-and-sound.ts";
import type { SequenceNetwork } from "../../reference/forward/sequence-network.ts";
import { type TensorMap, Weights } from "../../reference/forward/sequences.ts";
import { T5_NETWORKS } from "../../reference/forward/t5.ts";
import { NETWORKS, SEQUENCES } from "../../reference/forward/transformers.ts";
import { fromModel, toModel } from "../../reference/networks.ts";
import { plant, randomPermutations } from "../../reference/plant.ts";

const test = suite("families by tables");

/** The network's tensors, drawn at random. */
function create({ run }: SequenceNetwork, seed: number): TensorMap {
  const weights = new Weights(new Map(), createRng(seed));
  run(weights, SEQUENCES[0]!);
  return weights.tensors;
}

const outputs = ({ run }: SequenceNetwork, tensors: TensorMap): number[] =>
  SEQUENCES.flatMap((tokens) => run(new Weights(tensors), tokens));

const infos = (tensors: TensorMap) => toModel(tensors).tensors;

for (const [name, network] of Object.entries({ ...NETWORKS, ...IMAGE_AND_SOUND_NETWORKS, ...T5_NETWORKS })) {
  const { config, family } = network;
  const detect = (tensors: TensorMap): Promise<Spec> => detectSpec({ tensors: infos(tensors) }, { config });

  test(`${name}: the function stays, whatever moves`, async () => {
    const tensors = create(network, 1);
    const spec = await detect(tensors);
    assert.is(spec.family, family);
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
  });

  test(`${name}: planted permutations are found`, async () => {
    for (let seed = 0; seed < 20; seed++) {
      const tensors = create(network, seed);
      const model = toModel(tensors);
      const spec = await detect(tensors);
      const { b, answer } = await plant(spec, model, createRng(seed + 100));
      const { permutations } = await matchWeights(model, b, spec);
      for (const [each, order] of answer) assert.equal(permutations.get(each), order, `${each} of seed ${seed}`);
    }
  });

  test(`${name}: every permutation has a role, every unit of them is used`, async () => {
    const tensors = create(network, 1);
    const spec = await detect(tensors);
    for (const { name: permutation, role, size } of resolveSpec(spec, infos(tensors)).permutations) {
      assert.ok(role !== undefined, permutation);
      assert.ok(size > 0, permutation);
    }
  });

  test(`${name}: tensors that no table knows, and missing ones, are refused by name`, async () => {
    const tensors = create(network, 1);
    const more = new Map([...tensors, ["model.extra_matrix.weight", { shape: [3, 3], data: new Float32Array(9) }]]);
    await rejects(() => detect(more), SpecError, /lacks model\.extra_matrix\.weight, expected/);
    const ends =
      /[._]1\..*(?:output\.dense|o_proj|out_proj|c_proj|attention\.dense|out_lin|attn\.proj|SelfAttention\.o)\.weight$/;
    const inLayer = [...tensors.keys()].find((each) => ends.test(each))!;
    const fewer = new Map([...tensors].filter(([each]) => each !== inLayer));
    await rejects(() => detect(fewer), SpecError, new RegExp(`lacks .*${inLayer.split(".").slice(-2).join("\\.")}`));
  });
}

test("heads that neither names nor shapes tell are asked for, by configuration or option", async () => {
  for (const name of ["BERT, masked words", "GPT-2", "Llama", "OPT", "GPT-NeoX", "DistilBERT"]) {
    const tensors = { tensors: infos(create(NETWORKS[name]!, 1)) };
    await rejects(() => detectSpec(tensors), SpecError, /expected a config\.json beside it, or --heads N/);
    const heads = name === "Llama" ? 6 : 3;
    assert.is((await detectSpec(tensors, { heads })).basis, "architecture");
    const { frozen: _, ...byHeads } = await detectSpec(tensors, { heads });
    const { frozen: __, ...byUnits } = await detectSpec(tensors, { headDim: name === "GPT-NeoX" ? 8 : 4 });
    assert.equal(byUnits, byHeads);
    await rejects(() => detectSpec(tensors, { heads: 5 }), SpecError, /rows of queries, expected a multiple of 5/);
    await rejects(() => detectSpec(tensors, { heads: 1.5 }), RangeError, /expected a positive integer/);
  }
  // A norm over the units of one head tells.
  assert.match(
    (await detectSpec({ tensors: infos(create(NETWORKS.Qwen3!, 1)) })).why!,
    /2 layers of 6 heads in 2 groups of 4/,
  );
});

test("the configuration beside the model is read, and its faults are named", async () => {
  const { tensors } = toModel(create(NETWORKS["GPT-2"]!, 1));
  const beside = (text: string) => ({ tensors, beside: async () => new TextEncoder().encode(text) });
  assert.match((await detectSpec(beside('{ "n_head": 3 }'))).why!, /2 layers of 3 heads of 4/);
  await rejects(() => detectSpec(beside("{")), SpecError, /config\.json beside the model is not JSON/);
  await rejects(() => detectSpec(beside("[]")), SpecError, /holds no object/);
  await rejects(
    () => detectSpec(beside('{ "n_head": "3" }')),
    SpecError,
    /config\.json has n_head "3", expected a positive integer/,
  );
  await rejects(() => detectSpec(beside("[".repeat(1e5))), SpecError, /nested 33 deep/);
});

test("the residual stream of a model without a head is an output and stays", async () => {
  const { tensors } = toModel(create(NETWORKS["GPT-2"]!, 1));
  const named = async (architectures: string[]): Promise<boolean> =>
    resolveSpec(await detectSpec({ tensors }, { config: { n_head: 3, architectures } }), tensors).permutations.some(
      ({ name }) => name === "R",
    );
  assert.is(await named(["GPT2LMHeadModel"]), true);
  assert.is(await named(["GPT2Model"]), false);
  const { assumptions } = await detectSpec({ tensors }, { heads: 3 });
  assert.match(assumptions!.join(), /word embeddings are the output matrix, too/);
});

test.run();
