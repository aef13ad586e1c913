/** ONNX networks as graphs of images: what is plain, what is left out, and what is refused. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { describeGraph } from "../../../src/families/describe-graph.ts";
import { withNetworkNotes } from "../../../src/families/network-notes.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import type { NetworkGraph } from "../../../src/infer/network-graph.ts";
import { tapsOf } from "../../../src/infer/taps.ts";
import { resolveFor } from "../../../src/perm/resolve-for.ts";
import { chooseSpec } from "../../../src/plan/rebasin.ts";
import { onnxGraph } from "../../../src/run/onnx/graph-of-model.ts";
import { rejects } from "../../reference/expect-error.ts";
import {
  attribute,
  callOf,
  graph,
  localFunction,
  node,
  onnxFile,
  onnxOf,
  part,
  raw,
  tensor,
  valueInfo,
  whole,
} from "../../reference/onnx-builder.ts";
import { mlpOnnx, onnxNetwork, resnetOnnx, vggOnnx } from "../../reference/onnx-networks.ts";
import { twinOnnx, windowsOnnx } from "../../reference/onnx-odd.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("ONNX networks as graphs of images");

const open = (bytes: Uint8Array): Promise<Model> => openModel(bytes, { name: "a.onnx" });
const graphOf = async (bytes: Uint8Array): Promise<NetworkGraph> => onnxGraph(await open(bytes));

for (const [name, bytes] of [
  ["MLP", mlpOnnx()],
  ["VGG", vggOnnx()],
  ["ResNet", resnetOnnx()],
] as const)
  test(`${name}: operation for operation the graph that names show, and the same taps`, async () => {
    const model = await open(bytes);
    const found = await onnxGraph(model);
    assert.ok(found.isPlain);
    const wanted = await describeGraph(model);
    // Sizes show that a pool is needed, names do not; rows have one channel; ε is a float of 32 bits in the file.
    const told = ({ operations }: Pick<typeof wanted, "operations">): string[] =>
      operations.map(({ kind }) => JSON.stringify({ ...kind, fit: undefined, epsilon: undefined, order: undefined }));
    assert.equal(told(found.graph), told(wanted));
    const resolved = resolveFor(model, await chooseSpec("auto", model));
    const places = (graph: typeof wanted, taps: ReadonlyMap<string, readonly { value: string; block: number }[]>) =>
      [...taps].map(([group, each]) => [
        group,
        each.map(({ value, block }) => [graph.operations.findIndex(({ output }) => output === value), block]),
      ]);
    assert.equal(places(found.graph, found.taps(resolved)), places(wanted, await tapsOf(wanted, resolved, model)));
    assert.equal(found.taps(resolved), await tapsOf(found.graph, resolved, model));
  });

test("other operators are named, and weights that repairs leave out are listed with the reason", async () => {
  const odd = await graphOf(twinOnnx(1, { odd: true }));
  assert.not.ok(odd.isPlain);
  assert.equal(odd.graph.leftOut, []);
  assert.is(odd.graph.operations.filter(({ kind }) => kind.op === "other").length, 3);
  const windows = await graphOf(windowsOnnx(1));
  assert.equal(windows.graph.leftOut, [
    "convtranspose_4 (ConvTranspose) is no matrix, kernel or norm of a plain tensor",
  ]);
  assert.equal(
    windows.graph.operations.flatMap(({ kind }) => (kind.op === "conv" ? [kind.window] : [])),
    [
      { stride: [1, 2], dilation: [2, 1], pad: [2, 0] },
      { stride: [1, 1], dilation: [1, 1], pad: [1, 1] },
    ],
  );
});

/** One dense operation on rows of 4, made by `build`. */
function dense(build: (net: ReturnType<typeof onnxNetwork>, weight: string) => string): Uint8Array {
  const net = onnxNetwork(1);
  return net.bytes({ x: ["n", 4] }, [build(net, net.weight("w", [4, 3]))]);
}

