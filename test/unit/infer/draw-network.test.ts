/** Drawings: a value carries a group exactly where renumbering the group renumbers the value. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { createRng } from "../../../src/base/rng.ts";
import { describeGraph } from "../../../src/families/describe-graph.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { asOperators } from "../../../src/graph/as-operators.ts";
import type { Operator, OperatorGraph } from "../../../src/graph/operators.ts";
import { drawNetwork } from "../../../src/infer/draw-network.ts";
import { concludeSpec } from "../../../src/infer/infer-spec.ts";
import { valueGroups } from "../../../src/infer/value-groups.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { fromModel, type Tensors, toModel } from "../../reference/networks.ts";
import { deviation, randomInput, valuesOf } from "../../reference/operators/graph-laws.ts";
import { randomGraph } from "../../reference/operators/random-graph.ts";

const test = suite("draw network");

/** Every unit of a group one slot further. */
const turned = (size: number, turns: boolean): Int32Array =>
  Int32Array.from({ length: size }, (_, at) => (turns ? (at + 1) % size : at));

test("values of random networks change with a group if they carry it, and only then", async () => {
  let [carried, changed] = [0, 0];
  for (let seed = 0; seed < 24; seed++) {
    const rng = createRng(seed);
    const network = randomGraph(rng, 5);
    const model = toModel(network.tensors);
    const conclusion = concludeSpec(network.graph, model);
    const resolved = resolveSpec(conclusion.spec, model.tensors);
    const groupsOf = valueGroups(conclusion, resolved, (tensor) => ({ tensor }));
    const input = randomInput(network.input, rng);
    const values = network.graph.operators.flatMap(({ outputs }) => outputs).filter((name) => name !== "");
    const before = valuesOf(network, network.tensors, input, values);
    for (const [index, { name, size, outer }] of resolved.permutations.entries()) {
      if (size < 2 || outer >= 0 || resolved.permutations.some((each) => each.outer === index)) continue;
      const order = new Map(resolved.permutations.map((each) => [each.name, turned(each.size, each.name === name)]));
      const moved: Tensors = await fromModel(await applyPermutations(model, conclusion.spec, order));
      const after = valuesOf(network, moved, input, values);
      for (const [at, value] of values.entries()) {
        const off = deviation(before[at]!, after[at]!);
        const where = `graph ${seed} (${network.parts.join(", ")}), ${value}, ${name}`;
        const isCarried = groupsOf(value).includes(index);
        if (off > 1e-7) assert.ok(isCarried, `${where} changes it`);
        // Units that all have one value, such as padding, carry a group and show no change.
        if (isCarried) carried++;
        if (off > 1e-7) changed++;
      }
    }
  }
  assert.ok(changed > 100 && changed > 0.9 * carried, `${changed} of ${carried} values changed`);
});

const tensors: Tensors = new Map(
  [
    ["layers.0.weight", [6, 4]],
    ["layers.0.bias", [6]],
    ["layers.1.weight", [5, 6]],
    ["layers.1.bias", [5]],
    ["layers.2.weight", [3, 5]],
  ].map(([name, shape]) => {
    const count = (shape as number[]).reduce((product, size) => product * size, 1);
    return [name as string, { shape: shape as number[], data: Float32Array.from({ length: count }, (_, i) => i) }];
  }),
);

test("a family's network: boxes of what follows each other, tensors with their axes, the spec's names", async () => {
  const model = toModel(tensors);
  const spec = await detectSpec(model);
  const drawing = await drawNetwork({ graph: asOperators(await describeGraph(model)), file: model, spec });
  assert.equal(
    drawing.boxes.map(({ kinds, groups }) => [kinds.join(), groups.map((at) => drawing.groups[at]!.name).join()]),
    [
      ["input", ""],
      ["Transpose,Flatten", ""],
      ["Gemm,Relu", "P0"],
      ["Gemm,Relu", "P1"],
      ["Gemm", ""],
      ["output", ""],
    ],
  );
  assert.equal(drawing.boxes[3]!.tensors, [
    { name: "layers.1.weight", axes: "[P1, P0]" },
    { name: "layers.1.bias", axes: "[P1]" },
  ]);
  assert.equal(
    drawing.arrows.map(({ from, to, groups }) => [from, to, ...groups]),
    [
      [0, 1],
      [1, 2],
      [2, 3, 0],
      [3, 4, 1],
      [4, 5],
    ],
  );
  assert.equal(drawing.groups[0], { name: "P0", size: 6, role: undefined, inside: undefined, tensors: 3 });
  assert.is(drawing.hidden, 0);
});

