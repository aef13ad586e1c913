import { suite } from "uvu";
import * as assert from "uvu/assert";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import * as nets from "../../reference/architectures.ts";
import { list, renamed, sortedByName } from "../../reference/architectures.ts";
import { axesOf, axesOfEach, permutationsOf, refused } from "../../reference/family-checks.ts";

const test = suite("family resnet");

test("resnet: torchvision's networks", async () => {
  const streams: Record<number, number[]> = {
    18: [64, 128, 256, 512],
    34: [64, 128, 256, 512],
    50: [64, 256, 512, 1024, 2048],
    101: [64, 256, 512, 1024, 2048],
    152: [64, 256, 512, 1024, 2048],
  };
  for (const [depth, widths] of Object.entries(streams)) {
    const tensors = nets.resnet(Number(depth));
    const permutations = await permutationsOf(tensors);
    assert.equal(
      widths.map((_, i) => permutations.get(`S${i}`)),
      widths,
    );
    const convs = [...tensors.keys()].filter((name) => /layer.*conv\d\.weight/.test(name)).length;
    const blocks = new Set([...tensors.keys()].flatMap((name) => /^layer\d\.\d+/.exec(name) ?? [])).size;
    assert.is(permutations.size, widths.length + convs - blocks);
  }
  const spec = await detectSpec({ tensors: sortedByName(nets.resnet(50)) });
  const names = [
    "conv1.weight",
    "bn1.running_var",
    "layer1.0.conv1.weight",
    "layer1.0.conv2.weight",
    "layer1.0.conv3.weight",
    "layer1.0.bn3.weight",
    "layer1.0.downsample.0.weight",
    "layer1.2.conv1.weight",
    "layer4.2.conv3.weight",
    "fc.weight",
  ];
  assert.equal(
    names.map((name) => axesOf(spec, name)),
    [
      "S0 _ _ _",
      "S0",
      "layer1.0.a S0 _ _",
      "layer1.0.b layer1.0.a _ _",
      "S1 layer1.0.b _ _",
      "S1",
      "S1 S0 _ _",
      "layer1.2.a S1 _ _",
      "S4 layer4.2.b _ _",
      "_ S4",
    ],
  );
  assert.is((await detectSpec({ tensors: nets.resnet(50, { base: 128 }) })).family, "resnet"); // wide_resnet50_2
});

test("resnet: CIFAR depths, aliases, prefixes", async () => {
  for (const depth of [20, 32, 44, 56, 110]) {
    const permutations = await permutationsOf(nets.cifarResnet(depth, "shortcut"));
    assert.is(permutations.size, 3 + (depth - 2) / 2);
  }
  const base = nets.cifarResnet(20, "downsample", "classifier");
  const variants = [
    renamed(base, (name) => `module.${name}`),
    renamed(base, (name) => (name.startsWith("classifier") ? `head.fc.${name.slice(11)}` : `backbone.${name}`)),
    renamed(base, (name) => name.replace("bn", "norm").replace("classifier", "fc")),
    renamed(base, (name) => name.replace(/^conv1/, "stem.conv").replace(/^bn1/, "stem.norm")),
    renamed(base, (name) => name.replace("downsample.0", "downsample.conv").replace("downsample.1", "downsample.bn")),
    renamed(base, (name) => name.replace("layer", "stages.")),
  ];
  for (const tensors of variants.flatMap((each) => [each, sortedByName(each)])) {
    const permutations = await permutationsOf(tensors);
    assert.is(permutations.size, 12);
    assert.equal(
      ["S0", "S1", "S2"].map((name) => permutations.get(name)),
      [16, 32, 64],
    );
  }
});

test("resnet: timm's deep stem, norms before convolutions, transformers' and Flax names", async () => {
  const timm = await detectSpec({ tensors: sortedByName(nets.timmResnet26d()) });
  const stem = ["conv1.0.weight", "conv1.4.weight", "conv1.6.weight", "bn1.weight", "layer1.0.downsample.1.weight"];
  assert.equal(
    stem.map((name) => axesOf(timm, name)),
    ["stem.a _ _ _", "stem.b", "S0 stem.b _ _", "S0", "S1 S0 _ _"],
  );
  const wide = await detectSpec({ tensors: sortedByName(nets.wideResnet16(4)) });
  const first = [
    "block1.layer.0.bn1.weight",
    "block1.layer.0.bn2.weight",
    "block1.layer.1.bn1.running_mean",
    "block1.layer.0.convShortcut.weight",
    "bn1.weight",
    "fc.weight",
  ];
  assert.equal(
    first.map((name) => axesOf(wide, name)),
    ["S0", "block1.layer.0.a", "S1", "S1 S0 _ _", "S3", "_ S3"],
  );
  assert.match(wide.why!, /norms before convolutions/);
  const face = await detectSpec({ tensors: sortedByName(nets.huggingFaceResnet()) });
  const names = [
    "resnet.embedder.embedder.convolution.weight",
    "resnet.encoder.stages.1.layers.0.layer.1.normalization.weight",
    "resnet.encoder.stages.1.layers.0.shortcut.convolution.weight",
    "classifier.1.weight",
  ];
  assert.equal(
    names.map((name) => axesOf(face, name)),
    ["S0 _ _ _", "S1", "S1 S0 _ _", "_ S1"],
  );
  const flax = await detectSpec({ tensors: sortedByName(nets.flaxResnet()) }, { normGroups: 1 });
  const flaxNames = [
    "params/conv1/kernel",
    "params/blockgroups_1/blocks_0/conv1/kernel",
    "params/blockgroups_1/blocks_0/shortcut/layers_0/kernel",
    "params/dense/kernel",
  ];
  assert.equal(
    flaxNames.map((name) => axesOf(flax, name)),
    ["_ _ _ S0", "_ _ S0 blockgroups_1.blocks_0.a", "_ _ S0 S1", "S1 _"],
  );
});

