/** What makes a proof worthless is refused: outputs that differ by themselves, inputs that are not there. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { openModel } from "../../../src/index.ts";
import { onnxRunner } from "../../../src/verify/onnx-runner.ts";
import { requireSameFunction } from "../../../src/verify/verify-alignment.ts";
import { verifySpec } from "../../../src/verify/verify-spec.ts";
import { rejects } from "../../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";
import { mlpOnnx } from "../../reference/onnx-networks.ts";

const test = suite("verify refuses");

const TWICE =
  /^\S+ gives other outputs when it runs twice on the same inputs, expected the same: export it after model\.eval\(\)/;

test("a network that draws at random in every run, which no renumbering can be blamed for", async () => {
  const model = toModel(mlpNetwork(createRng(1)).tensors);
  const spec = await detectSpec(model);
  let runs = 0;
  const dropout = { run: async () => [[1, ++runs]] };
  await rejects(() => verifySpec(model, spec, dropout), RangeError, TWICE);
  await rejects(() => requireSameFunction(model, spec, new Map(), dropout, 1e-4), RangeError, TWICE);
});

test("but not a network whose outputs change with its units", async () => {
  const model = toModel(mlpNetwork(createRng(1)).tensors);
  const spec = await detectSpec(model);
  const [name] = model.tensors.keys();
  const reads = { run: async (other: typeof model) => [new Float64Array([...(await other.read(name!))])] };
  assert.is((await verifySpec(model, spec, reads, { maxRuns: 0 })).kept, false);
});

test("sizes of an input that the model does not have", async () => {
  const model = await openModel(mlpOnnx());
  const inputs = new Map([["mistyped", { shape: [1, 2] }]]);
  const runtime = {} as never;
  await rejects(
    () => onnxRunner(model, { runtime, inputs }),
    RangeError,
    / has no input mistyped, expected one of \w+/,
  );
});

test.run();
