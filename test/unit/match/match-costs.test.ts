/** Matching by given costs, groups that stay, the linear term, and starts beside the barycentre. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { ResolvedPermutation } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { createRng, type Rng, randomPermutation } from "../../../src/base/rng.ts";
import { createActivationStatistics } from "../../../src/by-data/activation-statistics.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import { matchCosts } from "../../../src/match/match-costs.ts";
import { type MatchOptions, matchWeights } from "../../../src/match/match-weights.ts";
import { identityPermutation, samePermutation } from "../../../src/perm/permutation.ts";
import { bitEqual } from "../../reference/bits.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import { convNetwork, mlpNetwork, residualNetwork, toModel } from "../../reference/networks.ts";
import { referenceObjective } from "../../reference/objective.ts";
import { plant } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("matching by costs");

/** Costs that are highest at `order`, with noise. */
function costsFor(order: Int32Array, rng: Rng, noise = 0.4): Float32Array {
  const n = order.length;
  return gaussianArray(n * n, rng, noise / 6).map(
    (value, at) => value + (order[Math.floor(at / n)] === at % n ? 1 : 0),
  );
}

function twoResidual() {
  const [one, two] = [residualNetwork(createRng(1), 12, 10, 2), residualNetwork(createRng(2), 12, 10, 2)];
  const [a, b] = [toModel(one.tensors), toModel(two.tensors)];
  const resolved = resolveSpec(one.spec, a.tensors);
  const orders = new Map(
    resolved.permutations.map(({ name, size }, p) => [name, randomPermutation(size, createRng(p))]),
  );
  const costs = new Map([...orders].map(([name, order], p) => [name, costsFor(order, createRng(50 + p))]));
  return { a, b, spec: one.spec, resolved, orders, costs };
}

test("what the costs favour is found, whatever the build", () => {
  const { resolved, orders, costs } = twoResidual();
  for (const simd of [true, false]) {
    const { permutations, values } = matchCosts(resolved, costs, { simd });
    assert.is(firstDifference(permutations, orders), null);
    for (const [name, value] of values) assert.ok(value > 0.7 * orders.get(name)!.length, `${name} ${value}`);
  }
});

test("nested permutations follow their blocks: brute force over all of them", () => {
  const spec = parseSpec({
    format: "rebasin-spec/1",
    permutations: { V: { outer: "H", inner: 2 } },
    tensors: { v: { axes: ["V", "4"] }, q: { axes: ["H*3", "4"] } },
  });
  const shapes = new Map([
    ["v", { dtype: "F32" as const, shape: [6, 4] }],
    ["q", { dtype: "F32" as const, shape: [9, 4] }],
  ]);
  const resolved = resolveSpec(spec, shapes);
  for (let seed = 0; seed < 20; seed++) {
    const costs = new Map([
      ["V", gaussianArray(36, createRng(seed))],
      ["H", gaussianArray(9, createRng(100 + seed))],
    ]);
    const { values } = matchCosts(resolved, costs);
    let best = Number.NEGATIVE_INFINITY;
    for (const heads of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      for (let swaps = 0; swaps < 8; swaps++) {
        let sum = 0;
        heads.forEach((g, h) => {
          sum += costs.get("H")![h * 3 + g]!;
          for (let r = 0; r < 2; r++) sum += costs.get("V")![(2 * h + r) * 6 + 2 * g + (r ^ ((swaps >> h) & 1))]!;
        });
        best = Math.max(best, sum);
      }
    }
    const got = values.get("V")! + values.get("H")!;
    assert.ok(Math.abs(got - best) < 1e-5, `seed ${seed}: ${got}, expected ${best}`);
  }
});

test("dead units and missing costs leave a permutation; ties are the same in both builds", () => {
  const { resolved, costs } = twoResidual();
  const [first, second] = resolved.permutations as unknown as [ResolvedPermutation, ResolvedPermutation];
  costs.delete(first.name);
  costs.set(second.name, new Float32Array(second.size ** 2));
  const [simd, scalar] = [true, false].map((build) => matchCosts(resolved, costs, { simd: build }).permutations);
  assert.ok(samePermutation(simd!.get(first.name)!, identityPermutation(first.size)));
  assert.is(firstDifference(simd!, scalar!), null);
});