test("resnet: one stage of equal widths, where only the stem's norm tells the side of the norms", async () => {
  const blocks = (t: Parameters<Parameters<typeof list>[0]>[0]): typeof t => {
    for (const block of ["layer1.0", "layer1.1"])
      t.conv(`${block}.conv1`, 8, 8)
        .batchNorm(`${block}.bn1`, 8)
        .conv(`${block}.conv2`, 8, 8)
        .batchNorm(`${block}.bn2`, 8);
    return t;
  };
  const after = list((t) => blocks(t.conv("conv1", 8, 3).batchNorm("bn1", 8)).dense("fc", 2, 8));
  const before = list((t) =>
    blocks(t.conv("conv1", 8, 3))
      .batchNorm("norm", 8)
      .dense("fc", 2, 8),
  );
  const names = ["layer1.1.bn1.weight", "layer1.1.bn2.weight"];
  assert.equal(axesOfEach(await detectSpec({ tensors: after }), names), ["layer1.1.a", "S0"]);
  assert.equal(axesOfEach(await detectSpec({ tensors: before }), names), ["S0", "layer1.1.a"]);
});

test("resnet: groups of grouped convolutions move as wholes, and alike inside", async () => {
  const next = await detectSpec({ tensors: nets.resnet(50, { groups: 32, base: 4 }) });
  assert.equal(
    axesOfEach(next, [
      "layer1.0.conv1.weight",
      "layer1.0.bn1.weight",
      "layer1.0.conv2.weight",
      "layer1.0.conv3.weight",
    ]),
    [
      "layer1.0.a.groups*layer1.0.a S0 _ _",
      "layer1.0.a.groups*layer1.0.a",
      "layer1.0.b layer1.0.a _ _",
      "S1 layer1.0.b _ _",
    ],
  );
  assert.equal(next.permutations.get("layer1.0.b"), { outer: "layer1.0.a.groups", inner: 4 });
});

test("resnet: what it refuses, and why", async () => {
  await refused(
    nets.cifarResnet(20, null),
    "resnet",
    /^layer2\.0 widens 16 to 32 without a convolution shortcut: a shortcut padded with zeros ties units of two streams/,
  );
  await refused(
    nets.vgg(11, true),
    "resnet",
    /^model has no residual blocks, expected names such as layer1\.0\.conv1$/,
  );
  await refused(nets.mlp([4, 3, 2]), "resnet", /^model has no convolution$/);
  const headless = new Map([...nets.resnet(18)].filter(([name]) => !name.startsWith("fc")));
  await refused(headless, "resnet", /^model has no dense head, expected one$/);
  const squeeze = new Map([...nets.resnet(18), ...list((t) => t.dense("layer1.0.se.fc1", 4, 64))]);
  await refused(
    squeeze,
    "resnet",
    /^layer1\.0 has conv1, bn1, conv2, bn2, se\.fc1, expected numbered convolutions with norms$/,
  );
  const four = new Map([
    ...nets.resnet(18),
    ...list((t) => t.conv("layer1.0.conv3", 64, 64).conv("layer1.0.conv4", 64, 64)),
  ]);
  await refused(
    four,
    "resnet",
    /^layer1\.0 has conv1, bn1, conv2, bn2, conv3, conv4, expected numbered convolutions with norms$/,
  );
  const other = new Map([
    ...nets.resnet(18),
    ["layer2.0.downsample.0.weight", { dtype: "F32" as const, shape: [64, 64, 1, 1] }],
  ]);
  await refused(
    other,
    "resnet",
    /^layer2\.0\.downsample\.1\.weight has 128 channels, expected 64 as layer2\.0\.downsample\.0\.weight gives$/,
  );
});

test.run();
