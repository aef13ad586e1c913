import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatSpec, parseSpec } from "../../../src/axes/spec-file.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { mergeModels } from "../../../src/merge/merge-models.ts";
import { matchMetadata, rebasin } from "../../../src/plan/rebasin.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";

const test = suite("rebasin");

const [one, two] = [mlpNetwork(createRng(1)), mlpNetwork(createRng(2))];
const [a, b]: [Model, Model] = [toModel(one.tensors), toModel(two.tensors)];
const { spec } = one;

test("a list of λ gives one model for each, after one matching: those that single calls give", async () => {
  const list = await rebasin(a, b, { spec, lambda: [0, 0.25, 1] });
  assert.is(list.models.length, 3);
  assert.is(list.model, list.models[0]);
  for (const [i, lambda] of [0, 0.25, 1].entries()) {
    const { model, models } = await rebasin(a, b, { spec, lambda });
    assert.is(models.length, 1);
    sameBytes(await encodeSafetensors(list.models[i]!), await encodeSafetensors(model));
  }
  await rejects(() => rebasin(a, b, { spec, lambda: [] }), RangeError, /^lambda \[\], expected at least one number$/);
  await rejects(
    () => rebasin(a, b, { spec, lambda: [0.5, 2] }),
    RangeError,
    /^lambda 2, expected a number from 0 to 1$/,
  );
});

test("takes every option of matching and of merging, and does what both do", async () => {
  const matching = { method: "coordinate", seed: 3, restarts: 2, only: ["P0"], maxSweeps: 7 } as const;
  const merging = { lambda: 0.3, blend: "slerp" } as const;
  const metadata = new Map([["author", "someone"]]);
  const { model, alignment, report } = await rebasin(a, b, { spec, metadata, ...matching, ...merging });
  const found = await matchWeights(a, b, spec, matching);
  assert.equal([...alignment.permutations], [...found.permutations]);
  assert.is(report.seed, 3);
  const merged = await mergeModels(a, b, spec, found.alignment, {
    ...merging,
    metadata: new Map([...metadata, ...matchMetadata(found.report)]),
  });
  sameBytes(await encodeSafetensors(model), await encodeSafetensors(merged));
  assert.is(model.metadata.get("author"), "someone");
  assert.is(model.metadata.get("rebasin.seed"), "3");
});

test("reports call a spec by its own name, else by its family's", async () => {
  const text = formatSpec(spec);
  const named = async (given: object): Promise<string> => (await rebasin(a, b, { spec: given })).report.spec;
  assert.is(await named(parseSpec(text, "mine.json")), "mine.json");
  assert.is(await named(parseSpec(text)), "custom");
  assert.is(await named({ ...spec, family: "mlp" }), "mlp");
});

test.run();
