/** Specs in the reference form (a `reshape`, statistics that follow) bound to a model. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../../src/axes/axis.ts";
import { fitSpec } from "../../../src/axes/fit-spec.ts";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { formatSpec, parseSpec } from "../../../src/axes/spec-file.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { chooseSpec } from "../../../src/plan/rebasin.ts";
import vggReference from "../../fixtures/spec/fmnist-vgg-bn.spec.json" with { type: "json" };
import { fmnistVgg, mlp, type Tensors } from "../../reference/architectures.ts";

const test = suite("resolve: the reference form");

function model(shapes: Record<string, number[]>): Tensors {
  return new Map(Object.entries(shapes).map(([name, shape]) => [name, { dtype: "F32" as const, shape }]));
}

function fails(run: () => unknown, message: string): void {
  assert.throws(run, (error: unknown) => {
    assert.instance(error, SpecError);
    assert.is((error as Error).message, message);
    return true;
  });
}

const sizesOf = (resolved: ReturnType<typeof resolveSpec>): [string, number][] =>
  resolved.permutations.map(({ name, size }) => [name, size]);

test("the reference form binds to a model: reshape, BatchNorm statistics, the rest", () => {
  const tensors = fmnistVgg();
  const fitted = fitSpec(parseSpec(vggReference), tensors);
  assert.is(fitted.rest, "fixed");
  assert.equal([...fitted.tensors.keys()].sort(), [...tensors.keys()].sort());
  const texts = (name: string): string[] => fitted.tensors.get(name)!.axes.map(formatAxis);
  assert.equal(texts("classifier.1.weight"), ["D", "C4*9"]);
  assert.equal(texts("features.4.running_var"), ["C1"]);
  assert.equal(texts("features.4.num_batches_tracked"), ["_"]);
  const silent = [...fitted.tensors].filter(([, { votes }]) => !votes).map(([name]) => name);
  assert.equal(
    silent,
    [...tensors.keys()].filter((name) => /running|tracked/.test(name)),
  );
  assert.is(fitSpec(fitted, tensors), fitted);
  assert.equal(sizesOf(resolveSpec(parseSpec(vggReference), tensors)), [
    ["C0", 32],
    ["C1", 32],
    ["C2", 64],
    ["C3", 64],
    ["C4", 128],
    ["D", 256],
  ]);
});

test("chooseSpec binds to the model: what it gives can be saved and hashed as it is", async () => {
  const tensors = fmnistVgg();
  const chosen = await chooseSpec(vggReference, { name: "model", tensors });
  assert.is(formatSpec(chosen), formatSpec(resolveSpec(parseSpec(vggReference), tensors).spec));
  assert.is(await chooseSpec(chosen, { name: "model", tensors }), chosen);
});

test("the reference form: Flax statistics move like the scale; what is not listed does not vote", () => {
  const tensors = model({ "params/BN/scale": [4], "batch_stats/BN/mean": [4], "batch_stats/BN/var": [4], extra: [3] });
  const fitted = fitSpec(parseSpec({ axes: { "params/BN/scale": ["P"] } }), tensors);
  assert.equal(
    [...fitted.tensors].map(([name, { axes, votes }]) => [name, axes.map(formatAxis).join(), votes]),
    [
      ["params/BN/scale", "P", true],
      ["batch_stats/BN/mean", "P", false],
      ["batch_stats/BN/var", "P", false],
      ["extra", "_", false],
    ],
  );
});

test("the reference form: reshapes that do and do not fit", () => {
  const fit = (axes: (string | null)[], reshape: number[], shape: number[]): string[] =>
    fitSpec(parseSpec({ axes: { w: axes }, reshape: { w: reshape } }), model({ w: shape }))
      .tensors.get("w")!
      .axes.map(formatAxis);
  assert.equal(fit(["D", "C", null], [4, 3, 9], [4, 27]), ["D", "C*9"]);
  assert.equal(fit([null, "C", "D"], [9, 3, 4], [27, 4]), ["9*C", "D"]);
  assert.equal(fit(["A", "B"], [2, 3], [2, 3]), ["A", "B"]);
  assert.equal(fit([null, null, "A"], [2, 3, 4], [6, 4]), ["_", "A"]);
  assert.equal(fit(["A", "B", null, null], [2, 3, 1, 1], [2, 3]), ["A", "B"]);
  for (const reshape of [
    [4, 3, 8],
    [2, 6, 9],
    [4, 27, 2],
  ]) {
    fails(
      () => fit(["D", "C", null], reshape, [4, 27]),
      `w is F32 [4, 27], expected axes that reshape to [${reshape.join(", ")}]`,
    );
  }
});

test("reshape with a spec that lists what the model lacks reports the lack", () => {
  const reference = parseSpec({
    axes: { "layers.0.weight": ["P0", null], gone: ["P0", null] },
    reshape: { gone: [2, 2] },
  });
  fails(
    () => resolveSpec(reference, mlp([3, 4])),
    "model lacks a tensor that the spec lists: gone, expected the network of the spec (where a file holds several, open one by its prefix)",
  );
});

test.run();
