/** A matching in little memory computes what it does in much: matrices wait in a file, tensors come piece by piece. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Spec } from "../../../src/axes/types.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import { createKernels } from "../../../src/kernels/kernels.ts";
import type { ScratchFile } from "../../../src/kernels/scratch-file.ts";
import { type MemoryLimit, placeWaiting, planMemory } from "../../../src/match/bounded/plan-memory.ts";
import { boundedWorkspace } from "../../../src/match/bounded/prepare-bounded.ts";
import { areasEnd } from "../../../src/match/costs/areas.ts";
import { outlineProblem, readProblem } from "../../../src/match/costs/problem.ts";
import { createWorkspace, type Workspace } from "../../../src/match/costs/workspace.ts";
import { type MatchOptions, matchWeights } from "../../../src/match/match-weights.ts";
import { type Found, matchByDescent, matchJointly } from "../../../src/match/solve/two-methods.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { identityPermutation } from "../../../src/perm/permutation.ts";
import { resolveFor } from "../../../src/perm/resolve-for.ts";
import { rejects } from "../../reference/expect-error.ts";
import { convNetwork, mlpNetwork, residualNetwork, toModel } from "../../reference/networks.ts";
import { randomModel } from "../../reference/random-model.ts";
import { GROUPED, NESTED } from "../../reference/tied-problems.ts";

const test = suite("matching in bounded memory");

const pause = async (): Promise<void> => undefined;

/** A file in memory that refuses to give what was not written. */
function fakeFile(): ScratchFile & { readonly writes: () => number } {
  let bytes = new Uint8Array(0);
  let writes = 0;
  return {
    writes: () => writes,
    read(into, position) {
      if (position + into.length > bytes.length) throw new Error("read behind the end");
      into.set(bytes.subarray(position, position + into.length));
    },
    write(from, position) {
      writes++;
      if (position + from.length > bytes.length) {
        const longer = new Uint8Array(position + from.length);
        longer.set(bytes);
        bytes = longer;
      }
      bytes.set(from, position);
    },
    close: () => undefined,
  };
}

/** The same model, which gives parts where it is asked for them. */
const inParts = (model: Model): Model => ({
  ...model,
  async read(name, signal, _into, part) {
    const bytes = await model.read(name, signal);
    return part === undefined ? bytes : bytes.slice(...part);
  },
});

const CASES: [string, (seed: number) => Model, Spec][] = [
  [
    "mlp",
    (seed) => toModel(mlpNetwork(createRng(seed), [100, 200, 150, 10]).tensors),
    mlpNetwork(createRng(1), [100, 200, 150, 10]).spec,
  ],
  ["conv", (seed) => toModel(convNetwork(createRng(seed), true).tensors), convNetwork(createRng(1), true).spec],
  ["residual", (seed) => toModel(residualNetwork(createRng(seed)).tensors), residualNetwork(createRng(1)).spec],
  ["nested", (seed) => randomModel(NESTED.shapes, seed), NESTED.spec],
  ["grouped", (seed) => randomModel(GROUPED.shapes, seed), GROUPED.spec],
];

async function solve(workspace: Workspace, jointly: boolean): Promise<Found> {
  const run = { workspace, pause, onProgress: undefined, seed: 1, maxSweeps: 100 };
  const identity = workspace.problem.permutations.map(({ size }) => identityPermutation(size));
  return jointly ? matchJointly(run, identity, -1e300, 0.2) : matchByDescent(run, identity, undefined, 2);
}

for (const [name, make, spec] of CASES)
  for (const jointly of [true, false])
    test(`${name}, ${jointly ? "jointly" : "by descent"}: the same permutations and objective, whatever waits`, async () => {
      const [a, b] = [inParts(make(1)), inParts(make(2))];
      const outline = outlineProblem(resolveFor(a, spec));
      const needs = { jointly };
      const open = createWorkspace(createKernels(), await readProblem(a, b, outline, {}), needs, false);
      const want = await solve(open, jointly);
      const all = (value: boolean) => outline.permutations.map(() => value);
      const some = outline.permutations.map((_, p) => p % 2 === 0);
      const held = outline.tensors.map((_, t) => t % 3 === 1);
      for (const waiting of [
        { kept: all(true), running: all(true) },
        { kept: some, running: all(true) },
        { kept: all(true), running: some },
        { kept: all(false), running: all(false) },
      ]) {
        const file = fakeFile();
        const kernels = createKernels();
        const end = areasEnd(kernels, outline, { ...needs, place: placeWaiting(waiting) });
        const workspace = await boundedWorkspace({ a, b }, kernels, outline, needs, false, { waiting, held }, file, {});
        assert.equal(await solve(workspace, jointly), want);
        assert.ok(kernels.memory.buffer.byteLength <= Math.ceil(end / 65536) * 65536, "memory grew beyond the plan");
        const several = outline.groups.length > 1;

        if (waiting.kept.every(Boolean) && several) assert.ok(file.writes() > 0);
        if (!waiting.kept.includes(true)) assert.is(file.writes(), 0);
      }
    });

