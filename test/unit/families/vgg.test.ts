import { suite } from "uvu";
import * as assert from "uvu/assert";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import * as nets from "../../reference/architectures.ts";
import { list, renamed, sortedByName } from "../../reference/architectures.ts";
import { axesOf, axesOfEach, permutationsOf, refused } from "../../reference/family-checks.ts";

const test = suite("family vgg");

test("vgg: torchvision's networks, with and without BatchNorm", async () => {
  for (const batchNorm of [false, true]) {
    for (const tensors of [
      nets.vgg(16, batchNorm),
      sortedByName(nets.vgg(16, batchNorm)),
      renamed(nets.vgg(16, batchNorm), (name) => `module.${name}`),
    ]) {
      const permutations = await permutationsOf(tensors);
      assert.equal(
        [...permutations.values()].sort((a, b) => a - b),
        [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512, 4096, 4096],
      );
      const spec = await detectSpec({ tensors });
      assert.is(spec.family, "vgg");
      const dense = [...tensors.keys()].find((name) => name.endsWith("classifier.0.weight"))!;
      assert.is(axesOf(spec, dense), "D0 C12*49");
    }
  }
  const spec = await detectSpec({ tensors: nets.vgg(16, true) });
  assert.equal(
    ["features.40.weight", "features.41.running_mean", "classifier.6.weight"].map((name) => axesOf(spec, name)),
    ["C12 C11 _ _", "C12", "_ D1"],
  );
});

test("vgg: LeNet, names with numbers, norms by number, one position, norm after the flatten", async () => {
  const lenet = sortedByName(
    list((t) =>
      t
        .conv("conv1", 6, 1, 5, true)
        .conv("conv2", 16, 6, 5, true)
        .dense("fc1", 120, 400)
        .dense("fc2", 84, 120)
        .dense("fc3", 10, 84),
    ),
  );
  assert.equal(
    await permutationsOf(lenet),
    new Map([
      ["C0", 6],
      ["C1", 16],
      ["D0", 120],
      ["D1", 84],
    ]),
  );
  assert.is(axesOf(await detectSpec({ tensors: lenet }), "fc1.weight"), "D0 C1*25");
  const numbered = sortedByName(
    list((t) =>
      t
        .conv("conv0", 8, 3)
        .layerNorm("norm0", 8)
        .conv("conv1", 8, 8)
        .layerNorm("norm1", 8)
        .dense("fc0", 8, 8)
        .layerNorm("norm2", 8)
        .dense("fc1", 10, 8),
    ),
  );
  const spec = await detectSpec({ tensors: numbered }, { normGroups: 1 });
  assert.equal(
    ["norm0.bias", "norm1.bias", "norm2.bias", "fc0.weight"].map((name) => axesOf(spec, name)),
    ["C0", "C1", "D0", "D0 C1"],
  );
  const flat = list((t) =>
    t.conv("features.0", 8, 3).batchNorm("features.1", 8).batchNorm("classifier.0", 32).dense("classifier.1", 10, 32),
  );
  assert.equal(axesOfEach(await detectSpec({ tensors: flat }), ["classifier.0.weight", "classifier.1.weight"]), [
    "C0*4",
    "_ C0*4",
  ]);
  const groups = list((t) => t.conv("conv1", 8, 3).layerNorm("gn1", 8).dense("fc", 10, 8));
  await refused(groups, "vgg", /^gn1\.weight belongs to a norm without running statistics: .*--norm-groups N/);
  const grouped = await detectSpec({ tensors: groups }, { normGroups: 4 });
  assert.equal(grouped.permutations.get("C0"), { outer: "C0.norm", inner: 2 });
  await refused(groups, "vgg", /^gn1\.weight has 8 channels, expected a multiple of --norm-groups 3$/, {
    normGroups: 3,
  });
  const channelNorm = list((t) =>
    t.conv("0", 8, 3).add("1.weight", [8, 5, 5]).add("1.bias", [8, 5, 5]).conv("2", 4, 8).dense("4", 2, 4),
  );
  assert.is(axesOf(await detectSpec({ tensors: channelNorm }), "1.weight"), "C0 _ _");
  const blocks = list((t) =>
    t
      .conv("block1.conv1", 8, 3)
      .conv("block1.conv2", 8, 8)
      .conv("block2.conv1", 16, 8)
      .conv("block2.conv2", 16, 16)
      .dense("fc", 10, 16),
  );
  assert.is((await detectSpec({ tensors: blocks })).family, "vgg");
});

