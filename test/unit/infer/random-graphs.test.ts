/** The laws of inference on random networks; `npm run stress -- graphs` runs thousands. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { deviationOf, stuckAxes } from "../../reference/operators/graph-laws.ts";
import { randomGraph } from "../../reference/operators/random-graph.ts";

const test = suite("infer: random graphs");

test("permutations of every group keep the function", async () => {
  for (let seed = 0; seed < 24; seed++) {
    const rng = createRng(seed);
    const network = randomGraph(rng, 5);
    const { off } = await deviationOf(network, rng);
    assert.ok(off < 1e-7, `graph ${seed} (${network.parts.join(", ")}) is off by ${off}`);
  }
});

test("no axis is frozen on which two units could change places", async () => {
  for (let seed = 500; seed < 502; seed++) {
    const rng = createRng(seed);
    const network = randomGraph(rng, 3);
    assert.equal(await stuckAxes(network, rng, 8), [], `graph ${seed} (${network.parts.join(", ")})`);
  }
});

test.run();
