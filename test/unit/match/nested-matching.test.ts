import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { Spec } from "../../../src/axes/types.ts";
import { createRng, type Rng } from "../../../src/base/rng.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import { listFibres } from "../../../src/match/costs/fibres.ts";
import { groupsOf } from "../../../src/match/costs/problem.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { nestedCode } from "../../../src/match/nested.ts";
import { assignGroup } from "../../../src/match/solve/assign-group.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { fromModel, toModel } from "../../reference/networks.ts";
import { referenceObjective } from "../../reference/objective.ts";
import { plant } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("matching of nested permutations");

/** Tensors of every kind of nesting there is, and their shapes. */
const CASES: Record<string, { spec: object; shapes: Record<string, number[]> }> = {
  "grouped queries": {
    spec: {
      tensors: {
        in: { axes: ["R", "_"] },
        q: { axes: ["H*3", "R"] },
        k: { axes: ["G*3", "R"] },
        v: { axes: ["V", "R"] },
        o: { axes: ["R", "G*H/G*V/G"] },
      },
      permutations: { H: { outer: "G", inner: 4 }, V: { outer: "G", inner: 3 } },
    },
    shapes: { in: [10, 7], q: [24, 10], k: [6, 10], v: [6, 10], o: [10, 24] },
  },
  "grouped queries whose units are free on both sides": {
    spec: {
      tensors: {
        q: { axes: ["G*H/G*K/G", "R"] },
        k: { axes: ["K", "R"] },
        v: { axes: ["V", "R"] },
        o: { axes: ["R", "G*H/G*V/G"] },
        out: { axes: ["_", "R"] },
      },
      permutations: { H: { outer: "G", inner: 2 }, V: { outer: "G", inner: 3 }, K: { outer: "G", inner: 3 } },
    },
    shapes: { q: [18, 10], k: [9, 10], v: [9, 10], o: [10, 18], out: [5, 10] },
  },
  "three levels and a concatenation inside heads": {
    spec: {
      tensors: { fused: { axes: ["H*(2|V/H|2)", "_"] }, deep: { axes: ["V", "_"] }, heads: { axes: ["G", "_"] } },
      permutations: { H: { outer: "G", inner: 3 }, V: { outer: "H", inner: 4 } },
    },
    shapes: { fused: [48, 6], deep: [24, 5], heads: [2, 3] },
  },
  "experts by name and stacked": {
    spec: {
      tensors: {
        router: { axes: ["E", "R"] },
        ...Object.fromEntries(
          [0, 1, 2].flatMap((at) => [
            [`${at}.up`, { axes: ["F/E", "R"], slice: { of: "E", at, series: "up" } }],
            [`${at}.down`, { axes: ["R", "F/E"], slice: { of: "E", at, series: "down" } }],
          ]),
        ),
        stacked: { axes: ["E", "R", "2*F/E"] },
        out: { axes: ["_", "R"] },
      },
      permutations: { F: { outer: "E", inner: 5 } },
    },
    shapes: {
      ...{ router: [3, 8], stacked: [3, 8, 10], out: [4, 8] },
      ...Object.fromEntries(
        [0, 1, 2].flatMap((at) => [
          [`${at}.up`, [5, 8]],
          [`${at}.down`, [8, 5]],
        ]),
      ),
    },
  },
};

function instance(name: string, rng: Rng): { spec: Spec; a: ReturnType<typeof toModel> } {
  const { spec, shapes } = CASES[name]!;
  const tensors = Object.entries(shapes).map(
    ([tensor, shape]) =>
      [
        tensor,
        {
          shape,
          data: gaussianArray(
            shape.reduce((x, y) => x * y),
            rng,
          ),
        },
      ] as const,
  );
  return { spec: parseSpec({ format: "rebasin-spec/2", ...spec }), a: toModel(new Map(tensors)) };
}

for (const name of Object.keys(CASES)) {
  for (const method of ["frank-wolfe", "coordinate"] as const)
    test(`planted permutations are found: ${name}, ${method}`, async () => {
      for (let seed = 0; seed < 20; seed++) {
        const rng = createRng(seed);
        const { spec, a } = instance(name, rng);
        const { b, answer } = await plant(spec, a, rng);
        const options = method === "coordinate" ? { method, restarts: 20 } : {};
        const { permutations } = await matchWeights(a, b, spec, options);
        for (const [each, order] of answer) assert.equal(permutations.get(each), order, `${each} of seed ${seed}`);
      }
    });

  test(`the objective is that of the applied permutations: ${name}`, async () => {
    const rng = createRng(11);
    const { spec, a } = instance(name, rng);
    const { a: b } = instance(name, rng);
    const { permutations, report } = await matchWeights(a, b, spec);
    const [ofA, ofB] = [await fromModel(a), await fromModel(await applyPermutations(b, spec, permutations))];
    let sum = 0;
    for (const [tensor, { data }] of ofA)
      data.forEach((value, at) => {
        sum += value * ofB.get(tensor)!.data[at]!;
      });
    assert.ok(Math.abs(report.objective - sum) <= 1e-6 * Math.abs(sum), `${report.objective} and ${sum}`);
    assert.ok(report.objective > report.identityObjective);
  });
}