test("only, except: the others stay in place, in every method", async () => {
  const { a, b, spec, resolved, costs } = twoResidual();
  const still = (permutations: ReadonlyMap<string, Int32Array>): string =>
    [...permutations].flatMap(([name, p]) => (samePermutation(p, identityPermutation(p.length)) ? [name] : [])).join();
  assert.is(still(matchCosts(resolved, costs, { only: ["H*"] }).permutations), "S");
  assert.is(still(matchCosts(resolved, costs, { except: ["H0", "S"] }).permutations), "S,H0");
  assert.is(still(matchCosts(resolved, costs, { only: [] }).permutations), "S,H0,H1");
  const ways: MatchOptions[] = [
    { method: "frank-wolfe" },
    { method: "frank-wolfe", perturb: 0.5 },
    { method: "coordinate", restarts: 2 },
    { linear: { costs, share: 1 } },
  ];
  for (const way of ways) {
    const { permutations, report } = await matchWeights(a, b, spec, { ...way, only: ["H*"] });
    assert.is(still(permutations), "S", JSON.stringify(way.method));
    assert.ok(report.objective > report.identityObjective || way.linear !== undefined);
    const want = await referenceObjective(a, b, spec, permutations);
    assert.ok(Math.abs(report.objective - want) < 1e-9 * Math.abs(want));
  }
});

test("with the stream in place, planted hidden permutations are recovered", async () => {
  const network = residualNetwork(createRng(3), 20, 15, 2);
  const a = toModel(network.tensors);
  const { b, answer } = await plant(network.spec, a, createRng(4));
  const undone = new Map([["S", answer.get("S")!]]);
  const { permutations: held } = await matchWeights(a, b, network.spec, {
    method: "coordinate",
    start: undone,
    except: ["S"],
  });
  assert.is(firstDifference(held, answer), null);
});

test("a linear term of no share changes nothing", async () => {
  const { a, b, spec, costs } = twoResidual();
  const alone = await matchWeights(a, b, spec);
  const { permutations, report } = await matchWeights(a, b, spec, { linear: { costs, share: 0 } });
  assert.is(firstDifference(permutations, alone.permutations), null);
  assert.is(report.objective, alone.report.objective);
  assert.equal(report.linear, { share: 0, objective: 0, identityObjective: 0 });
});

test("a large share follows the costs, a small one the weights, and the sum is what is maximised", async () => {
  const { a, b, spec, orders, costs } = twoResidual();
  const alone = await matchWeights(a, b, spec);
  let last = { objective: Number.POSITIVE_INFINITY, agreeing: -1 };
  for (const share of [0.01, 0.5, 2, 1000]) {
    for (const method of ["frank-wolfe", "coordinate"] as const) {
      const { permutations, report } = await matchWeights(a, b, spec, { method, linear: { costs, share } });
      const want = await referenceObjective(a, b, spec, permutations);
      assert.ok(Math.abs(report.objective - want) < 1e-9 * Math.abs(want));
      assert.ok(report.linear!.objective >= 0);
      assert.ok(
        report.objective + report.linear!.objective >=
          report.identityObjective + report.linear!.identityObjective - 1e-9,
      );
      if (method === "coordinate") continue;
      const agreeing = [...permutations].filter(([name, p]) => samePermutation(p, orders.get(name)!)).length;
      assert.ok(agreeing >= last.agreeing, `share ${share}: ${agreeing} agree, before ${last.agreeing}`);
      last = { objective: report.objective, agreeing };
    }
  }
  assert.is(last.agreeing, orders.size);
  assert.ok(last.objective < alone.report.objective);
});

test("the linear term is worth its share of the weights where the costs alone would go", async () => {
  // One permutation, tensors of one cell each: what they are worth at the costs' choice is the objective itself.
  const network = mlpNetwork(createRng(5), [7, 9, 4]);
  const other = mlpNetwork(createRng(6), [7, 9, 4]);
  const [a, b] = [toModel(network.tensors), toModel(other.tensors)];
  const order = (await matchWeights(a, b, network.spec)).permutations.get("P0")!;
  const costs = new Map([["P0", costsFor(order, createRng(7), 0)]]);
  const { report } = await matchWeights(a, b, network.spec, { linear: { costs, share: 0.25 } });
  // The output's bias belongs to no permutation.
  const bias = ["layers.1.bias"].reduce((sum, name) => {
    const [x, y] = [network.tensors.get(name)!.data, other.tensors.get(name)!.data];
    return sum + x.reduce((dot, value, i) => dot + value * y[i]!, 0);
  }, 0);
  const want = 0.25 * (report.objective - bias);
  assert.ok(Math.abs(report.linear!.objective - want) < 1e-4 * want, `${report.linear!.objective}, expected ${want}`);
});

