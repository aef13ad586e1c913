/** Matching beyond chains: nested permutations, concatenation, a permutation on two axes, three in one tensor. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import { createRng } from "../../../src/base/rng.ts";
import { type MatchOptions, matchWeights } from "../../../src/match/match-weights.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import { toModel } from "../../reference/networks.ts";
import { plant } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("weight matching of structures");

test("planted permutations are recovered where one is nested in another (heads and the units inside them)", async () => {
  const [heads, inner, width] = [4, 5, 16];
  const spec = parseSpec({
    format: "rebasin-spec/1",
    tensors: {
      q: { axes: [`H*${inner}`, "D"] },
      k: { axes: [`H*${inner}`, "D"] },
      v: { axes: ["V", "D"] },
      o: { axes: ["D", "V"] },
      embed: { axes: ["7", "D"] },
    },
    permutations: { V: { outer: "H", inner } },
  });
  for (let seed = 0; seed < 10; seed++) {
    const rng = createRng(seed);
    const shapes = {
      q: [heads * inner, width],
      k: [heads * inner, width],
      v: [heads * inner, width],
      o: [width, heads * inner],
      embed: [7, width],
    };
    const a = toModel(
      new Map(
        Object.entries(shapes).map(([name, shape]) => [
          name,
          { shape, data: gaussianArray(shape[0]! * shape[1]!, rng) },
        ]),
      ),
    );
    const { b, answer } = await plant(spec, a, rng);
    for (const options of [{}, { method: "coordinate", restarts: 10 }] satisfies MatchOptions[]) {
      const { permutations } = await matchWeights(a, b, spec, options);
      assert.is(firstDifference(permutations, answer), null, `seed ${seed}`);
    }
  }
});

test("planted permutations of concatenations, a recurrent matrix and a grouped convolution are recovered", async () => {
  const cases = {
    concat: { one: ["P", "6"], two: ["Q", "6"], join: ["R", "P|Q|3"], end: ["4", "R"] },
    recurrent: { in: ["4*C", "9"], hidden: ["4*C", "C"], out: ["5", "C"] },
    // A product of two names says not which size is which: the gate does.
    grouped: { before: ["I", "9"], grouped: ["G*O", "I", "9"], bias: ["G*O"], after: ["6", "G*O"], gate: ["G", "5"] },
  };
  const sizes: Record<string, number> = { P: 10, Q: 8, R: 12, C: 9, I: 8, G: 3, O: 6 };
  const length = (axis: string): number =>
    axis
      .split("|")
      .reduce(
        (sum, segment) =>
          sum + segment.split("*").reduce((product, factor) => product * (sizes[factor] ?? Number(factor)), 1),
        0,
      );
  for (const [name, lists] of Object.entries(cases)) {
    const spec = parseSpec({
      format: "rebasin-spec/1",
      tensors: Object.fromEntries(Object.entries(lists).map(([tensor, list]) => [tensor, { axes: list }])),
    });
    for (let seed = 0; seed < 5; seed++) {
      const rng = createRng(seed);
      const tensors = new Map(
        Object.entries(lists).map(([tensor, list]) => {
          const shape = list.map(length);
          return [
            tensor,
            {
              shape,
              data: gaussianArray(
                shape.reduce((x, y) => x * y, 1),
                rng,
              ),
            },
          ];
        }),
      );
      const a = toModel(tensors);
      const { b, answer } = await plant(spec, a, rng);
      const { permutations, report } = await matchWeights(a, b, spec);
      assert.is(firstDifference(permutations, answer), null, `${name}, seed ${seed}`);
      assert.equal(report.held, name === "grouped" ? ["grouped"] : []);
    }
  }
});

test.run();
