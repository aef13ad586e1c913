import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { readGraph } from "../../../src/formats/operator-graph.ts";
import type { OperatorGraph } from "../../../src/graph/operators.ts";
import { rejects } from "../../reference/expect-error.ts";
import {
  attribute,
  callOf,
  constant,
  floatField,
  floats,
  graph,
  localFunction,
  node,
  onnxFile,
  onnxOf,
  opsetId,
  part,
  raw,
  smallOnnx,
  tensor,
  valueInfo,
  whole,
  wholes,
} from "../../reference/onnx-builder.ts";

const test = suite("operator graphs of ONNX files");

const open = (bytes: Uint8Array): Promise<Model> => openModel(bytes, { name: "a.onnx" });

async function graphOf(bytes: Uint8Array): Promise<OperatorGraph> {
  return (await readGraph(await open(bytes)))!;
}

const fails = (bytes: Uint8Array, message: RegExp): Promise<Error> =>
  rejects(() => graphOf(bytes), FormatError, message);

/** Operators as text: `kind(inputs) → outputs {attributes}`. */
const lines = ({ operators }: OperatorGraph): string[] =>
  operators.map(({ kind, inputs, outputs, attributes }) => {
    const words = [...attributes].map(([key, value]) => `${key}=${value}`).join(" ");
    return `${kind}(${inputs.join(",")}) → ${outputs.join(",")}${words === "" ? "" : ` {${words}}`}`;
  });

const ints = (name: string, ...values: readonly number[]): Uint8Array =>
  attribute(name, wholes(8, values), whole(20, 7));
const int = (name: string, value: number): Uint8Array => attribute(name, whole(3, value), whole(20, 2));
const float = (name: string, value: number): Uint8Array => attribute(name, floatField(2, [value], false), whole(20, 1));
const text = (name: string, value: string): Uint8Array => attribute(name, part(4, value), whole(20, 3));

/** One operator on input `x` of an opset. */
const single = (opset: number, kind: string, attributes: readonly Uint8Array[], more: readonly string[] = []) =>
  graphOf(
    onnxOf(
      opset,
      graph(
        [node(kind, ["x", ...more], ["y"], attributes, "n")],
        more.map((name) => tensor(name, 1, [1], raw(floats(2)))),
        [[valueInfo("x", ["batch", 4])], [valueInfo("y")]],
      ),
    ),
  );

test("every kind of tensor: scopes, constants, inputs, outputs and bodies", async () => {
  const model = await open(smallOnnx());
  const found = (await readGraph(model))!;
  assert.equal(found.inputs, [
    { name: "x", dtype: "F32", shape: [undefined, 3], symbols: ["n", undefined] },
    { name: "c", dtype: "BOOL", shape: [] },
  ]);
  assert.equal(found.outputs, ["h", "y"]);
  assert.equal(lines(found), ["Gemm(x,fc1.weight,fc1.bias) → h {transB=1}", "If(c) → y"]);
  assert.equal(found.constants.get("shape"), { dtype: "int", shape: [2], values: [-1, 300] });
  assert.equal(found.constants.get("eps"), { dtype: "float", shape: [], values: [0.5] });
  const branch = found.operators[1]!.bodies!.get("then_branch")!;
  assert.equal([...branch.tensors], [["if/then_branch/w", "if/then_branch/w"]]);
  assert.equal(branch.outputs, ["if/then_branch/w"]);
  for (const tensors of [found.tensors, branch.tensors])
    for (const name of tensors.values()) assert.ok(model.tensors.has(name), name);
  assert.is(found.opset, 13);
  assert.is(found.producer, "by hand");
});

test("sizes with a name are equal; names that say nothing are none", async () => {
  const inputs = ["time", "?", "None", ""].map((symbol, at) => valueInfo(`x${at}`, [symbol, 4, "time"]));
  const found = await graphOf(onnxFile(graph([node("Sum", ["x0", "x1"], ["y"])], [], [inputs, [valueInfo("y")]])));
  assert.equal(
    found.inputs.map(({ symbols }) => symbols),
    [["time", undefined, "time"], ...Array(3).fill([undefined, undefined, "time"])],
  );
});

test("tensors that are listed among the inputs, as the oldest files have them, are no inputs", async () => {
  const found = await graphOf(
    onnxOf(
      8,
      graph(
        [node("Add", ["x", "w"], ["y"])],
        [tensor("w", 1, [1], raw(floats(1)))],
        [[valueInfo("w", [1]), valueInfo("x", [1])], [valueInfo("y")]],
      ),
    ),
  );
  assert.equal(
    found.inputs.map(({ name }) => name),
    ["x"],
  );
  assert.equal([...found.tensors.keys()], ["w"]);
});