test("hybrids and perturbed starts: the same permutations in every build and with threads", async () => {
  const [one, two] = [convNetwork(createRng(3), true), convNetwork(createRng(4), true)];
  const [a, b] = [toModel(one.tensors), toModel(two.tensors)];
  const costs = new Map(
    resolveSpec(one.spec, a.tensors).permutations.map(({ name, size }, p) => [
      name,
      gaussianArray(size * size, createRng(p)),
    ]),
  );
  for (const way of [{ linear: { costs, share: 0.3 } }, { perturb: 0.3, seed: 5 }, { perturb: 1, seed: 6 }]) {
    const first = await matchWeights(a, b, one.spec, { ...way, simd: true });
    const scalar = await matchWeights(a, b, one.spec, { ...way, simd: false, threads: 2 });
    assert.is(firstDifference(first.permutations, scalar.permutations), null);
    for (const [name, p] of first.permutations) bitEqual(p, scalar.permutations.get(name)!, name);
    assert.is(first.report.objective, scalar.report.objective);
  }
});

test("the same bytes in every runtime: statistics, the hybrid, a perturbed start", async () => {
  const { a, b, spec, resolved } = twoResidual();
  const kernels = createKernels();
  const costs = new Map(
    resolved.permutations.map(({ name, size }, p) => {
      const statistics = createActivationStatistics(kernels, size);
      const said = gaussianArray(1500 * size, createRng(p));
      statistics.add(
        said,
        gaussianArray(1500 * size, createRng(p + 9)).map((value, at) => value + said[at ^ 1]!),
        1500,
      );
      return [name, statistics.finish("correlation")];
    }),
  );
  const parts: Uint8Array[] = [...costs.values()].map((matrix) => new Uint8Array(matrix.buffer));
  for (const way of [{ linear: { costs, share: 0.3 } }, { perturb: 0.25, seed: 2 }]) {
    const { permutations, report } = await matchWeights(a, b, spec, way);
    for (const p of permutations.values()) parts.push(new Uint8Array(p.slice().buffer));
    parts.push(new Uint8Array(Float64Array.of(report.objective).buffer));
  }
  const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const text = Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.is(text, "8eafdf87473af36f");
});

test("what does not fit is refused", async () => {
  const { a, b, spec, resolved, costs } = twoResidual();
  const size = resolved.permutations[0]!.size;
  const bad = (matrix: Float32Array) => new Map([["S", matrix]]);
  const nan = new Float32Array(size ** 2);
  nan[size + 2] = Number.NaN;
  const cases: [() => unknown, typeof SpecError | RangeErrorConstructor | TypeErrorConstructor, RegExp][] = [
    [
      () => matchCosts(resolved, new Map([["X", nan]])),
      SpecError,
      /^costs of X are of no permutation, expected some of S, H0, H1$/,
    ],
    [() => matchCosts(resolved, bad(new Float32Array(3))), RangeError, /^costs of S have 3 entries, expected 12 × 12$/],
    [() => matchCosts(resolved, bad(nan)), RangeError, /^costs of S have NaN at \[1, 2\], expected finite numbers$/],
    [() => matchCosts(resolved, costs, { only: ["nope"] }), SpecError, /^permutation nope is not in the spec/],
    [() => matchCosts(resolved, costs, { except: ["X*"] }), SpecError, /^permutation X\* is not in the spec/],
    [() => matchCosts(resolved, costs, { typo: 1 } as object), TypeError, /^matchCosts option "typo"/],
    [() => matchWeights(a, b, spec, { perturb: 1.5 }), RangeError, /^perturb 1.5, expected a number from 0 to 1$/],
    [() => matchWeights(a, b, spec, { perturb: Number.NaN }), RangeError, /^perturb NaN/],
    [
      () => matchWeights(a, b, spec, { method: "coordinate", perturb: 0.5 }),
      RangeError,
      /^perturb 0.5, expected 0 with/,
    ],
    [() => matchWeights(a, b, spec, { linear: { costs, share: -1 } }), RangeError, /^linear share -1, expected/],
    [() => matchWeights(a, b, spec, { linear: { costs: bad(nan), share: 1 } }), RangeError, /^costs of S have NaN/],
  ];
  for (const [run, type, message] of cases) {
    let thrown: unknown = null;
    try {
      await run();
    } catch (error) {
      thrown = error;
    }
    assert.instance(thrown, type, String(message));
    assert.match((thrown as Error).message, message);
  }
});

test.run();