/** Every order of 0 … n−1. */
function allOrders(n: number): number[][] {
  if (n === 0) return [[]];
  return allOrders(n - 1).flatMap((order) => Array.from({ length: n }, (_, at) => order.toSpliced(at, 0, n - 1)));
}

test("an assignment over three levels and a fibre is the best there is", () => {
  const nest = (outer: number, inner: number, size: number, name: string) => ({
    name,
    size,
    outer,
    inner,
    tensors: [],
  });
  const list = listFibres([nest(-1, 1, 2, "G"), nest(0, 2, 4, "H"), nest(0, 2, 4, "V"), nest(1, 2, 8, "U")]);
  list.number(0, [1, 2]);
  const { permutations, fibres } = list;
  const kernels = createKernels();
  const { arena, wasm } = kernels;
  for (let seed = 0; seed < 20; seed++) {
    const mark = arena.mark();
    const rng = createRng(seed);
    const matrices = permutations.map(({ size }) => gaussianArray(size * size, rng));
    const costs = matrices.map((matrix) => {
      const at = arena.allocate(4 * matrix.length);
      kernels.f32(at, matrix.length).set(matrix);
      return at;
    });
    const areas = {
      assignWork: arena.allocate(wasm.assignWork(8, 8) >>> 0),
      assigned: arena.allocate(4 * 8),
      rowDuals: arena.allocate(8 * 8),
      columnDuals: arena.allocate(8 * 8),
    };
    const [group] = groupsOf(permutations);
    const found = assignGroup(
      { ...areas, kernels, problem: { permutations, fibres, nested: nestedCode } },
      group!,
      costs,
    );
    const worth = (p: number, order: ArrayLike<number>): number => {
      let sum = 0;
      for (let i = 0; i < order.length; i++) sum += matrices[p]![i * order.length + order[i]!]!;
      return sum;
    };
    let best = Number.NEGATIVE_INFINITY;
    const pairs = allOrders(2);
    const inside = (outer: number[]) =>
      pairs.flatMap((x) => pairs.map((y) => [...x.map((i) => outer[0]! * 2 + i), ...y.map((i) => outer[1]! * 2 + i)]));
    for (const g of pairs)
      for (const h of inside(g)) {
        // Units of a head depend on the head alone: the best of each.
        const u = h.reduce(
          (sum, head, slot) =>
            sum +
            Math.max(
              ...pairs.map((order) =>
                order.reduce((all, j, i) => all + matrices[3]![(slot * 2 + i) * 8 + head * 2 + j]!, 0),
              ),
            ),
          0,
        );
        for (const v of inside(g)) {
          const fibre = Array.from({ length: 8 }, (_, i) => {
            const [block, head, unit] = [i >> 2, (i >> 1) & 1, i & 1];
            return g[block]! * 4 + (h[block * 2 + head]! % 2) * 2 + (v[block * 2 + unit]! % 2);
          });
          best = Math.max(best, worth(0, g) + worth(1, h) + worth(2, v) + worth(4, fibre) + u);
        }
      }
    const reached = [...found].reduce((sum, [p, order]) => sum + worth(p, order), 0);
    assert.ok(Math.abs(reached - best) < 1e-4, `${reached}, best ${best}, seed ${seed}`);
    arena.release(mark);
  }
});

test("roles choose permutations of a group by themselves", async () => {
  const rng = createRng(2);
  const { spec: plain, a } = instance("grouped queries", rng);
  const roles = new Map([
    ["R", "residual"],
    ["G", "heads"],
    ["H", "heads"],
    ["V", "head-inner"],
  ]);
  const spec = { ...plain, roles };
  const { b } = await plant(spec, a, rng);
  const moves = async (options: object): Promise<string[]> => {
    const { permutations, report } = await matchWeights(a, b, spec, options);
    assert.ok(Math.abs(report.objective - (await referenceObjective(a, b, spec, permutations))) < 1e-4);
    const { permutations: sizes } = resolveSpec(spec, a.tensors);
    return sizes.flatMap(({ name, outer, inner }) => {
      const order = permutations.get(name)!;
      const own = order.map((j) => (outer < 0 ? j : j % inner));
      return own.some((j, i) => j !== (outer < 0 ? i : i % inner)) ? [name] : [];
    });
  };
  assert.equal(await moves({ only: ["residual"] }), ["R"]);
  assert.equal((await moves({ only: ["head-inner"] })).join(), "V");
  assert.not.ok((await moves({ except: ["head-inner"] })).includes("V"));
  assert.equal(await moves({ method: "coordinate", only: ["heads"], except: ["G"] }), []);
  assert.equal((await moves({})).sort(), ["G", "H", "R", "V"]);
});

test.run();