test("vgg: Flax flattens channel-minor, and keeps its statistics in another tree", async () => {
  const tensors = nets.flaxConvnet();
  const spec = await detectSpec({ tensors });
  const names = [
    "params/Conv_1/kernel",
    "params/Dense_0/kernel",
    "params/BatchNorm_1/scale",
    "batch_stats/BatchNorm_1/mean",
    "params/Dense_1/bias",
  ];
  assert.equal(
    names.map((name) => axesOf(spec, name)),
    ["_ _ C0 C1", "49*C1 D0", "C1", "C1", "_"],
  );
  assert.is(spec.tensors.get("batch_stats/BatchNorm_1/mean")!.votes, false);
  const keras = list((t) => {
    t.add("conv2d/kernel:0", [3, 3, 1, 4])
      .add("conv2d/bias:0", [4])
      .add("conv2d_1/kernel:0", [3, 3, 4, 6])
      .add("conv2d_1/bias:0", [6]);
    t.add("dense/kernel:0", [54, 5])
      .add("dense/bias:0", [5])
      .add("dense_1/kernel:0", [5, 2])
      .add("dense_1/bias:0", [2]);
  });
  assert.equal(
    axesOfEach(await detectSpec({ tensors: keras }), ["conv2d_1/kernel:0", "dense/kernel:0", "dense_1/kernel:0"]),
    ["_ _ C0 C1", "9*C1 D0", "D0 _"],
  );
});

test("vgg: what it refuses, and why", async () => {
  await refused(nets.mlp([4, 3, 2]), "vgg", /^model has no convolution$/);
  await refused(nets.resnet(18), "vgg", /^layer1\.0 is named like a residual block$/);
  const positions = list((t) => t.conv("conv1", 8, 3).dense("fc", 10, 30));
  await refused(positions, "vgg", /^fc\.weight takes 30 inputs, expected a multiple of 8 as conv1\.weight gives$/);
  const depthwise = list((t) => t.conv("conv1", 8, 3).conv("conv2", 8, 1).conv("conv3", 4, 8));
  const moved = await detectSpec({ tensors: depthwise });
  assert.equal(axesOfEach(moved, ["conv2.weight", "conv3.weight"]), ["C0 _ _ _", "_ C0 _ _"]);
  // A residual network whose file is in the order of running: only the names tell.
  const resnet9 = list((t) =>
    t.conv("conv1.0", 64, 3).conv("res1.0.0", 64, 64).conv("res1.1.0", 64, 64).dense("classifier", 10, 64),
  );
  await refused(resnet9, "vgg", /^res1\.0\.0\.weight is named after "res";/);
});

/** `conv0`, `bn0`, `conv1`, `bn1`, …: norms that only their names pair with convolutions. */
const namedPairs = (count: number) =>
  list((t) => {
    for (let k = 0; k < count; k++)
      t.conv(`conv${k}`, 2, k === 0 ? 3 : 2)
        .add(`bn${k}.weight`, [2])
        .add(`bn${k}.bias`, [2]);
  });

test("vgg: hundreds of norms are paired by name, and a chain beyond all networks is refused", async () => {
  const spec = await detectSpec({ tensors: namedPairs(300) }, { normGroups: 1 });
  for (const k of [0, 7, 70, 298]) assert.is(axesOf(spec, `bn${k}.weight`), `C${k}`);
  await refused(namedPairs(2001), "vgg", /^model has 2001 norms in one chain of 2001, expected at most 4000000 pairs/);
});

test("vgg: every square convolution is assumed not to be transposed", async () => {
  const tensors = list((t) => t.conv("0", 8, 8, 3, true).conv("2", 8, 8, 3, true).conv("4", 3, 8, 3, true));
  const { assumptions } = await detectSpec({ tensors });
  assert.ok(assumptions!.includes("square convolutions are ordinary, not transposed: 0.weight, 2.weight"));
});

test.run();
