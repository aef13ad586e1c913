import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAxis } from "../../../src/axes/axis.ts";
import type { Spec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { memoryModel, type TensorData } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { compareNaturally } from "../../../src/base/natural-order.ts";
import { createRng } from "../../../src/base/rng.ts";
import { linkedSpec } from "../../../src/link/graph-spec.ts";
import { linkTensors } from "../../../src/link/link-tensors.ts";
import { ordersOf } from "../../../src/link/tensor-content.ts";
import { rejects } from "../../reference/expect-error.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("tensors of a graph's file linked to a checkpoint's");

interface Numbers {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const size = (shape: readonly number[]): number => shape.reduce((product, each) => product * each, 1);
const numbers = (seed: number, ...shape: readonly number[]): Numbers => ({
  shape,
  values: gaussianArray(size(shape), createRng(seed)),
});

/** By the definition, element by element: axis i of the result is axis `order[i]`. */
function turned({ shape, values }: Numbers, order: readonly number[]): Numbers {
  const other = order.map((at) => shape[at]!);
  const result = new Float32Array(values.length);
  for (let flat = 0; flat < values.length; flat++) {
    const index: number[] = [];
    for (let axis = other.length - 1, rest = flat; axis >= 0; axis--) {
      index[order[axis]!] = rest % other[axis]!;
      rest = Math.floor(rest / other[axis]!);
    }
    result[flat] = values[shape.reduce((at, each, axis) => at * each + index[axis]!, 0)]!;
  }
  return { shape: other, values: result };
}

function model(name: string, tensors: Readonly<Record<string, Numbers>>): Model {
  const entries = Object.entries(tensors).map(([key, { shape, values }]): [string, TensorData] => [
    key,
    { dtype: "F32", shape, data: new Uint8Array(values.buffer) },
  ]);
  return memoryModel(new Map(entries), { name });
}

const [W, B, K] = [numbers(1, 3, 4), numbers(2, 3), numbers(3, 2, 3, 4, 4)];

test("by name, also behind words that one side has before all of its names", async () => {
  const names = { "fc.weight": W, "fc.bias": B };
  const prefixed = { "model.fc.weight": W, "model.fc.bias": B };
  for (const [file, other] of [
    [names, names],
    [prefixed, names],
    [names, prefixed],
  ]) {
    const { links, left, graphLeft } = await linkTensors(model("g", file!), model("m", other!));
    assert.equal([...left, ...graphLeft], []);
    assert.equal(
      links.map(({ tensor, by, order }) => [tensor, by, order]),
      Object.keys(other!).map((name) => [name, "name", undefined]),
    );
  }
});

test("by content, whatever the order of axes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 0, max: 23 }),
      fc.integer({ min: 0, max: 2 ** 31 }),
      async (shape, which, seed) => {
        fc.pre(size(shape) > 1);
        const orders = ordersOf(shape.length);
        const order = orders[which % orders.length]!;
        const own = numbers(seed, ...shape);
        const file = model("g", { "onnx::MatMul_1": turned(own, order), "fc.bias": B });
        const { links } = await linkTensors(file, model("m", { "fc.weight": own, "fc.bias": B }));
        const found = links.find(({ graph }) => graph === "onnx::MatMul_1")!;
        assert.is(found.tensor, "fc.weight");
        assert.is(found.by, "content");
        assert.equal([...turned(own, found.order ?? [...shape.keys()]).values], [...turned(own, order).values]);
      },
    ),
    { numRuns: 200 },
  );
});

test("a tensor that the exporter has copied is one tensor; of two with the same numbers none is chosen", async () => {
  const file = model("g", { "embed.weight": W, "onnx::MatMul_2": turned(W, [1, 0]) });
  const { links, graphLeft } = await linkTensors(file, model("m", { "embed.weight": W }));
  assert.equal(graphLeft, []);
  assert.equal(
    links.map(({ tensor, by }) => `${tensor} ${by}`),
    ["embed.weight name", "embed.weight content"],
  );
  const twins = await linkTensors(model("g", { a: W, z: numbers(8, 2, 2) }), model("m", { b: W, c: W }));
  assert.equal(twins.links, []);
});

