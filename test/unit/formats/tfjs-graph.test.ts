import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../../src/axes/axis.ts";
import { FormatError, SpecError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { readGraph } from "../../../src/formats/operator-graph.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { chooseSpec } from "../../../src/plan/rebasin.ts";
import { rejects } from "../../reference/expect-error.ts";
import { memoryFiles } from "../../reference/memory-files.ts";
import { fromModel } from "../../reference/networks.ts";
import { type NdArray, ndArray } from "../../reference/operators/arrays.ts";
import { deviation, randomInput } from "../../reference/operators/graph-laws.ts";
import { runGraph } from "../../reference/operators/run-graph.ts";
import { randomPermutations } from "../../reference/plant.ts";
import { layer, sequential, type TfjsWeight, tfjsFiles, weight } from "../../reference/tfjs-builder.ts";

import { type GraphNode, residualGraph, TfjsGraph } from "../../reference/tfjs-graphs.ts";

const test = suite("TensorFlow.js graphs");

const axesOf = async (model: Model): Promise<Record<string, string>> => {
  const { spec } = await inferSpec((await readGraph(model))!, model);
  return Object.fromEntries([...spec.tensors].map(([name, { axes }]) => [name, axes.map(formatAxis).join(", ")]));
};

test("a graph model with fused operators: what is added has one order, whatever names say", async () => {
  assert.equal(await axesOf(await residualGraph().open()), {
    "c1/w": "_, _, _, P0",
    "c1/b": "P0",
    "dw/w": "_, _, P0, _",
    "dw/b": "P0",
    "bn/scale": "P0",
    "bn/shift": "P0",
    "bn/mean": "P0",
    "bn/variance": "P0",
    "flat/shape": "_",
    "hidden/w": "9*P0, P1",
    "hidden/b": "P1",
    "out/w": "_, P1",
  });
});

test("random permutations of every group keep the function", async () => {
  const model = await residualGraph().open({ signature: { outputs: { y: { name: "Identity:0" } } } });
  const graph = (await readGraph(model))!;
  const rng = createRng(5);
  const { spec } = await inferSpec(graph, model);
  const moved = await applyPermutations(model, spec, randomPermutations(spec, model, rng));
  const input = randomInput([2, 6, 6, 3], rng);
  const outputs = await Promise.all(
    [model, moved].map(async (each) => {
      const tensors = new Map(
        [...(await fromModel(each))].map(([name, { shape, data }]): [string, NdArray] => [name, ndArray(shape, data)]),
      );
      // `fromModel` reads floats alone.
      tensors.set("flat/shape", ndArray([2], [-1, 36]));
      return runGraph(graph, tensors, new Map([["x", input]])).flatMap(({ data }) => [...data]);
    }),
  );
  assert.ok(deviation(outputs[0]!, outputs[1]!) < 1e-5);
  assert.ok(outputs[0]!.length === 4 && spec.tensors.size === 12);
});

test("axes and sizes in constants: splits, joins, means, slices, transposes", async () => {
  const g = new TfjsGraph();
  g.node("Placeholder", "x", [], { shape: { shape: { dim: [{ size: "1" }, { size: "6" }] } } });
  const all = g.node("MatMul", "all", ["x", g.floats("w", 6, 8)]);
  g.node("Split", "halves", [g.ints("axis", 1), all], { num_split: { i: "2" } });
  const joined = g.node("ConcatV2", "joined", ["halves:1", "halves", g.ints("last", -1)]);
  const row = g.node("StridedSlice", "row", [joined, g.ints("from", 0, 0), g.ints("to", 0, 8), g.ints("step", 1, 1)], {
    begin_mask: { i: "3" },
    end_mask: { i: "3" },
  });
  const turned = g.node("Transpose", "turned", [row, g.ints("perm", 1, 0)]);
  const mean = g.node("Mean", "mean", [turned, g.ints("over", 1)], { keep_dims: { b: true } });
  const back = g.node("Transpose", "back", [mean, g.ints("perm2", 1, 0)]);
  g.node("MatMul", "y", [back, g.floats("v", 8, 2)]);
  const axes = await axesOf(await g.open());
  assert.is(axes.w, "_, P0|P1");
  assert.is(axes.v, "P1|P0, _");
});

test("an operator that is not known, and outputs of hidden values, keep orders", async () => {
  const g = residualGraph();
  const fixed = await axesOf(
    await g.open({ signature: { outputs: { y: { name: "Identity" }, hidden: { name: "hidden" } } } }),
  );
  assert.is(fixed["hidden/w"], "9*P0, _");
  const odd = new TfjsGraph();
  odd.node("Placeholder", "x", [], { shape: { shape: { dim: [{ size: "1" }, { size: "6" }] } } });
  odd.node("MatMul", "a", ["x", odd.floats("w", 6, 8)]);
  odd.node("MatMul", "y", [odd.node("MyOp", "b", ["a"]), odd.floats("v", 8, 2)]);
  const model = await odd.open();
  const { frozen } = await inferSpec((await readGraph(model))!, model);
  assert.ok(
    frozen.some(({ tensor, reason }) => tensor === "w" && reason.startsWith("tensorflow.MyOp")),
    JSON.stringify(frozen),
  );
});

test("a join that names do not tell of: the spec is the graph's", async () => {
  const calls = (...names: string[]): unknown[] => (names.length === 0 ? [] : [names.map((name) => [name, 0, 0, {}])]);
  const listed = [
    { ...layer("InputLayer", "x", { batch_input_shape: [null, 3] }), name: "x", inbound_nodes: calls() },
    { ...layer("Dense", "d1", { activation: "relu" }), name: "d1", inbound_nodes: calls("x") },
    { ...layer("Dense", "d2", { activation: "relu" }), name: "d2", inbound_nodes: calls("d1") },
    { ...layer("Add", "sum"), name: "sum", inbound_nodes: calls("d1", "d2") },
    { ...layer("Dense", "d3"), name: "d3", inbound_nodes: calls("sum") },
  ];
  const config = { name: "net", layers: listed, input_layers: [["x", 0, 0]], output_layers: [["d3", 0, 0]] };
  const rest = { modelTopology: { model_config: { class_name: "Functional", config } } };
  const f32 = (name: string, ...shape: number[]): TfjsWeight =>
    weight(name, "float32", shape, new Uint8Array(4 * shape.reduce((product, each) => product * each, 1)));
  const sizes: [string, number, number][] = [
    ["d1", 3, 6],
    ["d2", 6, 6],
    ["d3", 6, 2],
  ];
  const weights = sizes.flatMap(([name, from, to]) => [f32(`${name}/kernel`, from, to), f32(`${name}/bias`, to)]);
  const model = await openModel(memoryFiles(tfjsFiles(weights, { rest })));
  const { tensors, basis } = await chooseSpec("auto", model);
  assert.is(basis, "graph");
  assert.equal(tensors.get("d2/kernel")!.axes.map(formatAxis), ["P0", "P0"]);
  assert.equal(tensors.get("d3/kernel")!.axes.map(formatAxis), ["P0", "_"]);
  const bare = await openModel(memoryFiles(tfjsFiles(weights)));
  // Weights alone: names judge, as in other formats.
  await rejects(() => chooseSpec("auto", bare), SpecError, /is of no known family: d1\/kernel is named after "d"/);
});

test("layers models are Keras' graphs", async () => {
  const f32 = (name: string, ...shape: number[]): TfjsWeight =>
    weight(name, "float32", shape, new Uint8Array(4 * shape.reduce((product, each) => product * each, 1)));
  const layers = sequential(
    layer("Dense", "d1", { batch_input_shape: [null, 3], activation: "relu" }),
    layer("Dropout", "o"),
    layer("Dense", "d2"),
  );
  const model = await openModel(
    memoryFiles(
      tfjsFiles([f32("d1/kernel", 3, 4), f32("d1/bias", 4), f32("d2/kernel", 4, 2), f32("d2/bias", 2)], {
        rest: layers,
      }),
    ),
  );
  assert.equal(await axesOf(model), { "d1/kernel": "_, P0", "d1/bias": "P0", "d2/kernel": "P0, _", "d2/bias": "_" });
});

const hiddenAxes = async (g: TfjsGraph, names: readonly string[]): Promise<string[]> => {
  const axes = await axesOf(await g.open());
  return names.map((name) => axes[name]!);
};

test("products read matrices, also of what no rank is known; sparse tables keep the units of their rows", async () => {
  const g = new TfjsGraph();
  g.node("Placeholder", "x", []);
  const rows = g.node("SparseThing", "rows", ["x"]);
  const sums = g.node("SparseSegmentMean", "sums", [g.floats("table", 9, 6), rows, "rows:1"]);
  const shaped = g.node("Reshape", "shaped", ["x", g.ints("shape", -1, 1)]);
  const chosen = g.node("Select", "chosen", [
    g.node("Tile", "tile", [shaped, g.ints("times", 1, 6)]),
    g.node("ZerosLike", "zeros", [sums]),
    sums,
  ]);
  const hidden = g.node("_FusedMatMul", "hidden", [chosen, g.floats("w1", 6, 5), g.floats("b1", 5)], {
    fused_ops: { list: { s: [btoa("BiasAdd"), btoa("Relu")] } },
  });
  const other = g.node("Relu", "other", [g.node("MatMul", "product", ["x", g.floats("v1", 7, 4)])]);
  const out = g.node("MatMul", "out", [hidden, g.floats("w2", 5, 2)]);
  g.node("AddV2", "sum", [out, g.node("MatMul", "out2", [other, g.floats("v2", 4, 2)])]);
  assert.equal(await hiddenAxes(g, ["table", "w1", "b1", "w2", "v1", "v2"]), [
    "_, P0",
    "P0, P1",
    "P1",
    "P1, _",
    "_, P2",
    "P2, _",
  ]);
});

test("what goes into a loop keeps its order, what goes past it moves; unpacked and largest parts are followed", async () => {
  const g = new TfjsGraph();
  g.node("Placeholder", "x", [], { shape: { shape: { dim: [{ size: "3" }, { size: "7" }] } } });
  const product = (name: string, input: string, from: number, to: number): string =>
    g.node("MatMul", name, [input, g.floats(`${name}/w`, from, to)]);
  const [past, into] = [product("past", "x", 7, 5), product("into", "x", 7, 4)];
  g.node("Enter", "enter", [into]);
  g.node("Merge", "merge", ["enter", "next"]);
  g.node("NextIteration", "next", [g.node("Tanh", "body", ["merge"])]);
  const left = product("left", g.node("Exit", "exit", ["merge"]), 4, 2);
  g.node("Unpack", "rows", [past], { axis: { i: "0" }, num: { i: "3" } });
  const row = g.node("ExpandDims", "row", ["rows:1", g.ints("axis", 0)]);
  const both = g.node("AddV2", "both", [left, product("right", row, 5, 2)]);
  g.node("TopKV2", "top", [both, g.ints("k", 1)]);
  assert.equal(await hiddenAxes(g, ["past/w", "right/w", "into/w", "left/w"]), ["_, P0", "P0, _", "_, _", "_, _"]);
});

test("slices by places of the first axes keep what is behind them", async () => {
  const g = new TfjsGraph();
  g.node("Placeholder", "x", [], { shape: { shape: { dim: [{ size: "8" }, { size: "3" }] } } });
  g.node("Placeholder", "at", [], { shape: { shape: { dim: [{ size: "4" }, { size: "1" }] } } });
  const hidden = g.node("MatMul", "hidden", ["x", g.floats("w1", 3, 5)]);
  const chosen = g.node("GatherNd", "chosen", [hidden, "at"]);
  g.node("MatMul", "out", [g.node("FloorDiv", "halves", [chosen, g.floats("two")]), g.floats("w2", 5, 2)]);
  assert.equal(await hiddenAxes(g, ["w1", "w2"]), ["_, P0", "P0, _"]);
});

test("hostile: circles, nodes that are missing or twice, too many outputs", async () => {
  const read = async (...nodes: readonly unknown[]): Promise<unknown> => {
    const g = new TfjsGraph();
    g.floats("w", 2, 2);
    g.nodes.push(...(nodes as GraphNode[]));
    return readGraph(await g.open());
  };
  for (const [nodes, message] of [
    [
      [
        { name: "a", op: "Relu", input: ["b"] },
        { name: "b", op: "Relu", input: ["a"] },
        { name: "c", op: "Relu", input: ["a"] },
      ],
      /node "a" in a circle|node "b" in a circle/,
    ],
    [[{ name: "a", op: "Relu", input: ["none"] }], /node "a" reads "none", expected one of its nodes/],
    [[{ name: "w", op: "Relu" }], /has the node "w" twice/],
    [[{ name: "a", op: "Relu", input: ["w:9999"] }], /reads output 9999 of "w", expected less than 1024/],
    [[7], /has the node 7, expected one with a name and an operator/],
  ] as const) {
    const error = await rejects(() => read(...nodes), FormatError, message);
    assert.match(error.message, /^hf\/model\.json [^\n]*$/);
  }
  assert.ok(await read({ name: "a", op: "Relu", input: ["^w"] }));
  const long = Array.from({ length: 20_000 }, (_, i) => ({
    name: `n${i}`,
    op: "Relu",
    input: [i === 0 ? "w" : `n${i - 1}`],
  }));
  assert.is(((await read(...long.toReversed())) as { operators: unknown[] }).operators.length, 20_000);
});

test.run();
