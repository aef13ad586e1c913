import { suite } from "uvu";
import * as assert from "uvu/assert";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import * as nets from "../../reference/architectures.ts";
import { list, sortedByName, type Tensors } from "../../reference/architectures.ts";
import { axesOf, axesOfEach, permutationsOf, refused } from "../../reference/family-checks.ts";

const test = suite("family mlp");

test("mlp: names, separators, prefixes, gaps, Flax layout, squares", async () => {
  const widths = [784, 64, 64, 64, 10];
  const variants: Tensors[] = [
    nets.mlp(widths),
    nets.mlp(widths, "", 2),
    nets.mlp(widths, "fc"),
    nets.mlp(widths, "module.net.", 3),
    nets.mlp(widths, "model/dense_"),
    nets.flaxMlp(widths),
    nets.flaxMlp(widths, "."),
    nets.mlp([784, ...new Array(12).fill(64), 10], "l"), // l10 after l9
  ];
  for (const tensors of variants.flatMap((each) => [each, sortedByName(each)])) {
    const permutations = await permutationsOf(tensors);
    assert.equal([...permutations.values()], new Array(permutations.size).fill(64));
    assert.is(permutations.size, tensors.size / 2 - 1);
  }
  assert.is((await permutationsOf(nets.mlp([784, ...new Array(12).fill(64), 10], "l"))).size, 12);
  const square = nets.flaxMlp([8, 8, 8]);
  assert.is(axesOf(await detectSpec({ tensors: square }), "params/Dense_1/kernel"), "P0 _");
  assert.is(axesOf(await detectSpec({ tensors: nets.mlp([8, 8, 8]) }), "layers.1.weight"), "_ P0");
  // [in, out] under the name "weight": the shapes tell.
  const transposed: Tensors = new Map(
    [...nets.mlp([5, 4, 3])].map(([name, info]) => [name, { ...info, shape: info.shape.toReversed() }]),
  );
  assert.is(axesOf(await detectSpec({ tensors: transposed }), "layers.0.weight"), "_ P0");
});

test("mlp: order by names such as input and output, encoder and decoder, or by what chains", async () => {
  const named = sortedByName(
    list((t) => t.dense("input", 8, 8).dense("hidden.0", 8, 8).dense("hidden.1", 8, 8).dense("output", 8, 8)),
  );
  const spec = await detectSpec({ tensors: named });
  assert.equal(
    ["input", "hidden.0", "hidden.1", "output"].map((name) => axesOf(spec, `${name}.weight`)),
    ["P0 _", "P1 P0", "P2 P1", "_ P2"],
  );
  const auto = sortedByName(
    list((t) =>
      t.dense("encoder.0", 8, 20).dense("encoder.2", 4, 8).dense("decoder.0", 8, 4).dense("decoder.2", 20, 8),
    ),
  );
  assert.is(axesOf(await detectSpec({ tensors: auto }), "encoder.0.weight"), "P0 _");
  const shapes = sortedByName(list((t) => t.dense("main", 4, 8).dense("fc", 2, 4)));
  assert.is(axesOf(await detectSpec({ tensors: shapes }), "main.weight"), "P0 _");
  const open = list((t) => t.dense("main", 8, 8).dense("fc", 8, 8));
  for (const tensors of [open, sortedByName(open)]) {
    const why = /^fc\.weight and main\.weight fit in either order: give the order by --order/;
    await refused(tensors, "mlp", why); // whatever the file's order
    const told = await detectSpec({ tensors }, { order: ["main", "fc.weight"] });
    assert.is(axesOf(told, "main.weight"), "P0 _");
  }
});

