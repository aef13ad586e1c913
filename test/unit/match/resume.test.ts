/** A matching that is stopped after any sweep or step, and resumed, finds what one finds that was never stopped. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Spec } from "../../../src/axes/types.ts";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { type Matching, type MatchOptions, matchWeights } from "../../../src/match/match-weights.ts";
import { rejects } from "../../reference/expect-error.ts";
import { convNetwork, mlpNetwork, residualNetwork, toModel } from "../../reference/networks.ts";
import { randomModel } from "../../reference/random-model.ts";
import { GROUPED, NESTED } from "../../reference/tied-problems.ts";

const test = suite("checkpoints of a matching");

const WIDTHS = [30, 60, 50, 40, 10];
const mlp = (seed: number) => mlpNetwork(createRng(seed), WIDTHS);

const CASES: [string, (seed: number) => Model, Spec][] = [
  ["mlp", (seed) => toModel(mlp(seed).tensors), mlp(1).spec],
  ["conv", (seed) => toModel(convNetwork(createRng(seed), true).tensors), convNetwork(createRng(1), true).spec],
  ["residual", (seed) => toModel(residualNetwork(createRng(seed)).tensors), residualNetwork(createRng(1)).spec],
  ["nested", (seed) => randomModel(NESTED.shapes, seed), NESTED.spec],
  ["grouped", (seed) => randomModel(GROUPED.shapes, seed), GROUPED.spec],
];

class Stop extends Error {}

/** Matches; stopped after its `saves`th save. Resolves to what was kept last, or to the matching. */
async function matchUntil(
  [a, b, spec]: [Model, Model, Spec],
  options: MatchOptions,
  resume: Uint8Array<ArrayBuffer> | undefined,
  saves: number,
): Promise<{ kept: Uint8Array<ArrayBuffer>; matching?: undefined } | { matching: Matching; saves: Uint8Array[] }> {
  const all: Uint8Array<ArrayBuffer>[] = [];
  const checkpoint = {
    resume: resume && (await openModel(resume, { name: "kept" })),
    async save(state: Model) {
      all.push(await encodeSafetensors(state));
      if (all.length === saves) throw new Stop();
    },
  };
  try {
    return { matching: await matchWeights(a, b, spec, { ...options, checkpoint }), saves: all };
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    return { kept: all.at(-1)! };
  }
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((x, i) => x === b[i]);

/** What does not differ from run to run. */
function resultOf({ permutations, report }: Matching): object {
  const { seconds: _, memoryBytes: __, ...rest } = report;
  return { permutations: [...permutations].map(([name, order]) => [name, [...order]]), rest };
}

const WAYS: [string, MatchOptions][] = [
  ["frank-wolfe", { perturb: 0.3, seed: 2 }],
  ["coordinate with restarts", { method: "coordinate", seed: 3, restarts: 2 }],
  ["coordinate of few sweeps", { method: "coordinate", seed: 1, maxSweeps: 2, restarts: 1 }],
];

for (const [name, make, spec] of CASES)
  for (const [way, options] of WAYS)
    test(`${name}, ${way}: stopped after a step and resumed, the same`, async () => {
      const pair: [Model, Model, Spec] = [make(1), make(2), spec];
      const whole = await matchWeights(...pair, options);
      const watched = await matchUntil(pair, options, undefined, 0);
      assert.ok(watched.matching !== undefined);
      assert.equal(resultOf(watched.matching), resultOf(whole), "keeping changes nothing");
      const { saves } = watched;
      assert.ok(saves.length > 1, `${saves.length} saves`);
      // The first, the last, and two between: all of them take time that grows with the square of their number.
      const rng = createRng(saves.length);
      const stops = new Set([1, saves.length, 1 + rng.below(saves.length), 1 + rng.below(saves.length)]);
      for (const stop of stops) {
        const stopped = await matchUntil(pair, options, undefined, stop);
        assert.ok(stopped.matching === undefined);
        const resumed = await matchUntil(pair, options, stopped.kept, 0);
        assert.ok(resumed.matching !== undefined);
        assert.equal(resultOf(resumed.matching), resultOf(whole), `stopped after ${stop}`);
        // Nothing is done twice, and all matrices and duals behind it have the same bits.
        const rest = saves.slice(stop);
        assert.is(resumed.saves.length, rest.length);
        for (const [i, state] of resumed.saves.entries()) assert.ok(sameBytes(state, rest[i]!), `${stop}, then ${i}`);
      }
    });

test("stopped again and again, with a linear term and a start, it gets to the same end", async () => {
  const pair: [Model, Model, Spec] = [CASES[0]![1](1), CASES[0]![1](2), CASES[0]![2]];
  const costs = new Map([["P1", Float32Array.from({ length: 50 ** 2 }, (_, i) => Math.sin(i))]]);
  const start = (await matchWeights(...pair, { seed: 5 })).alignment;
  for (const options of [
    { linear: { costs, share: 0.5 } },
    { method: "coordinate", start, linear: { costs, share: 0.5 } },
  ] satisfies MatchOptions[]) {
    const whole = await matchWeights(...pair, options);
    let kept: Uint8Array<ArrayBuffer> | undefined;
    for (let stops = 0; ; stops++) {
      const next = await matchUntil(pair, options, kept, 1);
      if (next.matching !== undefined) {
        assert.ok(stops > 1, `${stops} stops`);
        assert.equal(resultOf(next.matching), resultOf(whole));
        break;
      }
      kept = next.kept;
    }
  }
});

const MLP: [Model, Model, Spec] = [CASES[0]![1](1), CASES[0]![1](2), CASES[0]![2]];

test("the checkpoint of another run is refused with what differs", async () => {
  const options: MatchOptions = { method: "coordinate", seed: 1 };
  const { kept } = (await matchUntil(MLP, options, undefined, 1)) as { kept: Uint8Array<ArrayBuffer> };
  const [a, b, spec] = MLP;
  const linear = { costs: new Map([["P1", new Float32Array(50 ** 2).fill(1)]]), share: 1 };
  const others: [string, [Model, Model, Spec], MatchOptions][] = [
    ["model A", [CASES[0]![1](7), b, spec], options],
    ["model B", [a, a, spec], options],
    ["seed", MLP, { ...options, seed: 2 }],
    ["method", MLP, { seed: 1 }],
    ["restarts", MLP, { ...options, restarts: 1 }],
    ["maxSweeps", MLP, { ...options, maxSweeps: 7 }],
    ["allowNonfinite", MLP, { ...options, allowNonfinite: true }],
    ["only and except", MLP, { ...options, only: ["P0"] }],
    ["start", MLP, { ...options, start: new Map([["P0", Int32Array.from({ length: 60 }, (_, i) => 59 - i)]]) }],
    ["linear", MLP, { ...options, linear }],
  ];
  for (const [what, pair, given] of others)
    await rejects(
      () => matchUntil(pair, given, kept, 0),
      RangeError,
      new RegExp(`^kept is of another run, which differs in ${what}, expected`),
    );
  for (const given of [{ threads: 2 }, { simd: false }] satisfies MatchOptions[])
    assert.ok((await matchUntil(MLP, { ...options, ...given }, kept, 0)).matching !== undefined);
});

test("what is no checkpoint is refused, and so is one with any byte changed or missing", async () => {
  const { kept } = (await matchUntil(MLP, { perturb: 0.1 }, undefined, 1)) as { kept: Uint8Array<ArrayBuffer> };
  const file = await encodeSafetensors(MLP[0]);
  await rejects(() => matchUntil(MLP, { perturb: 0.1 }, file, 0), FormatError, /^kept is no checkpoint of a matching/);
  const header = new DataView(kept.buffer).getUint32(0, true) + 8;
  const rng = createRng(4);
  for (let i = 0; i < 40; i++) {
    const torn = kept.slice();
    const at = i < 30 ? header + rng.below(kept.length - header) : rng.below(header);
    torn[at]! ^= 1 << rng.below(8);
    let error: unknown;
    try {
      await matchUntil(MLP, { perturb: 0.1 }, torn, 0);
    } catch (caught) {
      error = caught;
    }
    assert.ok(error instanceof FormatError || error instanceof RangeError, `byte ${at}: ${error}`);
  }
  for (const length of [kept.length - 1, header, header - 1, 7])
    await rejects(() => matchUntil(MLP, { perturb: 0.1 }, kept.slice(0, length), 0), FormatError, /./);
});

test("an aborted matching leaves what was kept, and rejects with the signal's reason", async () => {
  const stop = new AbortController();
  let last: Uint8Array<ArrayBuffer> | undefined;
  const options: MatchOptions = { perturb: 0.3, seed: 2 };
  const save = async (state: Model): Promise<void> => {
    last = await encodeSafetensors(state);
    stop.abort(new Error("enough"));
  };
  const [a, b, spec] = MLP;
  await rejects(
    () => matchWeights(a, b, spec, { ...options, signal: stop.signal, checkpoint: { save } }),
    Error,
    /^enough$/,
  );
  const resumed = await matchUntil(MLP, options, last, 0);
  assert.ok(resumed.matching !== undefined);
  assert.equal(resultOf(resumed.matching), resultOf(await matchWeights(a, b, spec, options)));
});

test.run();
