import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import { SpecError } from "../../../src/base/errors.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { type MatchOptions, matchWeights } from "../../../src/match/match-weights.ts";
import { firstDifference } from "../../reference/first-difference.ts";
import { convNetwork, mlpNetwork, residualNetwork, toModel } from "../../reference/networks.ts";
import { referenceObjective } from "../../reference/objective.ts";
import { plant } from "../../reference/plant.ts";

const test = suite("weight matching");

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
        if (stage !== "coordinate" || objective === undefined) return;
        assert.ok(objective >= last, `${objective} after ${last}`);
        last = objective;
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