test("a spec that moves less draws less", async () => {
  const model = toModel(tensors);
  const graph = asOperators(await describeGraph(model));
  const spec = await detectSpec(model);
  const fewer = new Map([...spec.tensors].filter(([name]) => !name.startsWith("layers.2") && name !== "layers.1.bias"));
  fewer.set("layers.1.weight", { axes: [[["_"]], [["P0"]]], votes: true });
  const { arrows } = await drawNetwork({ graph, file: model, spec: { ...spec, tensors: fewer, rest: "fixed" } });
  assert.equal(
    arrows.map(({ groups }) => groups.length),
    [0, 0, 1, 0, 0],
  );
});

test("tensors of another file by their links, in its order of axes", async () => {
  const model = toModel(tensors);
  const turnedOver: Tensors = new Map(
    [...tensors].map(([name, { shape, data }]) => [`net.${name}`, { shape: [...shape].reverse(), data }]),
  );
  const other = toModel(turnedOver);
  const axes = (names: readonly string[]) => names.map((name) => [[name]]);
  const spec = {
    tensors: new Map([
      ["net.layers.0.weight", { axes: axes(["_", "hidden"]), votes: true }],
      ["net.layers.0.bias", { axes: axes(["hidden"]), votes: true }],
      ["net.layers.1.weight", { axes: axes(["hidden", "second"]), votes: true }],
      ["net.layers.1.bias", { axes: axes(["second"]), votes: true }],
      ["net.layers.2.weight", { axes: axes(["second", "_"]), votes: true }],
    ]),
    permutations: new Map(),
    rest: "refused" as const,
  };
  const links = [...tensors].map(([graph, { shape }]) => ({
    graph,
    tensor: `net.${graph}`,
    order: shape.length === 2 ? [1, 0] : undefined,
  }));
  const graph = asOperators(await describeGraph(model));
  const { boxes, groups } = await drawNetwork({ graph, file: model, model: other, spec, links });
  assert.equal(
    boxes.map((box) => box.groups.map((at) => groups[at]!.name).join()),
    ["", "", "hidden", "second", "", ""],
  );
  assert.is(boxes[3]!.tensors[0]!.axes, "[hidden, second]");
});

/** A graph of operators on an input `x`. */
function graphOf(operators: readonly (readonly [kind: string, inputs: string, output: string])[]): OperatorGraph {
  return {
    inputs: [{ name: "x", shape: [1, 4] }],
    outputs: [operators.at(-1)![2]],
    tensors: new Map([["w", "layers.0.weight"]]),
    constants: new Map([["two", { dtype: "float", shape: [], values: [2] }]]),
    operators: operators.map(
      ([kind, inputs, output]): Operator => ({
        ...{ kind, name: `the ${kind}`, inputs: inputs.split(" "), outputs: [output], attributes: new Map() },
      }),
    ),
  };
}

test("sizes and turned tensors are in no box; what reads the latter names the tensor", async () => {
  const graph = graphOf([
    ["Transpose", "w", "turned"],
    ["Shape", "x", "size"],
    ["MatMul", "x turned", "y"],
    ["Mul", "y two", "z"],
  ]);
  const { boxes, hidden } = await drawNetwork({ graph, file: toModel(new Map([...tensors].slice(0, 1))) });
  assert.equal(
    boxes.map(({ kinds }) => kinds.join()),
    ["input", "MatMul,Mul", "output"],
  );
  assert.is(boxes[1]!.tensors[0]!.name, "layers.0.weight");
  assert.is(hidden, 2);
});

test("bodies are drawn, and lead to the operator that they belong to", async () => {
  const body = (kind: string, name: string): OperatorGraph => ({
    ...{ inputs: [], outputs: [name], tensors: new Map(), constants: new Map() },
    operators: [{ kind, name, inputs: ["x"], outputs: [name], attributes: new Map() }],
  });
  const graph = graphOf([["If", "c", "y"]]);
  const bodies = new Map([
    ["then_branch", body("Relu", "a")],
    ["else_branch", body("Tanh", "b")],
  ]);
  const operators = [{ ...graph.operators[0]!, bodies }];
  const inputs = [...graph.inputs, { name: "c", shape: [] }];
  const drawing = await drawNetwork({
    graph: { ...graph, inputs, operators, tensors: new Map() },
    file: toModel(new Map()),
  });
  assert.equal(
    drawing.boxes.map(({ kinds }) => kinds.join()),
    ["input", "input", "Relu", "Tanh", "If", "output"],
  );
  assert.equal(
    drawing.arrows.map(({ from, to }) => [from, to]),
    [
      [0, 2],
      [0, 3],
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 5],
    ],
  );
});

test.run();