test("of tensors with the same bytes an exporter keeps one: the others are its copies", async () => {
  const { links, left } = await linkTensors(
    model("g", { "a.bias": B, w: W }),
    model("m", { "a.bias": B, "b.bias": B, w: W }),
  );
  assert.equal(left, []);
  assert.equal(
    links.filter(({ graph }) => graph === "a.bias").map(({ tensor, by }) => `${tensor} ${by}`),
    ["a.bias name", "b.bias content"],
  );
  const open = await linkTensors(model("g", { "a.bias": B, c: B }), model("m", { "a.bias": B, c: B, "b.bias": B }));
  assert.equal(open.left, ["b.bias"]);
});

test("by shape and order: where as many are left, in the order of their names, and sides differ", async () => {
  const other = (seed: number): Numbers => numbers(seed, 3, 4);
  const file = model("g", { x1: turned(other(21), [1, 0]), x2: turned(other(22), [1, 0]) });
  const fits = await linkTensors(file, model("m", { "l.2.w": other(31), "l.10.w": other(32) }));
  assert.equal(
    fits.links.map(({ graph, tensor, by, order }) => [graph, tensor, by, order]),
    [
      ["x1", "l.2.w", "shape", [1, 0]],
      ["x2", "l.10.w", "shape", [1, 0]],
    ],
  );
  const sorted = await linkTensors(file, model("m", { "l.10.w": other(31), "l.2.w": other(32) }));
  assert.equal(sorted.links, []);
  const more = await linkTensors(file, model("m", { a: other(31), b: other(32), c: other(33) }));
  assert.equal(more.links, []);
  const square = await linkTensors(model("g", { x: numbers(5, 3, 3) }), model("m", { a: numbers(6, 3, 3) }));
  assert.equal(square.links, []);
});

const spec = (tensors: Readonly<Record<string, readonly string[]>>): Spec => ({
  tensors: new Map(Object.entries(tensors).map(([name, axes]) => [name, { axes: axes.map(parseAxis), votes: true }])),
  permutations: new Map(),
  rest: "fixed",
  basis: "graph",
});

test("the spec goes through the links, with axes in the checkpoint's order", async () => {
  const file = model("g", { k: turned(K, [3, 2, 0, 1]), b: B });
  const { spec: found } = await linkedSpec(
    file,
    spec({ k: ["H", "_", "O", "I"], b: ["P0"] }),
    model("m", { b: B, kernel: K }),
  );
  assert.equal(
    [...found.tensors].map(([name, { axes }]) => [name, axes.flat(2)]),
    [
      ["b", ["P0"]],
      ["kernel", ["O", "I", "_", "H"]],
    ],
  );
  assert.match(found.why!, /tensors linked: 1 by name, 1 by content/);
});

test("what is left is refused: tensors that move, and floats that the graph does not know", async () => {
  const wants = spec({ w: ["P0", "_"] });
  await rejects(
    () => linkedSpec(model("g.onnx", { w: W }), wants, model("m", { v: B })),
    SpecError,
    /^g\.onnx has tensors that m does not have, by name, content or shape: w, expected .*do_constant_folding=False/,
  );
  await rejects(
    () => linkedSpec(model("g.onnx", { w: W }), wants, model("m", { w: W, "bn.running_mean": B })),
    SpecError,
    /^m has tensors that the graph of g\.onnx does not have: bn\.running_mean, expected all/,
  );
});

test("a constant that only the graph has may move if its numbers are equal: the first state of an LSTM", async () => {
  const zeros = { shape: [1, 1, 3], values: new Float32Array(3) };
  const wants = spec({ h0: ["_", "_", "P0"], w: ["P0", "_"] });
  const { spec: found } = await linkedSpec(model("g", { h0: zeros, w: W }), wants, model("m", { w: W }));
  assert.equal([...found.tensors.keys()], ["w"]);
  const other = { shape: [1, 1, 3], values: new Float32Array([0, 0, 1]) };
  await rejects(
    () => linkedSpec(model("g", { h0: other, w: W }), wants, model("m", { w: W })),
    SpecError,
    /^g has tensors that m does not have, by name, content or shape: h0, expected /,
  );
});

test("names in the order in which people count", () => {
  const names = ["a.10.w", "a.9.w", "a", "a.9.b", "b", "a.1"];
  assert.equal(names.sort(compareNaturally), ["a", "a.1", "a.9.b", "a.9.w", "a.10.w", "b"]);
});

test.run();