const OLDER: readonly [opset: number, kind: string, attributes: readonly Uint8Array[], want: string][] = [
  [11, "Squeeze", [ints("axes", 0, -1)], "Squeeze(x,n/axes) → y | n/axes=0,-1"],
  [12, "ReduceSum", [ints("axes", 1), int("keepdims", 0)], "ReduceSum(x,n/axes) → y {keepdims=0} | n/axes=1"],
  [17, "ReduceMean", [ints("axes", -1)], "ReduceMean(x,n/axes) → y | n/axes=-1"],
  [17, "ReduceMean", [], "ReduceMean(x) → y"],
  [9, "Slice", [ints("starts", 1), ints("ends", -1)], "Slice(x,n/starts,n/ends) → y | n/starts=1 n/ends=-1"],
  [10, "Pad", [ints("pads", 0, 1, 0, 1), float("value", 2)], "Pad(x,n/pads,n/value) → y | n/pads=0,1,0,1 n/value=2"],
  [10, "Clip", [float("max", 6)], "Clip(x,,n/max) → y | n/max=6"],
  [7, "Dropout", [float("ratio", 0.5)], "Dropout(x,n/ratio) → y | n/ratio=0.5"],
  [9, "TopK", [int("k", 3), int("axis", 1)], "TopK(x,n/k) → y {axis=1} | n/k=3"],
  [12, "Split", [ints("split", 1, 3)], "Split(x,n/split) → y | n/split=1,3"],
  [13, "Split", [], "Split(x) → y {num_outputs=1}"],
  [
    7,
    "Upsample",
    [text("mode", "nearest"), attribute("scales", floatField(7, [1, 2]), whole(20, 6))],
    "Resize(x,,n/scales) → y {mode=nearest coordinate_transformation_mode=asymmetric nearest_mode=floor} | n/scales=1,2",
  ],
  [12, "Softmax", [], "Softmax(x) → y {axis=1 coerced=1}"],
  [12, "Softmax", [int("axis", -1)], "Softmax(x) → y {axis=-1}"],
  [13, "Softmax", [], "Softmax(x) → y {axis=-1}"],
  [7, "BatchNormalization", [int("spatial", 0)], "rebasin.SpatialBatchNormalization(x) → y"],
  [7, "BatchNormalization", [int("spatial", 1)], "BatchNormalization(x) → y"],
  [18, "GroupNormalization", [int("num_groups", 2)], "rebasin.GroupNormalizationPerGroup(x) → y {num_groups=2}"],
  [21, "GroupNormalization", [int("num_groups", 2)], "GroupNormalization(x) → y {num_groups=2}"],
];

for (const [opset, kind, attributes, want] of OLDER)
  test(`opset ${opset}: ${kind} as the newest operators say it (${want})`, async () => {
    const found = await single(opset, kind, attributes);
    const made = [...found.constants].map(([name, { values }]) => `${name}=${values}`).join(" ");
    assert.is(`${lines(found)[0]}${made === "" ? "" : ` | ${made}`}`, want);
  });

