/** Graphs that are wrong, or large: a `SpecError`, in bounded time. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SpecError } from "../../../src/base/errors.ts";
import { createRng } from "../../../src/base/rng.ts";
import type { Operator, OperatorGraph } from "../../../src/graph/operators.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import { toModel } from "../../reference/networks.ts";
import { damagedGraph } from "../../reference/operators/damaged-graph.ts";
import { type GraphBuilder, graphBuilder } from "../../reference/operators/graph-builder.ts";
import { randomGraph } from "../../reference/operators/random-graph.ts";

const test = suite("infer: hostile graphs");

const operator = (
  kind: string,
  inputs: string[],
  outputs: string[],
  attributes: Operator["attributes"] = new Map(),
): Operator => ({
  kind,
  name: `${kind} ${outputs[0]}`,
  inputs,
  outputs,
  attributes,
});

const graphOf = (operators: Operator[], outputs: string[], more: Partial<OperatorGraph> = {}): OperatorGraph => ({
  inputs: [{ name: "x", shape: [2, 4] }],
  outputs,
  tensors: new Map(),
  constants: new Map(),
  operators,
  ...more,
});

async function refused(graph: OperatorGraph, message: RegExp): Promise<void> {
  try {
    await inferSpec(graph, { tensors: new Map() });
  } catch (error) {
    assert.ok(error instanceof SpecError, String(error));
    assert.match(error.message, message);
    return;
  }
  assert.unreachable("expected a SpecError");
}

test("circles, missing values, tensors and outputs, values that are made twice", async () => {
  await refused(
    graphOf([operator("Relu", ["b"], ["a"]), operator("Relu", ["a"], ["b"])], ["b"]),
    /reads b, expected a value/,
  );
  await refused(graphOf([operator("Add", ["x", "y"], ["a"])], ["a"]), /reads y, expected a value/);
  await refused(graphOf([], ["y"]), /outputs reads y/);
  await refused(graphOf([operator("Relu", ["x"], ["x"])], ["x"]), /value x is made twice/);
  await refused(
    graphOf([], ["x"], { tensors: new Map([["w", "weight"]]) }),
    /tensor weight, expected a model that has it/,
  );
  await refused(graphOf([operator("If", ["x"], ["a"])], ["a"]), /no body then_branch/);
});

test("sizes, axes and elements that do not fit", async () => {
  const constant = (values: number[], shape = [values.length]): Partial<OperatorGraph> => ({
    constants: new Map([["c", { dtype: "int", shape, values }]]),
  });
  await refused(graphOf([operator("Reshape", ["x", "c"], ["a"])], ["a"], constant([3, 3])), /as many elements/);
  await refused(
    graphOf([operator("Reshape", ["x", "c"], ["a"])], ["a"], constant([1, 2, 3], [2])),
    /constant c has 3 elements/,
  );
  await refused(
    graphOf([operator("Softmax", ["x"], ["a"], new Map([["axis", 5]]))], ["a"]),
    /has axis 5, expected one of 2/,
  );
  await refused(
    graphOf([operator("Transpose", ["x"], ["a"], new Map([["perm", [0, 0]]]))], ["a"]),
    /expected each axis once/,
  );
  await refused(
    graphOf([operator("Add", ["x", "y"], ["a"])], ["a"], {
      inputs: [
        { name: "x", shape: [2, 4] },
        { name: "y", shape: [2, 3] },
      ],
    }),
    /axes of 4 and 3/,
  );
  await refused(graphOf([operator("Gather", ["x", "c"], ["a"])], ["a"], constant([9])), /position 9 of an axis of 2/);
});

test("bodies nested too deep are refused", async () => {
  let body = graphOf([], ["x"], { inputs: [] });
  for (let depth = 0; depth < 200; depth++) {
    const inner = body;
    const bodies = new Map([
      ["then_branch", inner],
      ["else_branch", graphOf([], ["x"], { inputs: [] })],
    ]);
    body = graphOf([{ ...operator("If", ["x"], [`v${depth}`]), bodies }], [`v${depth}`], { inputs: [] });
  }
  await refused({ ...body, inputs: [{ name: "x", shape: [] }] }, /bodies 33 deep/);
});

test("an operator that nobody knows fixes what it reads, and says so", async () => {
  const b = graphBuilder(createRng(1));
  const hidden = b.operator("MatMul", [b.input("x", [2, 4]), b.tensor("w", [4, 6])]);
  const graph = b.build(b.operator("my.Mystery", [hidden]));
  const { frozen } = await inferSpec(graph, toModel(b.tensors));
  const [input, units] = frozen;
  assert.equal([input!.operator, input!.reason], ["input x", "inputs keep their order"]);
  assert.match(units!.reason, /my\.Mystery is no operator that inference knows/);
  assert.equal([units!.tensor, units!.axis, units!.from, units!.until], ["w", 1, 0, 6]);
});

test("a hundred thousand operators", async () => {
  const chain = (b: GraphBuilder): string => {
    let value = b.operator("MatMul", [b.input("x", [2, 4]), b.tensor("w", [4, 6])]);
    for (let at = 0; at < 50_000; at++) value = b.operator("Relu", [b.operator("Add", [value, value])]);
    return b.operator("MatMul", [value, b.tensor("v", [6, 3])]);
  };
  const b = graphBuilder(createRng(1));
  const { spec } = await inferSpec(b.build(chain(b)), toModel(b.tensors));
  assert.equal(spec.tensors.get("v")!.axes[0], [["P0"]]);
});

test("damaged graphs give a spec or a SpecError", async () => {
  for (let seed = 0; seed < 150; seed++) {
    const rng = createRng(seed);
    const { graph, tensors } = randomGraph(rng);
    try {
      await inferSpec(damagedGraph(graph, rng), toModel(tensors));
    } catch (error) {
      assert.ok(error instanceof SpecError, `graph ${seed}: ${error}`);
    }
  }
});

test.run();
