/** Graphs of well-known networks: shapes of their values, strides, pools, taps by name; and what is refused. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { describeGraph } from "../../../src/families/describe-graph.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import type { Graph, OperationKind } from "../../../src/graph/graph.ts";
import { linearOperations } from "../../../src/graph/linear-operations.ts";
import { tensorUses } from "../../../src/graph/tensor-uses.ts";
import { valueShapes } from "../../../src/graph/value-shapes.ts";
import { tapsOf } from "../../../src/infer/taps.ts";
import * as known from "../../reference/architectures.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("graphs");

const describe = (tensors: known.Tensors, name = "model"): Promise<Graph> => describeGraph({ name, tensors });

function count(graph: Graph, op: OperationKind["op"]): number {
  return graph.operations.filter(({ kind }) => kind.op === op).length;
}

/** Checks that a graph takes images of a size, reads every tensor and ends in so many logits; returns it. */
async function checked(
  tensors: known.Tensors,
  images: readonly [number, number, number],
  classes: number,
): Promise<Graph> {
  const graph = await describe(tensors);
  assert.equal(valueShapes(graph, tensors, images).get(graph.output), [classes]);
  assert.ok(tensorUses(graph, { name: "model", tensors }).size > 0);
  return graph;
}

test("what tensors do not tell of a graph stands among its assumptions", async () => {
  const { assumptions } = await describe(known.resnet(18));
  assert.equal(assumptions, [
    "activations are ReLU",
    "pools are 3×3 of maxima with stride 2",
    `convolutions keep sizes, but for strides at conv1, ${[2, 3, 4].map((stage) => `layer${stage}.0.conv1, layer${stage}.0.downsample.0`).join(", ")}`,
    "BatchNorm adds ε = 0.00001 to variances",
  ]);
  const chain = await describe(known.mlp([8, 6, 4]));
  assert.equal(chain.assumptions, ["activations are ReLU"]);
});

test("torchvision's VGGs have five pools and three dense tensors", async () => {
  for (const [depth, convs] of [
    [11, 8],
    [16, 13],
  ] as const) {
    for (const norms of [false, true]) {
      const tensors = known.vgg(depth, norms);
      const graph = await checked(tensors, [224, 224, 3], 1000);
      assert.equal([count(graph, "conv"), count(graph, "max-pool"), count(graph, "dense")], [convs, 5, 3]);
      assert.is(count(graph, "batch-norm"), norms ? convs : 0);
      assert.is(count(graph, "relu"), convs + 2);
    }
  }
});

test("torchvision's ResNets halve five times, bottlenecks at their 3×3 convolutions", async () => {
  for (const depth of [18, 34, 50, 101]) {
    const graph = await checked(known.resnet(depth), [224, 224, 3], 1000);
    const shapes = valueShapes(graph, known.resnet(depth), [224, 224, 3]);
    assert.equal(shapes.get("layer1.0.relu"), [56, 56, depth < 50 ? 64 : 256]);
    assert.equal(shapes.get("layer4.1.relu"), [7, 7, depth < 50 ? 512 : 2048]);
    const strided = graph.operations.filter(({ kind }) => kind.op === "conv" && kind.stride === 2);
    const place = depth < 50 ? "conv1" : "conv2";
    const expected = [2, 3, 4].flatMap((stage) => [`layer${stage}.0.${place}`, `layer${stage}.0.downsample.0`]);
    assert.equal(
      strided.map(({ output }) => output),
      ["conv1", ...expected],
    );
  }
});

test("networks of other names: CIFAR's, wide, Hugging Face's, Flax's", async () => {
  const shapesOf = async (tensors: known.Tensors, images: readonly [number, number, number]) =>
    valueShapes(await checked(tensors, images, 10), tensors, images);
  assert.equal((await shapesOf(known.cifarResnet(20, "shortcut"), [32, 32, 3])).get("layer3.2.relu"), [8, 8, 64]);
  assert.equal((await shapesOf(known.wideResnet16(2), [32, 32, 3])).get("block3.layer.1.sum"), [8, 8, 128]);
  assert.ok((await shapesOf(known.huggingFaceResnet(), [64, 64, 3])).has("stem.pool"));
  assert.equal((await shapesOf(known.flaxResnet(), [32, 32, 3])).get("blockgroups_1.blocks_1.relu"), [16, 16, 32]);
  assert.equal((await shapesOf(known.fmnistVgg(), [28, 28, 1])).get("features.14.pool"), [3, 3, 128]);
  await checked(known.flaxMlp([784, 32, 10]), [28, 28, 1], 10);
  await checked(known.mlp([784, 32, 32, 10]), [28, 28, 1], 10);
});

