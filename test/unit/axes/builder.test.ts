import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../../src/axes/axis.ts";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { specBuilder } from "../../../src/axes/spec-builder.ts";
import { formatSpec } from "../../../src/axes/spec-file.ts";
import type { Spec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { flaxConvnet, list } from "../../reference/architectures.ts";

const test = suite("builder");

const texts = (spec: Spec): [string, string, boolean][] =>
  [...spec.tensors].map(([name, { axes, votes }]) => [name, axes.map(formatAxis).join(" "), votes]);

test("a convolutional network in PyTorch's layout: what detection finds", async () => {
  const spec = specBuilder()
    .conv("conv1", "C0", null, { bias: false })
    .norm("bn1", "C0")
    .dense("fc", null, "C0*49")
    .build();
  assert.equal(texts(spec), [
    ["conv1.weight", "C0 _ _ _", true],
    ["bn1.weight", "C0", true],
    ["bn1.bias", "C0", true],
    ["bn1.running_mean", "C0", false],
    ["bn1.running_var", "C0", false],
    ["bn1.num_batches_tracked", "", false],
    ["fc.weight", "_ C0*49", true],
    ["fc.bias", "_", true],
  ]);
  const tensors = list((t) => t.conv("conv1", 8, 3).batchNorm("bn1", 8).dense("fc", 10, 392));
  assert.is(formatSpec(spec), formatSpec(await detectSpec({ tensors })));
});

test("Flax's layout, and statistics in their own tree", async () => {
  const flax = { layout: "flax" } as const;
  const builder = specBuilder();
  for (const [k, [input, out]] of (
    [
      [null, "C0"],
      ["C0", "C1"],
    ] as const
  ).entries()) {
    builder.conv(`params/Conv_${k}`, out, input, flax).norm(`params/BatchNorm_${k}`, out, flax);
  }
  const spec = builder.dense("params/Dense_0", "D0", "49*C1", flax).dense("params/Dense_1", null, "D0", flax).build();
  assert.is(formatSpec(spec), formatSpec(await detectSpec({ tensors: flaxConvnet() })));
});

test("options: votes, sizes, spatial axes, norms without statistics, nested, rest, notes", () => {
  const builder = specBuilder()
    .tensor("t", ["P*2|Q", 7, null], { votes: false })
    .conv("c", "P", "Q", { spatial: 1, bias: false });
  const before = builder.build();
  const spec = builder
    .norm("n", "P", { statistics: false })
    .nested("V", "H", 4)
    .rest("fixed")
    .build({ family: "mine" });
  assert.equal(texts(spec), [
    ["t", "P*2|Q 7 _", false],
    ["c.weight", "P Q _", true],
    ["n.weight", "P", true],
    ["n.bias", "P", true],
  ]);
  assert.equal([...spec.permutations], [["V", { outer: "H", inner: 4 }]]);
  assert.equal([spec.rest, spec.family], ["fixed", "mine"]);
  assert.is(before.tensors.size, 2); // what was built before does not change
  assert.is(
    resolveSpec(
      specBuilder().dense("fc", 2, "P").build(),
      list((t) => t.dense("fc", 2, 3)),
    ).permutations[0]!.size,
    3,
  );
});

test("what is wrong is refused at once", () => {
  assert.throws(
    () => specBuilder().dense("fc", "P", null).tensor("fc.bias", ["P"]),
    /^tensor fc\.bias is listed twice, expected once$/,
  );
  assert.throws(() => specBuilder().tensor("x", [-1]), /^axis is -1, expected a size, text or null$/);
  assert.throws(
    () => specBuilder().tensor("x", [1.5]),
    (error: unknown) => error instanceof SpecError,
  );
  assert.throws(() => specBuilder().nested("V", "8", 4), /^permutation "8" is no legal name/);
});

test.run();
