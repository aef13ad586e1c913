import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SpecError } from "../../../src/base/errors.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { requireSameTensors } from "../../../src/perm/same-tensors.ts";

const test = suite("same-tensors");

const modelOf = (name: string, shapes: Readonly<Record<string, number[]>>): Model =>
  memoryModel(
    new Map(
      Object.entries(shapes).map(([tensor, shape]) => [
        tensor,
        { dtype: "U8", shape, data: new Uint8Array(shape.reduce((a, b) => a * b, 1)) },
      ]),
    ),
    { name },
  );

function message(a: Model, b: Model): string {
  try {
    requireSameTensors(a, b);
  } catch (error) {
    assert.instance(error, SpecError);
    return (error as Error).message;
  }
  return "";
}

test("weights of other layouts are refused, naming both", () => {
  const a = modelOf("a.pt", { "fc.weight": [3, 2], "fc.bias": [3] });
  assert.match(
    message(a, modelOf("b.npz", { "fc.weight": [2, 3], "fc.bias": [3] })),
    /\(weights are \[out, in\] in one, \[in, out\] in the other: PyTorch has \[out, in\], Keras and Flax \[in, out\]; axes are never transposed\)$/,
  );
  const flax = modelOf("b.npz", { "fc.kernel": [2, 3], "fc.bias": [3] });
  assert.match(message(a, flax), /fc\.weight is missing in B.* \(weights are \[out, in\] in A, \[in, out\] in B: /);
  assert.match(message(flax, a), / \(weights are \[in, out\] in A, \[out, in\] in B: /);
  assert.match(
    message(a, modelOf("c", { "x/kernel": [2, 3] })),
    /no tensor name in common.*\(weights are \[out, in\] in A/,
  );
});

test("other differences say nothing of layouts", () => {
  const a = modelOf("a", { "fc.weight": [3, 2] });
  for (const shape of [[3, 3], [6], [4, 3]])
    assert.not.match(message(a, modelOf("b", { "fc.weight": shape })), /layout|weights are/);
  assert.is(message(a, modelOf("b", { "fc.weight": [3, 2] })), "");
});

test.run();