test("names keep to modules, and no two values share one", async () => {
  for (const tensors of [known.resnet(50), known.vgg(16, true), known.wideResnet16(1), known.mlp([4, 3, 2])]) {
    const graph = await describe(tensors);
    const names = graph.operations.map(({ output }) => output);
    assert.is(new Set(["input", ...names]).size, names.length + 1);
  }
  const input = known.renamed(known.mlp([4, 3, 2]), (name) =>
    name.replace("layers.0", "input").replace("layers.1", "output"),
  );
  assert.equal(
    (await describe(input)).operations.map(({ output }) => output),
    ["flatten", "input.2", "input.relu", "output"],
  );
});

test("an activation is told, by an option before the metadata; unknown ones and norms of groups are refused", async () => {
  const model = { name: "model", tensors: known.flaxResnet() };
  const told = { ...model, metadata: new Map([["rebasin.activation", "tanh"]]) };
  const kinds = async (...words: Parameters<typeof describeGraph>): Promise<string> =>
    (await describeGraph(...words)).operations.map(({ kind, output }) => `${kind.op} ${output}`).join();
  const plain = await kinds(model);
  assert.match(plain, /relu conv1\.relu|relu [^,]*relu/);
  assert.is(await kinds(told), plain.replaceAll("relu", "tanh"));
  assert.is(await kinds(told, { activation: "relu" }), plain);
  await rejects(
    () => describeGraph(model, { activation: "swish" as "silu" }),
    RangeError,
    /cannot be run: activation "swish", expected one of relu, gelu, tanh, silu$/,
  );
  await rejects(
    () => describeGraph(model, { normGroups: 4 }),
    RangeError,
    /is a norm of 4 groups, expected one: GroupNorm is aligned, not run$/,
  );
});

test("norms of a Sequential stand where its numbers say, before the ReLU or after", async () => {
  const before = known.list((t) => t.dense("net.0", 5, 4).batchNorm("net.1", 5).dense("net.3", 2, 5));
  const after = known.list((t) => t.dense("net.0", 5, 4).batchNorm("net.2", 5).dense("net.3", 2, 5));
  const order = async (tensors: known.Tensors) => (await describe(tensors)).operations.map(({ kind }) => kind.op);
  assert.equal(await order(before), ["flatten", "dense", "batch-norm", "relu", "dense"]);
  assert.equal(await order(after), ["flatten", "dense", "relu", "batch-norm", "dense"]);
});

const tapNames = async (tensors: known.Tensors): Promise<Record<string, string[]>> => {
  const taps = await tapsOf(await describe(tensors), await detectSpec({ tensors }, { normGroups: 1 }), { tensors });
  return Object.fromEntries([...taps].map(([name, list]) => [name, list.map(({ value }) => value)]));
};

test("taps are the last elementwise values; streams have one for every block", async () => {
  assert.equal(await tapNames(known.fmnistVgg()), {
    C0: ["features.0.relu"],
    C1: ["features.3.relu"],
    C2: ["features.7.relu"],
    C3: ["features.10.relu"],
    C4: ["features.14.relu"],
    D0: ["classifier.1.relu"],
  });
  const residual = await tapNames(known.fmnistResnet20());
  assert.equal(residual.S0, ["norm1.relu", "layer1.0.relu", "layer1.1.relu", "layer1.2.relu"]);
  assert.equal(residual.S1, ["layer2.0.relu", "layer2.1.relu", "layer2.2.relu"]);
  assert.equal(residual["layer2.0.a"], ["layer2.0.norm1.relu"]);
  assert.is(Object.keys(residual).length, 12);
  const wide = await tapNames(known.wideResnet16(1));
  assert.equal(wide.S0?.slice(0, 3), ["conv1", "block1.layer.0.bn1.relu", "block1.layer.0.sum"]);
});