test("Upsample of opset 9 has its scales as an input already; Resize of opset 10 had no region", async () => {
  for (const [opset, kind] of [
    [9, "Upsample"],
    [10, "Resize"],
  ] as const)
    assert.match(lines(await single(opset, kind, [], ["s"]))[0]!, /^Resize\(x,,s\) → y \{coord.*asymmetric/);
});

test("the value of ConstantOfShape is a number", async () => {
  const value = attribute("value", part(5, tensor("", 1, [1], raw(floats(0.25)))), whole(20, 4));
  assert.equal(lines(await single(13, "ConstantOfShape", [value])), ["ConstantOfShape(x) → y {value=0.25}"]);
});

/** `scaled(a) = a · w + offset`, with an attribute for the offset and a weight of its own. */
const scaled = localFunction(
  "scaled",
  ["a"],
  ["b"],
  [
    constant("w", attribute("value", part(5, tensor("", 1, [2], raw(floats(1, 2)))))),
    constant("o", attribute("value_float", part(21, "offset"), whole(20, 1))),
    node("Mul", ["a", "w"], ["m"]),
    node("Add", ["m", "o"], ["b"]),
  ],
  part(9, opsetId("", 17)),
  part(11, float("offset", 0.5)),
);

test("calls of the model's functions are put in, with their attributes; a function's tensor is one, however often it is called", async () => {
  const calls = [callOf("scaled", ["x"], ["h"], float("offset", 3)), callOf("scaled", ["h"], ["y"])];
  const found = await graphOf(
    onnxFile(graph(calls, [], [[valueInfo("x", [2])], [valueInfo("y", [2])]]), scaled, part(8, opsetId("own", 1))),
  );
  assert.equal(lines(found), [
    "Mul(x,scaled_0/w) → scaled_0/m",
    "Add(scaled_0/m,scaled_0/o) → scaled_0/b",
    "Identity(scaled_0/b) → h",
    "Mul(h,scaled_1/w) → scaled_1/m",
    "Add(scaled_1/m,scaled_1/o) → scaled_1/b",
    "Identity(scaled_1/b) → y",
  ]);
  assert.equal([...found.tensors.values()], ["scaled/w", "scaled/w"]);
  assert.equal(
    ["scaled_0/o", "scaled_1/o"].map((name) => found.constants.get(name)!.values),
    [[3], [0.5]],
  );
});

test("names of values are unique, bodies included, and bodies read the values around them", async () => {
  const body = (weight: string): Uint8Array =>
    graph([node("Mul", ["x", weight], ["y"])], [tensor("w", 1, [1], raw(floats(1)))], [[], [valueInfo("y")]]);
  const branches = [attribute("then_branch", part(6, body("w"))), attribute("else_branch", part(6, body("outer")))];
  const found = await graphOf(
    onnxFile(
      graph(
        [node("If", ["c"], ["y"], branches, "if")],
        [tensor("outer", 1, [1], raw(floats(1))), tensor("if/else_branch/y", 1, [1], raw(floats(1)))],
        [[valueInfo("x", [1]), valueInfo("c", [], 9)], [valueInfo("y")]],
      ),
    ),
  );
  const [then, other] = ["then_branch", "else_branch"].map((name) => found.operators[0]!.bodies!.get(name)!);
  assert.equal(lines(then!), ["Mul(x,if/then_branch/w) → if/then_branch/y"]);
  assert.equal(lines(other!), ["Mul(x,outer) → if/else_branch/y#2"]);
});

const ports = [[valueInfo("x", [1])], [valueInfo("y")]];

test("what is wrong with a graph is refused", async () => {
  await fails(
    onnxFile(graph([node("Relu", ["b"], ["y"], [], "r"), node("Relu", ["x"], ["b"])], [], ports)),
    /^a\.onnx node "r" reads value "b", which nothing before it gives/,
  );
  await fails(
    onnxFile(graph([node("Relu", ["x"], ["y"], [], "r"), node("Relu", ["x"], ["y"], [], "s")], [], ports)),
    /^a\.onnx node "s" gives value "y" a second time/,
  );
  await fails(onnxFile(graph([], [], ports)), /^a\.onnx the graph's output reads value "y"/);
  for (const opset of [6, 27, 9999])
    await fails(
      onnxOf(opset, graph([], [], [])),
      new RegExp(`^a\\.onnx has operators of opset ${opset}, expected 7 to`),
    );
  const itself = localFunction("f", ["a"], ["b"], [callOf("f", ["a"], ["b"])]);
  await fails(onnxFile(graph([callOf("f", ["x"], ["y"])], [], ports), itself), /call 65 of functions in functions/);
  await fails(onnxFile(graph([callOf("scaled", ["x", "x"], ["y"])], [], ports), scaled), /has 2 inputs and 1 outputs/);
});

test("functions that call functions twice each cannot make a graph that is too large", async () => {
  const doubling = Array.from({ length: 30 }, (_, i) => {
    const name = i === 0 ? "leaf" : `f${i - 1}`;
    const called = [callOf(name, ["a"], ["m"]), callOf(name, ["m"], ["b"])];
    return localFunction(`f${i}`, ["a"], ["b"], called);
  });
  const leaf = localFunction("leaf", ["a"], ["b"], [node("Relu", ["a"], ["b"])]);
  const bytes = onnxFile(graph([callOf("f29", ["x"], ["y"])], [], ports), leaf, ...doubling);
  await fails(bytes, /^a\.onnx has 200001 operators, expected at most 200000/);
});

test("numbers that have no dtype here are the value of an operator that nobody knows", async () => {
  const found = await graphOf(
    onnxFile(
      graph(
        [node("DequantizeLinear", ["q", "s"], ["y"])],
        [tensor("q", 22, [2], raw(new Uint8Array(1)))],
        [[valueInfo("s")], [valueInfo("y")]],
      ),
    ),
  );
  assert.equal(lines(found), ["rebasin.Opaque() → q", "DequantizeLinear(q,s) → y"]);
  assert.match(found.operators[0]!.name, /q \(INT4\)/);
});

test.run();
