import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SpecError } from "../../src/errors.ts";
import { memoryModel } from "../../src/io/memory-model.ts";
import { type MatchOptions, matchWeights } from "../../src/match/match-weights.ts";
import { createRng } from "../../src/rng.ts";
import { parseSpec } from "../../src/spec/spec-file.ts";
import type { Model } from "../../src/tensor.ts";
import { convNetwork, mlpNetwork, residualNetwork, toModel } from "../reference/networks.ts";
import { referenceObjective } from "../reference/objective.ts";
import { plant } from "../reference/plant.ts";
import { gaussianArray } from "../reference/random.ts";

const test = suite("weight matching");

/** Index of the first difference of two sets of permutations, or null. */
function firstDifference(got: Map<string, Int32Array>, want: Map<string, Int32Array>): string | null {
  for (const [name, order] of want) {
    const at = order.findIndex((j, i) => got.get(name)![i] !== j);
    if (at >= 0) return `${name}[${at}] is ${got.get(name)![at]}, expected ${order[at]}`;
  }
  return null;
}

function tensorOf(shape: number[], values: number[]) {
  return { dtype: "F32" as const, shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

/** The paper's example of what one greedy pass misses; both permutations must swap. */
function paperExample(epsilon: number): { a: Model; b: Model } {
  const first = tensorOf([2, 1], [1, 1 + epsilon]);
  const a = memoryModel(
    new Map([
      ["W1", first],
      ["W2", tensorOf([2, 2], [1, 0, 0, epsilon])],
      ["W3", tensorOf([1, 2], [1, 0])],
    ]),
  );
  const b = memoryModel(
    new Map([
      ["W1", first],
      ["W2", tensorOf([2, 2], [0, 0, 0, 1])],
      ["W3", tensorOf([1, 2], [0, 1])],
    ]),
  );
  return { a, b };
}

const EXAMPLE = parseSpec({
  format: "rebasin-spec/1",
  tensors: { W1: { axes: ["P1", "1"] }, W2: { axes: ["P2", "P1"] }, W3: { axes: ["1", "P2"] } },
});

test("the paper's ε-example reaches 4.20 from any order and any start", async () => {
  const { a, b } = paperExample(0.1);
  const swap = Int32Array.of(1, 0);
  const stay = Int32Array.of(0, 1);
  const runs: MatchOptions[] = [{ method: "frank-wolfe" }];
  for (let seed = 0; seed < 8; seed++) runs.push({ method: "coordinate", seed });
  for (const P1 of [stay, swap]) {
    for (const P2 of [stay, swap]) runs.push({ method: "coordinate", start: new Map(Object.entries({ P1, P2 })) });
  }
  for (const options of runs) {
    const { permutations, report } = await matchWeights(a, b, EXAMPLE, options);
    assert.ok(Math.abs(report.objective - 4.2) < 1e-6, `objective ${report.objective}`);
    assert.is(
      firstDifference(
        permutations,
        new Map([
          ["P1", swap],
          ["P2", swap],
        ]),
      ),
      null,
    );
  }
  const { report } = await matchWeights(a, b, EXAMPLE);
  assert.ok(Math.abs(report.identityObjective - 2.31) < 1e-6);
});

for (const simd of [true, false]) {
  const build = simd ? "SIMD" : "scalar";
  test(`planted permutations of plain networks are recovered, 100 of 100 (${build})`, async () => {
    for (let seed = 0; seed < 100; seed++) {
      const network = mlpNetwork(createRng(seed), [10, 40, 30, 20, 10]);
      const a = toModel(network.tensors);
      const { b, answer } = await plant(network.spec, a, createRng(1000 + seed));
      const { permutations } = await matchWeights(a, b, network.spec, { simd });
      assert.is(firstDifference(permutations, answer), null, `seed ${seed}`);
    }
  });

  test(`planted permutations of residual networks are recovered, 100 of 100 (${build})`, async () => {
    for (let seed = 0; seed < 100; seed++) {
      const network = residualNetwork(createRng(seed));
      const a = toModel(network.tensors);
      const { b, answer } = await plant(network.spec, a, createRng(1000 + seed));
      const { permutations } = await matchWeights(a, b, network.spec, { simd });
      assert.is(firstDifference(permutations, answer), null, `seed ${seed}`);
    }
  });
}

test("descent with restarts recovers a planted residual network that descent alone may miss", async () => {
  const network = residualNetwork(createRng(5));
  const a = toModel(network.tensors);
  const { b, answer } = await plant(network.spec, a, createRng(6));
  const alone = await matchWeights(a, b, network.spec, { method: "coordinate" });
  const restarted = await matchWeights(a, b, network.spec, { method: "coordinate", restarts: 10 });
  assert.ok(restarted.report.objective >= alone.report.objective);
  assert.is(firstDifference(restarted.permutations, answer), null);
});

test("the reported objective is the definition's, with flatten, biases and norms", async () => {
  for (const method of ["frank-wolfe", "coordinate"] as const) {
    const [one, two] = [convNetwork(createRng(1), true), convNetwork(createRng(2), true)];
    const [a, b] = [toModel(one.tensors), toModel(two.tensors)];
    const { permutations, report } = await matchWeights(a, b, one.spec, { method });
    const want = await referenceObjective(a, b, one.spec, permutations);
    assert.ok(Math.abs(report.objective - want) < 1e-9 * Math.abs(want), `${report.objective}, expected ${want}`);
    const before = await referenceObjective(a, b, one.spec, new Map());
    assert.ok(Math.abs(report.identityObjective - before) < 1e-9 * Math.abs(want));
    assert.ok(report.objective > report.identityObjective);
  }
});

test("the objective of descent never falls from sweep to sweep", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const [one, two] = [residualNetwork(createRng(seed)), residualNetwork(createRng(seed + 100))];
    let last = Number.NEGATIVE_INFINITY;
    await matchWeights(toModel(one.tensors), toModel(two.tensors), one.spec, {
      method: "coordinate",
      seed,
      onProgress: ({ stage, objective }) => {
        if (stage !== "coordinate") return;
        assert.ok(objective! >= last, `${objective} after ${last}`);
        last = objective!;
      },
    });
    assert.ok(last > Number.NEGATIVE_INFINITY);
  }
});

