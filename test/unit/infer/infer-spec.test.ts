/** The spec that a graph says, on small networks whose spec is known. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../../src/axes/axis.ts";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { formatSpec, parseSpec, prettySpec } from "../../../src/axes/spec-file.ts";
import { createRng } from "../../../src/base/rng.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import { toModel } from "../../reference/networks.ts";
import { gpt2 } from "../../reference/operators/gpt2.ts";
import { type GraphBuilder, graphBuilder } from "../../reference/operators/graph-builder.ts";

const test = suite("infer spec");

/** Axes by tensor, as text; axes that are fixed are `_`. */
async function axesOf(make: (b: GraphBuilder) => string): Promise<Record<string, string>> {
  const b = graphBuilder(createRng(1));
  const graph = b.build(make(b));
  const { spec } = await inferSpec(graph, toModel(b.tensors));
  return Object.fromEntries([...spec.tensors].map(([name, { axes }]) => [name, axes.map(formatAxis).join(", ")]));
}

const dense = (b: GraphBuilder, x: string, name: string, input: number, out: number): string =>
  b.operator("Gemm", [x, b.tensor(`${name}.weight`, [out, input]), b.tensor(`${name}.bias`, [out])], { transB: 1 });

test("a residual sum ties what it adds", async () => {
  const axes = await axesOf((b) => {
    const stem = b.operator("Relu", [dense(b, b.input("x", [undefined, 8]), "stem", 8, 16)]);
    const hidden = b.operator("Relu", [dense(b, stem, "up", 16, 32)]);
    return dense(b, b.operator("Add", [stem, dense(b, hidden, "down", 32, 16)]), "head", 16, 4);
  });
  assert.equal(axes, {
    "stem.weight": "P0, _",
    "stem.bias": "P0",
    "up.weight": "P1, P0",
    "up.bias": "P1",
    "down.weight": "P0, P1",
    "down.bias": "P0",
    "head.weight": "_, P0",
    "head.bias": "_",
  });
});

/** `[batch, time, heads · inner]` → `[batch, heads, time, inner]`. */
const heads = (b: GraphBuilder, x: string, count: number, inner: number): string =>
  b.operator("Transpose", [b.operator("Reshape", [x, b.constant([0, 0, count, inner])])], { perm: [0, 2, 1, 3] });

function attend(b: GraphBuilder, q: string, k: string, v: string, width: number): string {
  const scores = b.operator("MatMul", [q, b.operator("Transpose", [k], { perm: [0, 1, 3, 2] })]);
  const mixed = b.operator("MatMul", [b.operator("Softmax", [scores]), v]);
  const rows = b.operator("Reshape", [
    b.operator("Transpose", [mixed], { perm: [0, 2, 1, 3] }),
    b.constant([0, 0, width]),
  ]);
  return b.operator("MatMul", [rows, b.tensor("out", [width, 5])]);
}

test("heads move, and what is inside of each; queries and keys together", async () => {
  const side = await axesOf((b) => {
    const all = b.operator("MatMul", [b.input("x", [undefined, undefined, 7]), b.tensor("qkv", [7, 36])]);
    const [q, k, v] = b
      .operators("Split", [all, b.constant([12, 12, 12])], 3, { axis: 2 })
      .map((part) => heads(b, part, 3, 4));
    return attend(b, q!, k!, v!, 12);
  });
  assert.equal(side, { qkv: "_, 2*P1|P2", out: "P2, _" });
  const inside = await axesOf((b) => {
    const all = b.operator("MatMul", [b.input("x", [undefined, undefined, 7]), b.tensor("qkv", [7, 36])]);
    const [q, k, v] = b.operators("Split", [heads(b, all, 3, 12), b.constant([4, 4, 4])], 3, { axis: 3 });
    return attend(b, q!, k!, v!, 12);
  });
  assert.equal(inside, { qkv: "_, P0*(2*P1/P0|P2/P0)", out: "P2, _" });
});

test("groups of queries: their order, and one inner order for the group", async () => {
  const b = graphBuilder(createRng(1));
  const x = b.input("x", [2, 5, 7]);
  const project = (name: string, count: number): string =>
    heads(b, b.operator("MatMul", [x, b.tensor(name, [7, count * 3])]), count, 3);
  const repeated = (value: string): string => {
    const wide = b.operator("Expand", [b.operator("Unsqueeze", [value, b.constant([2])]), b.constant([2, 2, 2, 5, 3])]);
    return b.operator("Reshape", [wide, b.constant([2, 4, 5, 3])]);
  };
  const graph = b.build(attend(b, project("q", 4), repeated(project("k", 2)), repeated(project("v", 2)), 12));
  const { spec } = await inferSpec(graph, toModel(b.tensors));
  const texts = [...spec.tensors].map(([name, { axes }]) => `${name}: ${axes.map(formatAxis).join(", ")}`);
  assert.equal(texts, ["q: _, P0*P1/P0*P2/P0", "k: _, P2", "v: _, P3", "out: P0*P1/P0*P3/P0, _"]);
  assert.equal(spec.permutations.get("P1"), { outer: "P0", inner: 2 });
});

