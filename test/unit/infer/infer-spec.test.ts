/** The spec that a graph says, on small networks whose spec is known. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../../src/axes/axis.ts";
import { createRng } from "../../../src/base/rng.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import { toModel } from "../../reference/networks.ts";
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

test.run();
