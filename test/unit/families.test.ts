import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SpecError } from "../../src/errors.ts";
import { formatAxis } from "../../src/spec/axis.ts";
import { detectSpec, FAMILIES, familySpec } from "../../src/spec/families/families.ts";
import { resolveSpec } from "../../src/spec/resolve.ts";
import { parseSpec } from "../../src/spec/spec-file.ts";
import type { ResolvedSpec, Spec } from "../../src/spec/types.ts";
import mlpReference from "../fixtures/spec/fmnist-mlp.spec.json" with { type: "json" };
import resnetReference from "../fixtures/spec/fmnist-resnet20-ln.spec.json" with { type: "json" };
import vggReference from "../fixtures/spec/fmnist-vgg-bn.spec.json" with { type: "json" };
import * as nets from "../reference/architectures.ts";
import { list, renamed, sortedByName, type Tensors } from "../reference/architectures.ts";

const test = suite("families");

const axesOf = (spec: Spec, name: string): string => spec.tensors.get(name)!.axes.map(formatAxis).join(" ");

function permutationsOf(tensors: Tensors, spec = detectSpec({ tensors })): Map<string, number> {
  return new Map(resolveSpec(spec, tensors).permutations.map(({ name, size }) => [name, size]));
}

function refused(tensors: Tensors, family: string, pattern: RegExp): void {
  assert.throws(
    () => familySpec(family, { tensors }),
    (error: unknown) => {
      assert.instance(error, SpecError);
      assert.match((error as Error).message, pattern);
      return true;
    },
  );
}

/** Axes as text with permutations numbered in order of appearance: equal for specs that differ in names only. */
function shapeOf({ tensors }: ResolvedSpec): string[] {
  const seen = new Map<number, number>();
  const number = (permutation: number): number => {
    if (!seen.has(permutation)) seen.set(permutation, seen.size);
    return seen.get(permutation)!;
  };
  return tensors.map(({ name, axes, votes }) => {
    const texts = axes.map(({ segments }) =>
      segments
        .map(({ factors }) =>
          factors.map((f) => (f.permutation < 0 ? `${f.size}` : `#${number(f.permutation)}`)).join("*"),
        )
        .join("|"),
    );
    return `${name} ${texts.join(" ")} ${votes}`;
  });
}

test("the three reference networks: the reference specs up to names", () => {
  const cases: [string, Tensors, object][] = [
    ["mlp", nets.mlp([784, 512, 512, 512, 10]), mlpReference],
    ["vgg", nets.fmnistVgg(), vggReference],
    ["resnet", nets.fmnistResnet20(), resnetReference],
  ];
  for (const [family, tensors, reference] of cases) {
    for (const order of [tensors, sortedByName(tensors)]) {
      const spec = detectSpec({ tensors: order });
      assert.is(spec.family, family);
      assert.equal(shapeOf(resolveSpec(spec, order)), shapeOf(resolveSpec(parseSpec(reference), order)));
    }
  }
});

test("why: one sentence with the widths and the layout", () => {
  const why = (tensors: Tensors): string | undefined => detectSpec({ tensors }).why;
  assert.is(why(nets.mlp([784, 256, 256, 10])), "3 dense tensors in a chain 784-256-256-10, PyTorch layout");
  assert.is(why(nets.flaxMlp([784, 32, 10])), "2 dense tensors in a chain 784-32-10, Flax or Keras layout");
  assert.is(
    why(nets.fmnistVgg()),
    "5 convolutions (32-32-64-64-128) and 2 dense tensors (256-10) after a flatten of 9 positions in a chain, PyTorch layout",
  );
  assert.is(
    why(nets.fmnistResnet20()),
    "9 basic blocks on 3 residual streams (32-64-128), norms after convolutions, PyTorch layout",
  );
  assert.is(
    why(nets.resnet(50)),
    "16 bottleneck blocks on 5 residual streams (64-256-512-1024-2048), norms after convolutions, PyTorch layout",
  );
});

test("every tensor is listed, inputs and outputs stay, specs are in model order", () => {
  for (const tensors of [nets.mlp([9, 4, 3]), nets.vgg(11, true), nets.resnet(18), nets.wideResnet16(2)]) {
    const spec = detectSpec({ tensors });
    assert.equal([...spec.tensors.keys()], [...tensors.keys()]);
    assert.is(spec.rest, "refused");
    assert.equal(spec.frozen, []);
    const [first] = tensors.keys();
    const last = [...tensors.keys()].findLast((name) => name.endsWith("weight"))!;
    assert.match(axesOf(spec, first!), /^\S+ _( _ _)?$/);
    assert.match(axesOf(spec, last), /^_ \S+$/);
  }
});