test("mlp: norms between, after or before, with or without biases", async () => {
  const positions = list((t) =>
    t.dense("0", 6, 9).batchNorm("1", 6).dense("3", 5, 6, false).layerNorm("4", 5).dense("6", 2, 5),
  );
  const spec = await detectSpec({ tensors: positions });
  assert.equal(
    ["1.weight", "1.running_var", "1.num_batches_tracked", "4.bias"].map((name) => axesOf(spec, name)),
    ["P0", "P0", "", "P1"],
  );
  assert.equal(
    [...spec.tensors].filter(([, { votes }]) => !votes).map(([name]) => name),
    ["1.running_mean", "1.running_var", "1.num_batches_tracked"],
  );
  const byName = sortedByName(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 6, 6).dense("fc3", 2, 6).layerNorm("bn1", 6).layerNorm("bn2", 6)),
  );
  assert.equal(axesOfEach(await detectSpec({ tensors: byName }), ["bn1.weight", "bn2.weight"]), ["P0", "P1"]);
  const before = list((t) =>
    t
      .dense("fc1", 6, 9)
      .dense("fc2", 6, 6)
      .dense("fc3", 2, 6)
      .layerNorm("norm1", 9)
      .layerNorm("norm2", 6)
      .layerNorm("norm3", 6),
  );
  assert.equal(axesOfEach(await detectSpec({ tensors: before }), ["norm1.weight", "norm2.weight", "norm3.weight"]), [
    "_",
    "P0",
    "P1",
  ]);
  const slopes = list((t) =>
    t.dense("0", 6, 9).add("1.weight", [1]).dense("2", 4, 6).add("3.weight", [4]).dense("4", 2, 4),
  );
  assert.equal(axesOfEach(await detectSpec({ tensors: slopes }), ["1.weight", "3.weight"]), ["_", "P1"]);
  const plain = list((t) => t.dense("0", 6, 9).add("1.running_mean", [6]).add("1.running_var", [6]).dense("2", 2, 6));
  assert.is(axesOf(await detectSpec({ tensors: plain }), "1.running_var"), "P0");
});

test("mlp: what it refuses, and why", async () => {
  await refused(
    list((t) => t.dense("fc", 10, 5)),
    "mlp",
    /^model has fewer than two dense or convolution tensors \(fc\.weight\)/,
  );
  await refused(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 2, 7)),
    "mlp",
    /^fc2\.weight takes 7 inputs, expected 6 as fc1\.weight gives$/,
  );
  await refused(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 2, 6).layerNorm("bn1", 7)),
    "mlp",
    /^bn1\.weight has 7 channels, expected 6 as fc1\.weight gives$/,
  );
  await refused(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 2, 6).add("fc1.bias", [5])),
    "mlp",
    /^fc1\.bias has shape \[5\], expected \[6\] as fc1\.weight has 6 channels out$/,
  );
  await refused(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 2, 6).add("scale_factor", [1])),
    "mlp",
    /^scale_factor is F32 \[1\], expected a weight, a bias/,
  );
  await refused(nets.vgg(11, false), "mlp", /^features\.0\.weight is a convolution$/);
  await refused(
    list((t) => t.dense("h.0.q_proj", 8, 8).dense("h.0.k_proj", 8, 8)),
    "mlp",
    /^h\.0\.q_proj\.weight is named after "q"; if it is a plain chain, give --assume chain$/,
  );
  const blocks = list((t) =>
    t
      .dense("input", 8, 3)
      .dense("blocks.0.mlp.0", 16, 8)
      .dense("blocks.0.mlp.2", 8, 16)
      .dense("blocks.1.mlp.0", 16, 8)
      .dense("blocks.1.mlp.2", 8, 16)
      .dense("output", 2, 8),
  );
  await refused(blocks, "mlp", /^blocks\.0 holds 2 tensors and keeps its width 8: a skip connection/);
  await refused(
    list((t) => t.dense("in", 8, 3).dense("skip1", 8, 8).dense("out", 2, 8)),
    "mlp",
    /^skip1\.weight is named after "skip";/,
  );
  await refused(
    list((t) => t.dense("9".repeat(600), 2, 2)),
    "mlp",
    /^9{40}… has a name of 60[0-9] characters, expected at most 512$/,
  );
  await refused(new Map(), "mlp", /^model has no tensors, expected some$/);
});

test.run();
