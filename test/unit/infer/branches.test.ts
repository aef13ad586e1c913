/** Branches: one course of the network for each, where their values have different shapes. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../../src/axes/axis.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { createRng } from "../../../src/base/rng.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import { rejects } from "../../reference/expect-error.ts";
import { toModel } from "../../reference/networks.ts";
import { type GraphBuilder, graphBuilder } from "../../reference/operators/graph-builder.ts";

const test = suite("infer: branches");

async function axesOf(make: (b: GraphBuilder) => string): Promise<Record<string, string>> {
  const b = graphBuilder(createRng(1));
  const graph = b.build(make(b));
  const { spec } = await inferSpec(graph, toModel(b.tensors));
  return Object.fromEntries([...spec.tensors].map(([name, { axes }]) => [name, axes.map(formatAxis).join(", ")]));
}

const arms = (b: GraphBuilder, yes: (inside: GraphBuilder) => string, no: (inside: GraphBuilder) => string) =>
  new Map([
    ["then_branch", b.body([], (inside) => [yes(inside)])],
    ["else_branch", b.body([], (inside) => [no(inside)])],
  ]);

/** What PyTorch writes for `squeeze(axis)` where the size is not known. */
function squeezed(b: GraphBuilder, value: string, axis: number): string {
  const size = b.operator("Gather", [b.operator("Shape", [value]), b.constant([axis], [])]);
  const isOne = b.operator("Equal", [size, b.constant([1], [])]);
  const bodies = arms(
    b,
    (inside) => inside.operator("Squeeze", [value, inside.constant([axis])]),
    (inside) => inside.operator("Identity", [value]),
  );
  return b.operator("If", [isOne], {}, bodies);
}

/** What PyTorch writes for an `LSTMCell`, which takes one row or a batch of them. */
function cell(b: GraphBuilder, value: string): string {
  const rank = b.operator("Size", [b.operator("Shape", [value])]);
  const isRow = b.operator("Not", [b.operator("Equal", [rank, b.constant([2], [])])]);
  const bodies = arms(
    b,
    (inside) => inside.operator("Unsqueeze", [value, inside.constant([0])]),
    (inside) => inside.operator("Identity", [value]),
  );
  const rows = b.operator("If", [b.operator("Cast", [isRow], { to: 9 })], {}, bodies);
  const steps = b.operator("Unsqueeze", [rows, b.constant([0])]);
  const weights = [b.tensor("w", [1, 20, 6]), b.tensor("r", [1, 20, 5])];
  const [, last] = b.operators("LSTM", [steps, ...weights], 3, { hidden_size: 5 });
  return b.operator("Squeeze", [last!, b.constant([0])]);
}

test("a batch of unknown size that is squeezed where it is 1: the units behind it move", async () => {
  const axes = await axesOf((b) => {
    const x = b.input("x", [undefined, 4, undefined]);
    const made = b.operator("Relu", [b.operator("Conv", [x, b.tensor("conv", [6, 4, 3])])]);
    return b.operator("MatMul", [cell(b, squeezed(b, made, 2)), b.tensor("out", [5, 3])]);
  });
  assert.equal(axes, { conv: "P0, _, _", w: "_, 4*P1, P0", r: "_, 4*P1, P1", out: "P1, _" });
});

test("a course that fails in every runtime is never taken; where all do, the graph is refused", async () => {
  const unfit = (b: GraphBuilder): string => {
    const rows = b.operator("MatMul", [b.input("x", [undefined, 4]), b.tensor("rows", [4, 6])]);
    return cell(b, b.operator("Unsqueeze", [rows, b.constant([0, 1])]));
  };
  const b = graphBuilder(createRng(1));
  const graph = b.build(unfit(b));
  await rejects(() => inferSpec(graph, toModel(b.tensors)), SpecError, /LSTM.* rank 6, expected 3/);
});

