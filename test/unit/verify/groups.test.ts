/** What verification reports of single groups. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../../src/base/model.ts";
import { verifySpec } from "../../../src/verify/verify-spec.ts";
import { NETWORKS } from "../../reference/forward/transformers.ts";
import { fromModel, toModel } from "../../reference/networks.ts";
import { createTensors, detectIn, outputs } from "../../reference/table-laws.ts";

const test = suite("verify by group");

for (const name of ["GPT-2", "Llama", "Mixtral"]) {
  test(`${name}: every group shows in the outputs, heads and experts too, which others are nested in`, async () => {
    const network = NETWORKS[name]!;
    const tensors = createTensors(network, 1);
    const spec = await detectIn(network, tensors);
    const runner = { run: async (model: Model) => [outputs(network, await fromModel(model))] };
    const { kept, groups } = await verifySpec(toModel(tensors), spec, runner);
    assert.ok(kept);
    assert.ok(groups.length > 4);
    assert.equal(
      groups.filter(({ shows }) => !shows).map((group) => group.name),
      [],
    );
  });
}

test.run();