test("mlp: names, separators, prefixes, gaps, Flax layout, squares", () => {
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
    const permutations = permutationsOf(tensors);
    assert.equal([...permutations.values()], new Array(permutations.size).fill(64));
    assert.is(permutations.size, tensors.size / 2 - 1);
  }
  assert.is(permutationsOf(nets.mlp([784, ...new Array(12).fill(64), 10], "l")).size, 12);
  const square = nets.flaxMlp([8, 8, 8]);
  assert.is(axesOf(detectSpec({ tensors: square }), "params/Dense_1/kernel"), "P0 _");
  assert.is(axesOf(detectSpec({ tensors: nets.mlp([8, 8, 8]) }), "layers.1.weight"), "_ P0");
  // [in, out] under the name "weight": the shapes tell.
  const transposed: Tensors = new Map(
    [...nets.mlp([5, 4, 3])].map(([name, info]) => [name, { ...info, shape: info.shape.toReversed() }]),
  );
  assert.is(axesOf(detectSpec({ tensors: transposed }), "layers.0.weight"), "_ P0");
});

test("mlp: order by names such as input and output, encoder and decoder, or by what chains", () => {
  const named = sortedByName(
    list((t) => t.dense("input", 8, 8).dense("hidden.0", 8, 8).dense("hidden.1", 8, 8).dense("output", 8, 8)),
  );
  const spec = detectSpec({ tensors: named });
  assert.equal(
    ["input", "hidden.0", "hidden.1", "output"].map((name) => axesOf(spec, `${name}.weight`)),
    ["P0 _", "P1 P0", "P2 P1", "_ P2"],
  );
  const auto = sortedByName(
    list((t) =>
      t.dense("encoder.0", 8, 20).dense("encoder.2", 4, 8).dense("decoder.0", 8, 4).dense("decoder.2", 20, 8),
    ),
  );
  assert.is(axesOf(detectSpec({ tensors: auto }), "encoder.0.weight"), "P0 _");
  const shapes = sortedByName(list((t) => t.dense("beta", 4, 8).dense("alpha", 2, 4)));
  assert.is(axesOf(detectSpec({ tensors: shapes }), "beta.weight"), "P0 _");
  const open = list((t) => t.dense("beta", 8, 8).dense("alpha", 8, 8));
  assert.is(axesOf(detectSpec({ tensors: open }), "beta.weight"), "P0 _"); // the file's order
  refused(sortedByName(open), "mlp", /^alpha\.weight and beta\.weight fit in either order, expected numbers in names/);
});

test("mlp: norms between, after or before, with or without biases", () => {
  const positions = list((t) =>
    t.dense("0", 6, 9).batchNorm("1", 6).dense("3", 5, 6, false).layerNorm("4", 5).dense("6", 2, 5),
  );
  const spec = detectSpec({ tensors: positions });
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
  assert.equal(
    ["bn1.weight", "bn2.weight"].map((name) => axesOf(detectSpec({ tensors: byName }), name)),
    ["P0", "P1"],
  );
  const before = list((t) =>
    t
      .dense("fc1", 6, 9)
      .dense("fc2", 6, 6)
      .dense("fc3", 2, 6)
      .layerNorm("norm1", 9)
      .layerNorm("norm2", 6)
      .layerNorm("norm3", 6),
  );
  assert.equal(
    ["norm1.weight", "norm2.weight", "norm3.weight"].map((name) => axesOf(detectSpec({ tensors: before }), name)),
    ["_", "P0", "P1"],
  );
  const slopes = list((t) =>
    t.dense("0", 6, 9).add("1.weight", [1]).dense("2", 4, 6).add("3.weight", [4]).dense("4", 2, 4),
  );
  assert.equal(
    ["1.weight", "3.weight"].map((name) => axesOf(detectSpec({ tensors: slopes }), name)),
    ["_", "P1"],
  );
  const plain = list((t) => t.dense("0", 6, 9).add("1.running_mean", [6]).add("1.running_var", [6]).dense("2", 2, 6));
  assert.is(axesOf(detectSpec({ tensors: plain }), "1.running_var"), "P0");
});