test("matrices that are not plain are left out, each with its reason", async () => {
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [dense((net, w) => net.add("Gemm", ["x", w], { alpha: 2 })), /\(Gemm\) scales or turns what it multiplies/],
    [dense((net, w) => net.add("Gemm", ["x", w, net.weight("b", [1, 3])])), /\(Gemm\) has no plain tensors/],
    [dense((net, w) => net.add("Gemm", ["x", w, net.weight("b", [1])])), /\(Gemm\) has one bias for all outputs/],
    [dense((net, w) => net.add("MatMul", ["x", net.add("Mul", [w, w])])), /\(MatMul\) has no plain tensor/],
    [
      dense((net, w) => net.add("Add", [net.add("MatMul", ["x", w]), net.add("MatMul", ["x", w])])),
      /\(MatMul\) has no plain tensor of its own/,
    ],
  ];
  for (const [bytes, reason] of cases) {
    const { graph: found, isPlain } = await graphOf(bytes);
    assert.match(found.leftOut!.join("; "), reason);
    assert.not.ok(isPlain);
  }
});

test("a product and the sum behind it are one matrix with a bias, unless the product is read twice", async () => {
  const one = await graphOf(dense((net, w) => net.add("Add", [net.add("MatMul", ["x", w]), net.weight("b", [3])])));
  assert.equal(
    one.graph.operations.map(({ kind }) => kind),
    [
      { op: "flatten", order: "channel-minor" },
      { op: "dense", weight: "w", bias: "b", layout: "in-out" },
    ],
  );
  const two = await graphOf(
    dense((net, w) => {
      const product = net.add("MatMul", ["x", w]);
      return net.add("Add", [net.add("Add", [product, net.weight("b", [3])]), product]);
    }),
  );
  assert.equal(
    two.graph.operations.map(({ kind }) => kind.op),
    ["flatten", "dense", "other", "add"],
  );
});

const weights = (name: string, shape: readonly number[]): Uint8Array =>
  tensor(name, 1, shape, raw(new Uint8Array(gaussianArray(shape[0]! * shape[1]!, createRng(1)).buffer)));

test("what is in bodies and functions of the file is left out, and cannot be asked for", async () => {
  const branch = graph(
    [node("MatMul", ["x", "w"], ["inside"], [], "m")],
    [weights("w", [4, 3])],
    [[], [valueInfo("inside")]],
  );
  const bodies = ["then_branch", "else_branch"].map((name) => attribute(name, part(6, branch), whole(20, 5)));
  const file = onnxOf(
    17,
    graph(
      [node("If", ["yes"], ["y"], bodies, "if")],
      [tensor("yes", 9, [], raw(Uint8Array.of(1)))],
      [[valueInfo("x", ["n", 4])], [valueInfo("y", ["n", 3])]],
    ),
  );
  const found = await graphOf(file);
  assert.equal(found.graph.leftOut, ["if (If) has its values in a body"]);
  assert.equal([...found.values].sort(), ["x", "y"]);
  const called = await graphOf(
    onnxFile(
      graph(
        [
          callOf("Layer", ["x", "w"], ["h"]),
          node("Relu", ["h"], ["r"], [], "relu"),
          node("MatMul", ["r", "v"], ["y"], [], "end"),
        ],
        [weights("w", [4, 3]), weights("v", [3, 2])],
        [[valueInfo("x", ["n", 4])], [valueInfo("y", ["n", 2])]],
      ),
      localFunction("Layer", ["a", "b"], ["c"], [node("MatMul", ["a", "b"], ["c"])], part(9, whole(2, 13))),
    ),
  );
  assert.match(called.graph.leftOut!.join("; "), /\(MatMul\) is computed in a function of the file/);
  assert.not([...called.values].some((value) => value.includes("/")));
  assert.equal(called.graph.operations.map(({ output, kind }) => [output, kind.op]).slice(-2), [
    ["r", "relu"],
    ["y", "dense"],
  ]);
});