test("linear operations come in order, each with the norm that follows it", async () => {
  const tensors = known.fmnistResnet20();
  const list = await linearOperations(await describe(tensors));
  assert.is(list.length, 19 + 2 + 1);
  assert.equal(list[0], {
    value: "conv1",
    op: "conv",
    weight: "conv1.weight",
    bias: undefined,
    layout: "oihw",
    norm: { op: "layer-norm", scale: "norm1.weight", shift: "norm1.bias", epsilon: 1e-6, value: "norm1" },
  });
  assert.ok(list.slice(0, -1).every(({ op, norm }) => op === "conv" && norm?.op === "layer-norm"));
  assert.equal(list.at(-1), {
    ...{ value: "fc", op: "dense", weight: "fc.weight", bias: "fc.bias", layout: "out-in" },
    norm: undefined,
  });
  const wide = await linearOperations(await describe(known.wideResnet16(1)));
  assert.ok(wide.some(({ norm }) => norm === undefined));
});

test("what cannot be told from names is refused", async () => {
  const refuses = (tensors: known.Tensors, message: RegExp) => rejects(() => describe(tensors), RangeError, message);
  await refuses(known.timmResnet26d(), /^model cannot be run: conv1\.3\.weight is a second convolution of the stem/);
  const pooled = known.renamed(known.resnet(50), (name) =>
    name.replace("downsample.1", "downsample.2").replace("downsample.0", "downsample.1"),
  );
  await refuses(pooled, /downsample\.1\.weight has something without tensors before it/);
  await refuses(
    known.flaxConvnet(),
    /^model cannot be run: .* is the first of 2 convolutions whose names do not show where pools are/,
  );
  await refuses(
    known.list((t) => t.conv("features.0", 4, 1, 2).dense("classifier.0", 2, 4)),
    /features\.0\.weight has a kernel of even side 2, expected an odd one/,
  );
  await refuses(
    known.list((t) => t.conv("features.0", 4, 1).layerNorm("features.1.gn", 4).dense("classifier.0", 2, 4)),
    /belongs to a GroupNorm/,
  );
  await refuses(
    known.list((t) => t.conv("features.0", 4, 1).conv("features.2", 4, 4)),
    /comes last, expected dense tensors/,
  );
  await refuses(
    known.list((t) => t.add("embed.weight", [5, 5])),
    /^model has tensors of no network known here, expected an MLP, a VGG or a ResNet/,
  );
});

test("graphs whose values do not fit are refused, naming value, size and expectation", async () => {
  const tensors = known.mlp([4, 3, 2]);
  const graph = await describe(tensors);
  const refuses = (changed: Graph, message: RegExp, images: readonly [number, number, number] = [2, 2, 1]) =>
    assert.throws(
      () => valueShapes(changed, tensors, images),
      (error: Error) => error instanceof RangeError && message.test(error.message),
    );
  refuses(graph, /^layers\.0 is given 9 values, expected 4 values as layers\.0\.weight reads$/, [3, 3, 1]);
  const [flatten, ...rest] = graph.operations;
  refuses({ ...graph, operations: rest }, /^layers\.0 reads flatten, expected an earlier value$/);
  refuses({ ...graph, output: "input" }, /^input is no vector of logits/);
  refuses({ ...graph, output: "nothing" }, /^nothing is no vector of logits/);
  const extra = (kind: OperationKind, ...inputs: string[]): Graph => ({
    operations: [flatten!, { output: "x", inputs, kind }],
    output: "flatten",
  });
  refuses(extra({ op: "add" }), /^x reads no value, expected some$/);
  refuses(extra({ op: "add" }, "flatten", "input"), /^x is given 4 values, expected 2×2×1 as it adds$/);
  refuses(
    extra({ op: "max-pool", size: 3, stride: 1 }, "input"),
    /^x is given 2×2×1, expected images of at least 3×3$/,
  );
  refuses(extra({ op: "global-mean" }, "flatten"), /^x is given 4 values, expected images$/);
  refuses(
    extra({ op: "layer-norm", scale: "layers.0.bias", epsilon: 1 }, "flatten"),
    /expected 3 channels as layers\.0\.bias has$/,
  );
});

test.run();