test("sizes that no axis tells are said, and written to files", async () => {
  const b = graphBuilder(createRng(1));
  const wide = b.operator("Conv", [b.input("x", [2, 3, 5, 5]), b.tensor("dw", [6, 1, 3, 3])], { group: 3 });
  const graph = b.build(b.operator("Conv", [b.operator("Relu", [wide]), b.tensor("pw", [4, 6, 1, 1])]));
  const model = toModel(b.tensors);
  const { spec } = await inferSpec(graph, model);
  assert.is(formatAxis(spec.tensors.get("pw")!.axes[1]!), "P0|P1|P2");
  assert.equal(
    [...spec.sizes!],
    [
      ["P0", 2],
      ["P1", 2],
    ],
  );
  const read = parseSpec(prettySpec(spec));
  assert.is(formatSpec(read), formatSpec(spec));
  assert.equal(
    resolveSpec(read, model.tensors).permutations.map(({ size }) => size),
    [2, 2, 2],
  );
  assert.throws(() => parseSpec({ format: "rebasin-spec/2", tensors: {}, sizes: { P0: 0 } }), /size of "P0" is 0/);
  assert.throws(() => parseSpec({ format: "rebasin-spec/1", tensors: {}, sizes: { P0: 2 } }), /sizes/);
});

test("what no output depends on asks for nothing", async () => {
  const axes = await axesOf((b) => {
    const hidden = b.operator("MatMul", [b.input("x", [2, 4]), b.tensor("w", [4, 6])]);
    b.operator("CumSum", [b.operator("Add", [hidden, b.tensor("unread", [6])]), b.constant([1], [])]);
    return b.operator("MatMul", [b.operator("Relu", [hidden]), b.tensor("out", [6, 3])]);
  });
  assert.equal(axes, { w: "_, P0", unread: "_", out: "P0, _" });
});

test("a slice from the middle: what is around it moves in runs", async () => {
  const axes = await axesOf((b) => {
    const hidden = b.operator("MatMul", [b.input("x", [2, 4]), b.tensor("w", [4, 9])]);
    const middle = b.operator("Slice", [hidden, b.constant([2]), b.constant([5]), b.constant([1])]);
    const whole = b.operator("MatMul", [b.operator("Tanh", [hidden]), b.tensor("out", [9, 3])]);
    return b.operator("Add", [whole, b.operator("MatMul", [middle, b.tensor("more", [3, 3])])]);
  });
  assert.equal(axes, { w: "_, P0|P1|P2", out: "P0|P1|P2, _", more: "P1, _" });
});

test("a cache that comes in keeps heads and what is inside of them in order", async () => {
  const b = graphBuilder(createRng(1));
  const x = b.input("x", [1, 1, 7]);
  const past = ["k", "v"].map((name) => b.input(`past_${name}`, [1, 3, undefined, 4]));
  const [q, k, v] = ["q", "k", "v"].map((name) => b.operator("MatMul", [x, b.tensor(name, [7, 12])]));
  const heads = { q_num_heads: 3, kv_num_heads: 3 };
  const [mixed, keys, values] = b.operators("Attention", [q!, k!, v!, "", ...past], 3, heads);
  const graph = b.build(b.operator("MatMul", [mixed!, b.tensor("out", [12, 5])]), keys!, values!);
  const { frozen } = await inferSpec(graph, toModel(b.tensors));
  const own = frozen.filter(({ axis, tensor }) => axis === (tensor === "out" ? 0 : 1));
  assert.equal(new Set(own.map(({ tensor }) => tensor)), new Set(["q", "k", "v", "out"]));
  for (const { reason } of own) assert.is(reason, "inputs keep their order");
});

test("weights packed in blocks of bits keep their order, and that is said", async () => {
  const b = graphBuilder(createRng(1));
  const hidden = b.operator("MatMul", [b.input("x", [2, 7]), b.tensor("w", [7, 32])]);
  const packed = [b.tensor("bits", [6, 1, 16]), b.tensor("scales", [6])];
  const made = b.operator("com.microsoft.MatMulNBits", [hidden, ...packed], { N: 6, K: 32, bits: 4, block_size: 32 });
  const graph = b.build(b.operator("MatMul", [b.operator("Relu", [made]), b.tensor("out", [6, 5])]));
  const { frozen } = await inferSpec(graph, toModel(b.tensors));
  const reasons = frozen.filter(({ tensor, axis }) => axis === 1 || tensor === "scales").map(({ reason }) => reason);
  assert.equal(new Set(reasons).has("com.microsoft.MatMulNBits packs its weights in blocks of bits"), true);
});

test("GPT-2 small: one stream, twelve blocks, in one pass over the graph", async () => {
  const b = graphBuilder(createRng(1));
  const { graph, tensors } = gpt2(b);
  const { spec } = await inferSpec(graph, { tensors });
  const texts = (name: string): string => spec.tensors.get(name)!.axes.map(formatAxis).join(", ");
  assert.is(texts("wte"), "_, P0");
  assert.match(texts("h.11.attn"), /^P0, 2\*(P\d+)\|P\d+$/);
  assert.match(texts("h.11.fc"), /^P0, P\d+$/);
});

test.run();
