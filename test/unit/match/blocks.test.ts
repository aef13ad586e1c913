/** Experts block by block: the same permutations as by whole matrices, and what a choice leaves out takes no room. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseSpec } from "../../../src/axes/spec-file.ts";
import type { Spec } from "../../../src/axes/types.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng, type Rng } from "../../../src/base/rng.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import { boundedWorkspace } from "../../../src/match/bounded/prepare-bounded.ts";
import { areasEnd } from "../../../src/match/costs/areas.ts";
import { cutBlocks } from "../../../src/match/costs/blocks.ts";
import { cutRows } from "../../../src/match/costs/cut-rows.ts";
import { type Outline, outlineProblem, readProblem } from "../../../src/match/costs/problem.ts";
import { createWorkspace, type Workspace } from "../../../src/match/costs/workspace.ts";
import { blockCode } from "../../../src/match/large.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { nestedCode } from "../../../src/match/nested.ts";
import { solveLinear } from "../../../src/match/solve/linear-problem.ts";
import { type Found, matchByDescent } from "../../../src/match/solve/two-methods.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { identityPermutation, invertPermutation } from "../../../src/perm/permutation.ts";
import { resolveFor } from "../../../src/perm/resolve-for.ts";
import { fromModel, toModel } from "../../reference/networks.ts";
import { plant, randomPermutations } from "../../reference/plant.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("experts block by block");

/** A mixture of experts, by name and stacked, behind a residual stream of its own. */
function mixture(experts: number, units: number, width: number, residual: string): [Spec, Record<string, number[]>] {
  const numbers = Array.from({ length: experts }, (_, at) => at);
  const slice = (at: number, series: string): object => ({ slice: { of: "E", at, series } });
  const spec = parseSpec({
    format: "rebasin-spec/2",
    tensors: {
      in: { axes: ["_", residual] },
      router: { axes: ["E", residual] },
      ...Object.fromEntries(
        numbers.flatMap((at) => [
          [`${at}.up`, { axes: ["F/E", residual], ...slice(at, "up") }],
          [`${at}.down`, { axes: [residual, "F/E"], ...slice(at, "down") }],
          [`${at}.bias`, { axes: ["F/E"], ...slice(at, "bias") }],
        ]),
      ),
      stacked: { axes: ["E", residual, "2*F/E"] },
      biases: { axes: ["E", "F/E"] },
      out: { axes: [residual, "_"] },
    },
    permutations: { F: { outer: "E", inner: units } },
  });
  const shapes = {
    ...{ in: [7, width], router: [experts, width], stacked: [experts, width, 2 * units], biases: [experts, units] },
    ...Object.fromEntries(
      numbers.flatMap((at) => [
        [`${at}.up`, [units, width]],
        [`${at}.down`, [width, units]],
        [`${at}.bias`, [units]],
      ]),
    ),
    out: [width, 5],
  };
  return [spec, shapes];
}

const draw = (shapes: Record<string, number[]>, rng: Rng): Model =>
  toModel(
    new Map(
      Object.entries(shapes).map(([name, shape]) => {
        const count = shape.reduce((x, y) => x * y);
        return [name, { shape, data: gaussianArray(count, rng) }];
      }),
    ),
  );

const close = (value: number, want: number, share: number): boolean => Math.abs(value - want) <= share * Math.abs(want);

/** Σ ⟨A, π(B)⟩ with B moved as a whole. */
async function worth(a: Model, b: Model, spec: Spec, permutations: Map<string, Int32Array>): Promise<number> {
  const [ofA, ofB] = [await fromModel(a), await fromModel(await applyPermutations(b, spec, permutations))];
  let sum = 0;
  for (const [name, { data }] of ofA)
    data.forEach((value, at) => {
      sum += value * ofB.get(name)!.data[at]!;
    });
  return sum;
}

const pause = async (): Promise<void> => undefined;

async function solve(workspace: Workspace, isOneSweep: boolean): Promise<Found> {
  const run = { workspace, pause, onProgress: undefined, seed: 3, maxSweeps: 100 };
  const identity = workspace.problem.permutations.map(({ size }) => identityPermutation(size));
  return isOneSweep ? solveLinear(run, identity, -1e300) : matchByDescent(run, identity, undefined, 3);
}

