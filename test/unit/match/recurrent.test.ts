/** Recurrent matrices, which one permutation moves on both axes: specs from graphs, and steps that are quadratic in it. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import type { Spec } from "../../../src/axes/types.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng, type Rng } from "../../../src/base/rng.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import { toModel } from "../../reference/networks.ts";
import { referenceObjective } from "../../reference/objective.ts";
import { graphBuilder } from "../../reference/operators/graph-builder.ts";
import { plant } from "../../reference/plant.ts";

const test = suite("weight matching of recurrent networks");

const KINDS = [
  ["RNN", 1],
  ["GRU", 3],
  ["LSTM", 4],
] as const;

/** Two layers, the second in both directions, whose tensors share an axis: quadratic in two permutations. */
async function network(kind: string, gates: number, rng: Rng): Promise<{ spec: Spec; model: Model }> {
  const b = graphBuilder(rng);
  const [width, hidden] = [6, 7];
  const layer = (name: string, value: string, into: number, directions: number): string => {
    const weights = [
      b.tensor(`${name}.w`, [directions, gates * hidden, into]),
      b.tensor(`${name}.r`, [directions, gates * hidden, hidden]),
      b.tensor(`${name}.b`, [directions, 2 * gates * hidden]),
    ];
    const direction = directions === 1 ? "forward" : "bidirectional";
    const [steps] = b.operators(kind, [value, ...weights], 3, { hidden_size: hidden, direction });
    const rows = b.operator("Transpose", [steps!], { perm: [0, 2, 1, 3] });
    return b.operator("Reshape", [rows, b.constant([0, 0, -1])]);
  };
  const first = layer("one", b.input("x", [5, 2, width]), width, 1);
  const second = layer("two", first, hidden, 2);
  const graph = b.build(b.operator("MatMul", [second, b.tensor("out", [2 * hidden, 3])]));
  const model = toModel(b.tensors);
  return { spec: (await inferSpec(graph, model)).spec, model };
}

for (const [kind, gates] of KINDS) {
  test(`${kind}: planted permutations of the hidden units are recovered`, async () => {
    for (let seed = 0; seed < 4; seed++) {
      const rng = createRng(seed);
      const { spec, model } = await network(kind, gates, rng);
      assert.is(resolveSpec(spec, model.tensors).permutations.length, 2);
      const { b, answer } = await plant(spec, model, rng);
      for (const options of [{}, { method: "coordinate", restarts: 10 }] as const) {
        const { permutations } = await matchWeights(model, b, spec, options);
        assert.is(firstDifference(permutations, answer), null, `seed ${seed}`);
      }
    }
  });

  test(`${kind}: no step lowers the objective, and what is reported is what the tensors give`, async () => {
    for (let seed = 0; seed < 6; seed++) {
      const { spec, model: a } = await network(kind, gates, createRng(seed));
      const { model: b } = await network(kind, gates, createRng(100 + seed));
      for (const method of ["coordinate", "frank-wolfe"] as const) {
        let last = Number.NEGATIVE_INFINITY;
        const onProgress = ({ stage, objective: now }: { stage: string; objective?: number | undefined }): void => {
          if (now === undefined || stage !== "coordinate" || method !== "coordinate") return;
          assert.ok(now >= last - 1e-6 * Math.abs(now), `${method}, seed ${seed}: ${now} after ${last}`);
          last = now;
        };
        const { permutations, report } = await matchWeights(a, b, spec, { method, onProgress });
        assert.ok(report.objective >= report.identityObjective, `${method}, seed ${seed}`);
        const found = await referenceObjective(a, b, spec, permutations);
        assert.ok(
          Math.abs(found - report.objective) < 1e-5 * Math.abs(found),
          `${found}, reported ${report.objective}`,
        );
      }
    }
  });
}

test.run();
