import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareTensors, describeDifferences } from "../../../src/base/compare-tensors.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import { requireSameTensors } from "../../../src/perm/same-tensors.ts";
import { list, mlp, type Tensors } from "../../reference/architectures.ts";

const test = suite("compare");

test("equal tensors in another order do not differ", () => {
  assert.equal(compareTensors(mlp([3, 2, 1]), new Map([...mlp([3, 2, 1])].reverse())), []);
});

test("missing, shape, dtype in A's order, then extra", () => {
  const a = list((t) => t.add("x", [2]).add("__proto__", [2, 3]).add("z", [4]));
  const b = list((t) => t.add("new", []).add("z", [4, 1], "F16").add("__proto__", [3, 2]));
  const differences = compareTensors(a, b);
  assert.equal(differences, [
    { kind: "missing", tensor: "x", a: "F32 [2]", b: null },
    { kind: "shape", tensor: "__proto__", a: "F32 [2, 3]", b: "F32 [3, 2]" },
    { kind: "shape", tensor: "z", a: "F32 [4]", b: "F16 [4, 1]" },
    { kind: "dtype", tensor: "z", a: "F32 [4]", b: "F16 [4, 1]" },
    { kind: "extra", tensor: "new", a: null, b: "F32 []" },
  ]);
  assert.is(
    describeDifferences(differences, 2),
    "x is missing in B, expected F32 [2] as in A; __proto__ has shape F32 [3, 2] in B, expected F32 [2, 3] as in A; and 3 more",
  );
  assert.match(describeDifferences(differences), /; new is F32 \[\] in B, expected no such tensor as in A$/);
});

test("the first ten are described, then counted", () => {
  const many: Tensors = list((t) => {
    for (let i = 0; i < 13; i++) t.add(`t${i}`, [1]);
  });
  const text = describeDifferences(compareTensors(many, new Map()));
  assert.is(text.split("; ").length, 11);
  assert.match(text, /; and 3 more$/);
});

test("models without a name in common: a few of each, not every tensor", () => {
  const named = (name: string, ...tensors: string[]) =>
    memoryModel(
      new Map(tensors.map((tensor) => [tensor, { dtype: "F32", shape: [1], data: new Uint8Array(4) }] as const)),
      { name },
    );
  const vgg = named("vgg", "conv0", "conv1", "conv2", "fc");
  assert.throws(
    () => requireSameTensors(vgg, named("mlp", "layer")),
    /^vgg and mlp have no tensor name in common, expected the same tensors: conv0, conv1, and 2 more in A, layer in B$/,
  );
  assert.throws(() => requireSameTensors(vgg, named("empty")), /, and 2 more in A, none in B$/);
  requireSameTensors(named("empty"), named("also"));
});

test.run();