/** A convolution on an input of these sizes, behind operators that `before` adds. */
function convolving(
  inputs: Readonly<Record<string, readonly (number | string)[]>>,
  before: (net: ReturnType<typeof onnxNetwork>) => string = () => "x",
  channels = 3,
): Uint8Array {
  const net = onnxNetwork(1);
  const value = net.add("Conv", [before(net), net.weight("k", [4, channels, 1, 1])]);
  return net.bytes(inputs, [net.add("Flatten", [net.add("GlobalAveragePool", [value])])]);
}

test("the order of axes: by sizes, by the operators that read the input, or as it is stated", async () => {
  const turned = (net: ReturnType<typeof onnxNetwork>): string => net.add("Transpose", ["x"], { perm: [0, 3, 1, 2] });
  const layouts: readonly (readonly [Uint8Array, string])[] = [
    [convolving({ x: ["n", 3, 9, 9] }), "nchw"],
    [convolving({ x: ["n", 9, 9, 3] }, turned), "nhwc"],
    [convolving({ x: ["n", "c", "h", "w"] }), "nchw"],
    [convolving({ x: ["n", "h", "w", "c"] }, turned), "nhwc"],
    [convolving({ x: [1, 3, 3, 3] }), "nchw"],
  ];
  for (const [bytes, layout] of layouts) assert.is((await graphOf(bytes)).input.layout, layout);
  const open3 = convolving({ x: ["n", "c", "h", "w"] }, (net) => net.add("Mul", ["x", "x"]));
  await rejects(
    () => graphOf(open3),
    RangeError,
    /input x is images \[\?, \?, \?, \?\], where nothing shows the channels, expected --layout/,
  );
  assert.is((await onnxGraph(withNetworkNotes(await open(open3), { layout: "nchw" }))).input.layout, "nchw");
});

test("refused: inputs and outputs that are none of images and logits", async () => {
  const two = convolving({ x: ["n", 3, 9, 9], y: ["n", 3, 9, 9] }, (net) => net.add("Add", ["x", "y"]));
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [two, /a\.onnx has inputs x, y, expected one that takes images: name it by --input$/],
    [
      convolving({ x: ["n", 3, 9, 9], scale: [1] }, (net) => net.add("Mul", ["x", "scale"])),
      /also has input scale, expected a network of images alone/,
    ],
  ];
  for (const [bytes, message] of cases) await rejects(() => graphOf(bytes), RangeError, message);
  await rejects(
    async () => onnxGraph(withNetworkNotes(await open(two), { input: "z" })),
    RangeError,
    /a\.onnx has no input z, expected one of x, y$/,
  );
  await rejects(
    async () => onnxGraph(withNetworkNotes(await open(two), { input: "y" })),
    RangeError,
    /also has input x, expected a network of images alone/,
  );
  const tokens = onnxOf(
    17,
    graph([node("Gather", ["w", "x"], ["y"])], [weights("w", [4, 3])], [[valueInfo("x", ["n"], 7)], [valueInfo("y")]]),
  );
  await rejects(() => graphOf(tokens), RangeError, /input x is I64 \[\?\], expected 32-bit floats/);
  const net = onnxNetwork(1);
  const outputs = [1, 2].map((at) => net.add("MatMul", ["x", net.weight(`w${at}`, [4, at])]));
  await rejects(
    () => graphOf(net.bytes({ x: ["n", 4] }, outputs)),
    RangeError,
    /has outputs .*, expected one of logits/,
  );
});

test("a softmax at the end is left out: what it reads are the logits", async () => {
  const net = onnxNetwork(1);
  const logits = net.add("MatMul", ["x", net.weight("w", [4, 3])]);
  const { graph: found, isPlain } = await graphOf(net.bytes({ x: ["n", 4] }, [net.add("Softmax", [logits])]));
  assert.is(found.output, logits);
  assert.ok(isPlain);
});

test.run();