test("two builds, two runs: the same permutations", async () => {
  const [one, two] = [convNetwork(createRng(3), true), convNetwork(createRng(4), true)];
  const [a, b] = [toModel(one.tensors), toModel(two.tensors)];
  for (const method of ["frank-wolfe", "coordinate"] as const) {
    const first = await matchWeights(a, b, one.spec, { method, simd: true });
    const scalar = await matchWeights(a, b, one.spec, { method, simd: false });
    const again = await matchWeights(a, b, one.spec, { method, threads: 4 });
    assert.is(firstDifference(first.permutations, scalar.permutations), null);
    assert.is(firstDifference(first.permutations, again.permutations), null);
    assert.is(first.report.objective, scalar.report.objective);
  }
});

test("a model matched with itself stays in place", async () => {
  const network = convNetwork(createRng(8), true);
  const a = toModel(network.tensors);
  const { report } = await matchWeights(a, a, network.spec);
  assert.is(report.objective, report.identityObjective);
  for (const { moved } of Object.values(report.permutations)) assert.is(moved, 0);
});

test("matching lifts a permutation that is nested in another (heads and the units inside them)", async () => {
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

test("concatenation, a recurrent matrix and a grouped convolution: planted permutations are recovered", async () => {
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

test("no hidden unit at all, and one: nothing to permute", async () => {
  const spec = parseSpec({ format: "rebasin-spec/1", tensors: { w: { axes: ["4", "3"] } } });
  const a = memoryModel(
    new Map([
      [
        "w",
        tensorOf(
          [4, 3],
          Array.from({ length: 12 }, (_, i) => i),
        ),
      ],
    ]),
  );
  const { permutations, report } = await matchWeights(a, a, spec);
  assert.is(permutations.size, 0);
  assert.is(report.objective, 506);
  const single = mlpNetwork(createRng(1), [3, 1, 2]);
  const model = toModel(single.tensors);
  assert.equal(
    [...(await matchWeights(model, model, single.spec)).permutations.values()].map((p) => [...p]),
    [[0]],
  );
});

test("an aborted signal stops the matching with its reason", async () => {
  const network = mlpNetwork(createRng(1), [10, 200, 200, 10]);
  const a = toModel(network.tensors);
  const { b } = await plant(network.spec, a, createRng(2));
  const controller = new AbortController();
  const reason = new Error("enough");
  const running = matchWeights(a, b, network.spec, {
    signal: controller.signal,
    onProgress: ({ stage }) => stage === "frank-wolfe" && controller.abort(reason),
  });
  assert.is(
    await running.then(
      () => null,
      (error) => error,
    ),
    reason,
  );
  const aborted = AbortSignal.abort();
  const error = await matchWeights(a, b, network.spec, { signal: aborted }).then(
    () => null,
    (e) => e,
  );
  assert.is(error.name, "AbortError");
});

async function refusal(run: Promise<unknown>): Promise<Error> {
  return run.then(
    () => assert.unreachable("was not refused") as never,
    (error) => error,
  );
}

test("what cannot be matched is refused in one line", async () => {
  const network = mlpNetwork(createRng(1));
  const a = toModel(network.tensors, "a");
  const shorter = toModel(new Map([...network.tensors].slice(1)), "b");
  const missing = await refusal(matchWeights(a, shorter, network.spec));
  assert.instance(missing, SpecError);
  assert.match(missing.message, "layers.0.weight is missing in B");
  const broken = structuredClone(network.tensors);
  broken.get("layers.1.bias")!.data[4] = Number.NaN;
  const nan = await refusal(matchWeights(a, toModel(broken, "b"), network.spec));
  assert.instance(nan, RangeError);
  assert.is(nan.message, "b: layers.1.bias has NaN at element 4, expected finite numbers");
  const { report } = await matchWeights(a, toModel(broken, "b"), network.spec, { allowNonfinite: true });
  assert.ok(Number.isFinite(report.objective));
  for (const [options, message] of [
    [{ methd: "coordinate" }, /option "methd", expected one of method/],
    [{ method: "greedy" }, /method "greedy", expected "frank-wolfe" or "coordinate"/],
    [{ seed: -1 }, /seed -1, expected an integer/],
    [{ threads: 0 }, /threads 0, expected "auto" or a positive integer/],
    [{ restarts: 3 }, /starts at the barycentre/],
    [{ method: "coordinate", start: new Map([["P9", Int32Array.of(0)]]) }, /permutation P9 is not in the spec/],
    [{ method: "coordinate", start: new Map([["P1", new Int32Array(9)]]) }, /permutation P1 has 0 twice/],
  ] as const) {
    const error = await refusal(matchWeights(a, a, network.spec, options as MatchOptions));
    assert.match(error.message, message);
  }
});

test.run();
