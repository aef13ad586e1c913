import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { rejects } from "../../reference/expect-error.ts";
import { IMAGE_AND_SOUND_NETWORKS } from "../../reference/forward/images-and-sound.ts";
import { T5_NETWORKS } from "../../reference/forward/t5.ts";
import { NETWORKS } from "../../reference/forward/transformers.ts";
import { toModel } from "../../reference/networks.ts";
import {
  createTensors,
  findsPlanted,
  hasRoles,
  infosOf,
  keepsFunction,
  refusesOthers,
} from "../../reference/table-laws.ts";

const test = suite("families by tables");

const create = createTensors;
const infos = infosOf;

const NEEDED =
  /[._]1\..*(?:output\.dense|o_proj|out_proj|c_proj|attention\.dense|out_lin|attn\.proj|SelfAttention\.o)\.weight$/;

for (const [name, network] of Object.entries({ ...NETWORKS, ...IMAGE_AND_SOUND_NETWORKS, ...T5_NETWORKS })) {
  test(`${name}: the function stays, whatever moves`, () => keepsFunction(network));
  test(`${name}: planted permutations are found`, () => findsPlanted(network));
  test(`${name}: every permutation has a role, every unit of them is used`, () => hasRoles(network));
  test(`${name}: tensors that no table knows, and missing ones, are refused by name`, () =>
    refusesOthers(network, NEEDED));
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