test("a branch that never runs asks for nothing", async () => {
  const axes = await axesOf((b) => {
    const made = b.operator("MatMul", [b.input("x", [7, 4]), b.tensor("w", [4, 6])]);
    const size = b.operator("Gather", [b.operator("Shape", [made]), b.constant([0], [])]);
    const bodies = arms(
      b,
      (inside) => inside.operator("CumSum", [made, inside.constant([1], [])]),
      (inside) => inside.operator("Relu", [made]),
    );
    const either = b.operator("If", [b.operator("Equal", [size, b.constant([1], [])])], {}, bodies);
    return b.operator("MatMul", [either, b.tensor("out", [6, 3])]);
  });
  assert.equal(axes, { w: "_, P0", out: "P0, _" });
});

test("quotients of floats are not cut to whole numbers", async () => {
  const axes = await axesOf((b) => {
    const made = b.operator("MatMul", [b.input("x", [2, 5]), b.tensor("w", [5, 6])]);
    const size = b.operator("Cast", [b.operator("Gather", [b.operator("Shape", ["x"]), b.constant([1], [])])], {
      to: 1,
    });
    const half = b.operator("Ceil", [b.operator("Div", [size, b.constant([2], [], "float")])]);
    const end = b.operator("Unsqueeze", [b.operator("Cast", [half], { to: 7 }), b.constant([0])]);
    const front = b.operator("Slice", [made, b.constant([0]), end, b.constant([1])]);
    return b.operator("MatMul", [front, b.tensor("out", [3, 4])]);
  });
  assert.equal(axes, { w: "_, P0|3", out: "P0, _" });
});

test("steps of a loop choose for themselves: both branches count", async () => {
  const axes = await axesOf((b) => {
    const made = b.operator("MatMul", [b.input("x", [7, 4]), b.tensor("w", [4, 6])]);
    const body = b.body(
      [
        { name: "step", shape: [] },
        { name: "go", shape: [] },
        { name: "v", shape: [7, 6] },
      ],
      (inside) => {
        const isFirst = inside.operator("Equal", [inside.operator("Size", ["v"]), inside.constant([42], [])]);
        const bodies = arms(
          inside,
          (own) => own.operator("Relu", ["v"]),
          (own) => own.operator("CumSum", ["v", own.constant([1], [])]),
        );
        return ["go", inside.operator("If", [isFirst], {}, bodies)];
      },
    );
    const looped = b.operator(
      "Loop",
      [b.constant([3], []), b.constant([1], [], "bool"), made],
      {},
      new Map([["body", body]]),
    );
    return b.operator("MatMul", [looped, b.tensor("out", [6, 3])]);
  });
  assert.equal(axes, { w: "_, _", out: "_, _" });
});

test("a tensor that is a branch's own value is read", async () => {
  const axes = await axesOf((b) => {
    const hidden = b.operator("MatMul", [b.input("x", [2, 4]), b.tensor("w", [4, 6])]);
    const which = b.operator("Greater", [
      b.operator("ReduceSum", ["x"], { keepdims: 0 }),
      b.constant([0], [], "float"),
    ]);
    const bias = b.operator(
      "If",
      [which],
      {},
      arms(
        b,
        (own) => own.tensor("yes", [6]),
        (own) => own.tensor("no", [6]),
      ),
    );
    return b.operator("MatMul", [b.operator("Tanh", [b.operator("Add", [hidden, bias])]), b.tensor("out", [6, 3])]);
  });
  assert.equal(axes, { w: "_, P0", yes: "P0", no: "P0", out: "P0, _" });
});

test("more branches than courses: units keep their places, and the answer comes", async () => {
  const axes = await axesOf((b) => {
    let value = b.operator("MatMul", [b.input("x", [undefined, 4]), b.tensor("w", [4, 6])]);
    for (let at = 0; at < 40; at++) {
      const which = b.operator("Greater", [
        b.operator("ReduceSum", ["x"], { keepdims: 0 }),
        b.constant([at], [], "float"),
      ]);
      const before = value;
      const either = b.operator(
        "If",
        [which],
        {},
        arms(
          b,
          (own) => own.operator("Unsqueeze", [before, own.constant([0])]),
          (own) => own.operator("Relu", [before]),
        ),
      );
      value = b.operator("Reshape", [either, b.constant([-1, 6])]);
    }
    return b.operator("MatMul", [value, b.tensor("out", [6, 3])]);
  });
  assert.equal(axes, { w: "_, _", out: "_, _" });
});

test.run();
