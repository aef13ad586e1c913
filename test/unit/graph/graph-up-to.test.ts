/** The part of a graph that some values need: closed under reading, and nothing besides. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { describeGraph } from "../../../src/families/describe-graph.ts";
import { initialiseModel } from "../../../src/families/initialise.ts";
import { graphUpTo } from "../../../src/graph/graph-up-to.ts";

const test = suite("graph up to");

test("every value gets what it reads and no more, in the graph's order", async () => {
  const model = initialiseModel({ family: "resnet", norm: "batch", depth: 8, width: 2, channels: 1, classes: 2 }, 1);
  const graph = await describeGraph(model);
  for (const [at, { output }] of graph.operations.entries()) {
    const part = graphUpTo(graph, new Set([output]));
    assert.is(part.output, output);
    // By definition: grow the set until nothing is missing.
    const needed = new Set([output]);
    for (let size = 0; size < needed.size; ) {
      size = needed.size;
      for (const operation of graph.operations)
        if (needed.has(operation.output)) for (const input of operation.inputs) needed.add(input);
    }
    assert.equal(
      part.operations,
      graph.operations.slice(0, at + 1).filter((operation) => needed.has(operation.output)),
    );
  }
  const all = new Set(graph.operations.map(({ output }) => output));
  const { operations, output } = graphUpTo(graph, all);
  assert.equal([operations, output], [graph.operations, graph.output]);
});

test("unknown values and none are refused", async () => {
  const graph = await describeGraph(initialiseModel({ family: "mlp", widths: [4, 3, 2] }, 1));
  assert.throws(() => graphUpTo(graph, new Set(["input"])), /^value input is unknown/);
  assert.throws(() => graphUpTo(graph, new Set()), /^values are none/);
});

test.run();