test("mlp: what it refuses, and why", () => {
  refused(
    list((t) => t.dense("fc", 10, 5)),
    "mlp",
    /^model has fewer than two dense or convolution tensors \(fc\.weight\)/,
  );
  refused(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 2, 7)),
    "mlp",
    /^fc2\.weight takes 7 inputs, expected 6 as fc1\.weight gives$/,
  );
  refused(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 2, 6).layerNorm("bn1", 7)),
    "mlp",
    /^bn1\.weight has 7 channels, expected 6 as fc1\.weight gives$/,
  );
  refused(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 2, 6).add("fc1.bias", [5])),
    "mlp",
    /^fc1\.bias has shape \[5\], expected \[6\] as fc1\.weight has 6 channels out$/,
  );
  refused(
    list((t) => t.dense("fc1", 6, 9).dense("fc2", 2, 6).add("scale_factor", [1])),
    "mlp",
    /^scale_factor is F32 \[1\], expected a weight, a bias/,
  );
  refused(nets.vgg(11, false), "mlp", /^features\.0\.weight is a convolution, expected dense tensors only$/);
  refused(
    list((t) => t.dense("h.0.q_proj", 8, 8).dense("h.0.k_proj", 8, 8)),
    "mlp",
    /^h\.0\.q_proj\.weight is named after "q_proj", expected dense, convolution/,
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
  refused(blocks, "mlp", /^blocks\.0 holds 2 dense tensors and keeps its width 8: a skip connection/);
  refused(
    list((t) => t.dense("in", 8, 3).dense("skip1", 8, 8).dense("out", 2, 8)),
    "mlp",
    /^skip1\.weight is named after "skip1", expected a chain without skip/,
  );
  refused(
    list((t) => t.dense("9".repeat(600), 2, 2)),
    "mlp",
    /^9{40}… has a name of 60[0-9] characters, expected at most 512$/,
  );
  refused(new Map(), "mlp", /^model has no tensors, expected some$/);
});

test("vgg: torchvision's networks, with and without BatchNorm", () => {
  for (const batchNorm of [false, true]) {
    for (const tensors of [
      nets.vgg(16, batchNorm),
      sortedByName(nets.vgg(16, batchNorm)),
      renamed(nets.vgg(16, batchNorm), (name) => `module.${name}`),
    ]) {
      const permutations = permutationsOf(tensors);
      assert.equal(
        [...permutations.values()].sort((a, b) => a - b),
        [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512, 4096, 4096],
      );
      const spec = detectSpec({ tensors });
      assert.is(spec.family, "vgg");
      const dense = [...tensors.keys()].find((name) => name.endsWith("classifier.0.weight"))!;
      assert.is(axesOf(spec, dense), "D0 C12*49");
    }
  }
  const spec = detectSpec({ tensors: nets.vgg(16, true) });
  assert.equal(
    ["features.40.weight", "features.41.running_mean", "classifier.6.weight"].map((name) => axesOf(spec, name)),
    ["C12 C11 _ _", "C12", "_ D1"],
  );
});

test("vgg: LeNet, names with numbers, norms by number, one position, norm after the flatten", () => {
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
    permutationsOf(lenet),
    new Map([
      ["C0", 6],
      ["C1", 16],
      ["D0", 120],
      ["D1", 84],
    ]),
  );
  assert.is(axesOf(detectSpec({ tensors: lenet }), "fc1.weight"), "D0 C1*25");
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
  const spec = detectSpec({ tensors: numbered });
  assert.equal(
    ["norm0.bias", "norm1.bias", "norm2.bias", "fc0.weight"].map((name) => axesOf(spec, name)),
    ["C0", "C1", "D0", "D0 C1"],
  );
  const flat = list((t) =>
    t.conv("features.0", 8, 3).batchNorm("features.1", 8).batchNorm("classifier.0", 32).dense("classifier.1", 10, 32),
  );
  assert.equal(
    ["classifier.0.weight", "classifier.1.weight"].map((name) => axesOf(detectSpec({ tensors: flat }), name)),
    ["C0*4", "_ C0*4"],
  );
  const groups = list((t) => t.conv("conv1", 8, 3).layerNorm("gn1", 8).dense("fc", 10, 8));
  assert.match(detectSpec({ tensors: groups }).why!, /, GroupNorm taken to have one group$/);
  const channelNorm = list((t) =>
    t.conv("0", 8, 3).add("1.weight", [8, 5, 5]).add("1.bias", [8, 5, 5]).conv("2", 4, 8).dense("4", 2, 4),
  );
  assert.is(axesOf(detectSpec({ tensors: channelNorm }), "1.weight"), "C0 _ _");
  const blocks = list((t) =>
    t
      .conv("block1.conv1", 8, 3)
      .conv("block1.conv2", 8, 8)
      .conv("block2.conv1", 16, 8)
      .conv("block2.conv2", 16, 16)
      .dense("fc", 10, 16),
  );
  assert.is(detectSpec({ tensors: blocks }).family, "vgg");
});