for (const residual of ["_", "R"])
  test(`the same permutations as by whole matrices, with "${residual}" around the experts, and with any memory`, async () => {
    const [spec, shapes] = mixture(4, 6, 10, residual);
    for (let seed = 0; seed < 10; seed++) {
      const rng = createRng(seed);
      const [a, b] = [draw(shapes, rng), draw(shapes, rng)];
      const solving = { jointly: false, starts: false };
      const whole = outlineProblem(resolveFor(a, spec), {}, nestedCode, solving);
      const blocked = cutBlocks(whole, [], 0);
      assert.ok(blocked.sides.includes(6) && blocked.tensors.filter(({ blocks }) => blocks === 4).length === 5);
      const needs = { jointly: false };
      const open = async (outline: Outline): Promise<Workspace> => {
        const problem = await readProblem(a, b, outline, {});
        const workspace = createWorkspace(createKernels(), problem, needs, false);
        // Of blocks, nothing is kept from visit to visit.
        return { ...workspace, kept: { ...workspace.kept, shared: true }, blocks: blockCode };
      };
      const want = await solve(await open(whole), residual === "_");
      const got = await solve(await open(blocked), residual === "_");
      assert.equal(got.orders, want.orders);
      assert.ok(close(got.objective, want.objective, 1e-12), `${got.objective}, ${want.objective}`);
      const kernels = createKernels();
      const end = areasEnd(kernels, blocked, needs);
      const plan = {
        waiting: { kept: blocked.sides.map(() => false), running: blocked.sides.map(() => false) },
        held: blocked.tensors.map((_, t) => t % 3 === 1),
      };
      const bounded = await boundedWorkspace({ a, b }, kernels, blocked, needs, false, plan, null, {});
      assert.equal(await solve({ ...bounded, blocks: blockCode }, residual === "_"), got);
      assert.ok(kernels.memory.buffer.byteLength <= Math.ceil(end / 65536) * 65536, "memory grew beyond the plan");
    }
  });

test("large experts are matched in blocks: planted permutations are found in little memory, the objective is right", async () => {
  const [spec, shapes] = mixture(3, 700, 24, "R");
  const rng = createRng(5);
  const a = draw(shapes, rng);
  const roles = new Map([
    ["R", "residual"],
    ["E", "experts"],
    ["F", "ffn"],
  ]);
  // The residual stream is where it was put: then nothing depends on anything else.
  const given = randomPermutations(spec, a, rng).set("R", identityPermutation(24));
  const b = await applyPermutations(a, spec, given);
  for (const method of ["frank-wolfe", "coordinate"] as const) {
    const { permutations, report } = await matchWeights(a, b, { ...spec, roles }, { method, only: ["experts", "ffn"] });
    for (const [name, order] of given) assert.equal(permutations.get(name), invertPermutation(order), name);
    assert.ok(close(report.objective, await worth(a, b, spec, permutations), 1e-6));
    assert.ok(report.memoryBytes < 4 * 2100 ** 2, `${report.memoryBytes} bytes`);
  }
});

test("what is left out needs no matrices, and the permutations are those of it in place", async () => {
  const [spec, shapes] = mixture(2, 40, 300, "R");
  const rng = createRng(9);
  const [a, b] = [draw(shapes, rng), draw(shapes, rng)];
  for (const method of ["frank-wolfe", "coordinate"] as const) {
    const experts = await matchWeights(a, b, spec, { method, except: ["R"] });
    const residual = await matchWeights(a, b, spec, { method, only: ["R"] });
    const all = await matchWeights(a, b, spec, { method });
    assert.ok(experts.report.memoryBytes < all.report.memoryBytes - 4 * 300 ** 2 + 4 * 80 ** 2, method);
    assert.ok(residual.report.memoryBytes < all.report.memoryBytes, method);
    for (const { permutations, report } of [experts, residual, all])
      assert.ok(close(report.objective, await worth(a, b, spec, permutations), 1e-6), method);
    assert.equal(experts.permutations.get("R"), identityPermutation(300));
    assert.equal(residual.permutations.get("E"), identityPermutation(2));
    // With one of them in place, the other is an assignment: by any method the same.
    const start = new Map([["R", identityPermutation(300)]]);
    const started = await matchWeights(a, b, spec, { method: "coordinate", except: ["R"], start });
    assert.equal(experts.permutations, started.permutations);
    assert.ok(close(started.report.objective, experts.report.objective, 1e-9));
  }
});

test("long tables come in rows, whose sums are those of one piece", async () => {
  const spec = parseSpec({
    format: "rebasin-spec/1",
    tensors: { table: { axes: ["_", "R"] }, fixed: { axes: ["_", "_"] }, out: { axes: ["R", "_"] } },
  });
  const shapes = { table: [70_000, 64], fixed: [5, 900_000], out: [64, 3] };
  const rng = createRng(2);
  const a = draw(shapes, rng);
  const { b, answer } = await plant(spec, a, rng);
  const outline = outlineProblem(resolveFor(a, spec), {}, null, { jointly: true, starts: false });
  const cut = cutRows(outline);
  assert.equal(
    cut.tensors.map(({ name, elements }) => [name, elements]),
    [
      ["table", 65_536 * 64],
      ["table", (70_000 - 65_536) * 64],
      ["fixed", 2 ** 22],
      ["fixed", 4_500_000 - 2 ** 22],
      ["out", 64 * 3],
    ],
  );
  const costs = async (from: Outline): Promise<Float32Array> => {
    const workspace = createWorkspace(createKernels(), await readProblem(a, b, from, {}), { jointly: false }, false);
    await solve(workspace, true);
    return workspace.kernels.f32(workspace.kept.pointers[0]!, 64 * 64).slice();
  };
  assert.equal(await costs(cut), await costs(outline));
  const { permutations, report } = await matchWeights(a, b, spec);
  assert.equal(permutations.get("R"), answer.get("R"));
  assert.ok(report.memoryBytes < 2 * 4 * 70_000 * 64, `${report.memoryBytes} bytes`);
});

test.run();
