import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isStatistic, tensorName } from "../../../src/base/tensor-names.ts";

const test = suite("tensor names");

test("one form for dots, slashes and the brackets of JAX", () => {
  for (const name of [
    "params.Dense_0.kernel",
    "params/Dense_0/kernel",
    "['params']['Dense_0']['kernel']",
    "params['Dense_0']['kernel']",
  ])
    assert.equal(tensorName(name), { path: ["Dense_0"], leaf: "kernel", role: "weight" });
  assert.equal(tensorName("layers['x'][3].bias").path, ["layers", "x", "3"]);
  assert.equal(tensorName("fc[0]").path, []);
  assert.is(isStatistic("['batch_stats']['norm']['mean']"), true);
});

test.run();