test("vgg: Flax flattens channel-minor, and keeps its statistics in another tree", () => {
  const tensors = nets.flaxConvnet();
  const spec = detectSpec({ tensors });
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
    ["conv2d_1/kernel:0", "dense/kernel:0", "dense_1/kernel:0"].map((name) =>
      axesOf(detectSpec({ tensors: keras }), name),
    ),
    ["_ _ C0 C1", "9*C1 D0", "D0 _"],
  );
});

test("vgg: what it refuses, and why", () => {
  refused(nets.mlp([4, 3, 2]), "vgg", /^model has no convolution, expected some before its dense tensors$/);
  refused(nets.resnet(18), "vgg", /^layer1\.0 is named like a residual block, expected a chain/);
  const positions = list((t) => t.conv("conv1", 8, 3).dense("fc", 10, 30));
  refused(positions, "vgg", /^fc\.weight takes 30 inputs, expected a multiple of 8 as conv1\.weight gives$/);
  const depthwise = list((t) => t.conv("conv1", 8, 3).conv("conv2", 8, 1).conv("conv3", 4, 8));
  refused(depthwise, "vgg", /^conv2\.weight takes 1 of 8 channels and so is a grouped convolution, expected 8/);
  // A residual network whose file is in the order of running: only the names tell.
  const resnet9 = list((t) =>
    t.conv("conv1.0", 64, 3).conv("res1.0.0", 64, 64).conv("res1.1.0", 64, 64).dense("classifier", 10, 64),
  );
  refused(resnet9, "vgg", /^res1\.0\.0\.weight is named after "res1", expected a chain without skip connections$/);
});

test("resnet: torchvision's networks", () => {
  const streams: Record<number, number[]> = {
    18: [64, 128, 256, 512],
    34: [64, 128, 256, 512],
    50: [64, 256, 512, 1024, 2048],
    101: [64, 256, 512, 1024, 2048],
    152: [64, 256, 512, 1024, 2048],
  };
  for (const [depth, widths] of Object.entries(streams)) {
    const tensors = nets.resnet(Number(depth));
    const permutations = permutationsOf(tensors);
    assert.equal(
      widths.map((_, i) => permutations.get(`S${i}`)),
      widths,
    );
    const convs = [...tensors.keys()].filter((name) => /layer.*conv\d\.weight/.test(name)).length;
    const blocks = new Set([...tensors.keys()].flatMap((name) => /^layer\d\.\d+/.exec(name) ?? [])).size;
    assert.is(permutations.size, widths.length + convs - blocks);
  }
  const spec = detectSpec({ tensors: sortedByName(nets.resnet(50)) });
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
  assert.is(detectSpec({ tensors: nets.resnet(50, { base: 128 }) }).family, "resnet"); // wide_resnet50_2
});

test("resnet: CIFAR depths, aliases, prefixes", () => {
  for (const depth of [20, 32, 44, 56, 110]) {
    const permutations = permutationsOf(nets.cifarResnet(depth, "shortcut"));
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
    const permutations = permutationsOf(tensors);
    assert.is(permutations.size, 12);
    assert.equal(
      ["S0", "S1", "S2"].map((name) => permutations.get(name)),
      [16, 32, 64],
    );
  }
});