const there = async (): Promise<boolean> => true;
const missing = async (): Promise<boolean> => false;
const firm = (bytes: number): MemoryLimit => ({ bytes, isFirm: true });

test("more memory, more stays in it; below the least, the message tells it", async () => {
  const [, make, spec] = CASES[0]!;
  const outline = outlineProblem(resolveFor(make(1), spec));
  const kernels = createKernels();
  const needs = { jointly: true };
  const whole = areasEnd(kernels, outline, needs);
  const bytes = outline.tensors.reduce((sum, { elements }) => sum + 8 * elements, 0);
  assert.is(await planMemory(kernels, outline, needs, firm(whole + bytes + 108e6), there), null);
  const least = await (async () => {
    try {
      await planMemory(kernels, outline, needs, firm(1), there);
    } catch (error) {
      assert.instance(error, RangeError);
      const found = /^memory 1 bytes, expected at least (\d+) to match these models$/.exec((error as Error).message);
      assert.ok(found, (error as Error).message);
      return Number(found[1]);
    }
    throw new Error("nothing was refused");
  })();
  const amount = async (memory: number): Promise<number> => {
    const plan = (await planMemory(kernels, outline, needs, firm(memory), there))!;
    assert.ok(plan.end <= memory);
    return (
      [...plan.waiting.kept, ...plan.waiting.running].filter((waits) => !waits).length +
      plan.held.filter(Boolean).length
    );
  };
  let before = await amount(least);
  const refused = (memory: number, hasFile: () => Promise<boolean>, message: RegExp) =>
    rejects(() => planMemory(kernels, outline, needs, firm(memory), hasFile), RangeError, message);
  await refused(least - 1, there, /^memory \d+ bytes, expected at least \d+ to match these models$/);
  const most = whole + bytes + 108e6;
  for (let memory = least; memory < most; memory += (most - least) / 50) {
    const now = await amount(memory);
    assert.ok(now >= before, `${memory} bytes hold ${now}, less than ${before}`);
    before = now;
  }
  // Of just less than everything, all but one thing stays.
  assert.is(before, 4 + outline.tensors.length - 1);
  await refused(
    least,
    missing,
    /^memory \d+ bytes \(matrices cannot wait in a temporary file here, as .*\), expected at least \d+ to match these models$/,
  );
  // A limit that nobody asked for gives way to the least.
  for (const hasFile of [there, missing]) {
    const plan = (await planMemory(kernels, outline, needs, { bytes: 1, isFirm: false }, hasFile))!;
    assert.ok(plan.end > 1 && plan.end <= whole && !plan.held.includes(true));
    assert.is(plan.waiting.kept.includes(false), hasFile === missing);
  }
});

test("tensors of more than a piece are read again, also of a model that gives no parts or uses the room it is offered", async () => {
  const { tensors, spec } = mlpNetwork(createRng(5), [1000, 1100, 10]);
  const [a, plain] = [toModel(tensors), toModel(mlpNetwork(createRng(6), [1000, 1100, 10]).tensors)];
  const order = new Map([["P0", randomPermutation(1100, createRng(7))]]);
  // Its rows move, so it gives whole tensors, into the room where that fits.
  const renumbered = await applyPermutations(plain, spec, order);
  for (const b of [inParts(plain), plain, renumbered]) {
    const want = await matchWeights(a, b, spec);
    let least = 0;
    await matchWeights(a, b, spec, { memory: 1 }).catch(({ message }) => {
      least = Number(/at least (\d+)/.exec(message)![1]);
    });
    const { permutations } = await matchWeights(a, b, spec, { memory: least });
    assert.equal(permutations, want.permutations);
  }
});

test("a limit changes nothing of what is found, and is checked", async () => {
  const [, make, spec] = CASES[2]!;
  const [a, b] = [make(1), make(2)];
  const match = async (options: MatchOptions) => {
    const { permutations, report } = await matchWeights(a, b, spec, options);
    return { permutations, objective: report.objective };
  };
  assert.equal(await match({ memory: 120e6 }), await match({}));
  await rejects(() => match({ memory: 0 }), RangeError, /^memory 0, expected an integer from 1$/);
  await rejects(() => match({ memory: 1e6 }), RangeError, /^memory 1000000 bytes.*, expected at least \d+ to match/);
});

test.run();