test("resnet: timm's deep stem, norms before convolutions, transformers' and Flax names", () => {
  const timm = detectSpec({ tensors: sortedByName(nets.timmResnet26d()) });
  const stem = ["conv1.0.weight", "conv1.4.weight", "conv1.6.weight", "bn1.weight", "layer1.0.downsample.1.weight"];
  assert.equal(
    stem.map((name) => axesOf(timm, name)),
    ["stem.a _ _ _", "stem.b", "S0 stem.b _ _", "S0", "S1 S0 _ _"],
  );
  const wide = detectSpec({ tensors: sortedByName(nets.wideResnet16(4)) });
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
  const face = detectSpec({ tensors: sortedByName(nets.huggingFaceResnet()) });
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
  const flax = detectSpec({ tensors: sortedByName(nets.flaxResnet()) });
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

test("resnet: one stage of equal widths, where only the stem's norm tells the side of the norms", () => {
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
  assert.equal(
    names.map((name) => axesOf(detectSpec({ tensors: after }), name)),
    ["layer1.1.a", "S0"],
  );
  assert.equal(
    names.map((name) => axesOf(detectSpec({ tensors: before }), name)),
    ["S0", "layer1.1.a"],
  );
});

test("resnet: what it refuses, and why", () => {
  refused(
    nets.cifarResnet(20, null),
    "resnet",
    /^layer2\.0 widens 16 to 32 without a convolution shortcut: a shortcut padded with zeros ties units of two streams/,
  );
  refused(
    nets.resnet(50, { groups: 32, base: 4 }),
    "resnet",
    /^layer1\.0\.conv2\.weight takes 4 of 128 channels and so is a grouped convolution/,
  );
  refused(
    nets.vgg(11, true),
    "resnet",
    /^model has no residual blocks by their names, expected names such as layer1\.0\.conv1$/,
  );
  refused(nets.mlp([4, 3, 2]), "resnet", /^model has no convolution, expected residual blocks of two or three$/);
  const headless = new Map([...nets.resnet(18)].filter(([name]) => !name.startsWith("fc")));
  refused(headless, "resnet", /^model has no dense head, expected one: the last residual stream would be its output$/);
  const squeeze = new Map([...nets.resnet(18), ...list((t) => t.dense("layer1.0.se.fc1", 4, 64))]);
  refused(squeeze, "resnet", /^layer1\.0\.se\.fc1\.weight is named after "se"/);
  const four = new Map([
    ...nets.resnet(18),
    ...list((t) => t.conv("layer1.0.conv3", 64, 64).conv("layer1.0.conv4", 64, 64)),
  ]);
  refused(four, "resnet", /^layer1\.0 has 4 convolutions, expected two or three convolutions$/);
  const other = new Map([
    ...nets.resnet(18),
    ["layer2.0.downsample.0.weight", { dtype: "F32" as const, shape: [64, 64, 1, 1] }],
  ]);
  refused(
    other,
    "resnet",
    /^layer2\.0\.downsample\.1\.weight has 128 channels, expected 64 as layer2\.0\.downsample\.0\.weight gives$/,
  );
});

test("detection says for every family why it does not match", () => {
  assert.throws(
    () => detectSpec({ tensors: nets.cifarResnet(20, null) }),
    (error: unknown) => {
      assert.instance(error, SpecError);
      const { message } = error as Error;
      assert.match(
        message,
        /^model is of no known family, expected one of these or a spec file \(mlp: conv1\.weight is a convolution/,
      );
      assert.match(message, /; resnet: layer2\.0 widens 16 to 32 without a convolution shortcut/);
      assert.match(message, /; vgg: layer1\.0 is named like a residual block/);
      return true;
    },
  );
});

test("families by name", () => {
  const tensors = nets.mlp([4, 3, 2]);
  assert.equal(familySpec("mlp", { tensors }), detectSpec({ tensors }));
  assert.equal(FAMILIES.map(({ name }) => name).sort(), ["mlp", "resnet", "vgg"]);
  refused(tensors, "bert", /^family "bert" is unknown, expected one of mlp, resnet, vgg$/);
});

test("no model is of two families", () => {
  const models = [
    nets.mlp([4, 3, 2]),
    nets.flaxMlp([4, 3, 2]),
    nets.vgg(11, true),
    nets.flaxConvnet(),
    nets.resnet(18),
    nets.wideResnet16(1),
    nets.flaxResnet(),
  ];
  for (const tensors of models) {
    const fitting = FAMILIES.filter(({ spec }) => {
      try {
        return spec(tensors);
      } catch {
        return false;
      }
    });
    assert.is(fitting.length, 1);
  }
});

test.run();
