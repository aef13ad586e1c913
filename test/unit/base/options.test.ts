import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../../src/base/model.ts";
import { COMPUTING, checkOptions, type OptionKinds, RUNNING } from "../../../src/base/options.ts";
import { createRng } from "../../../src/base/rng.ts";
import { mergeMany } from "../../../src/many/merge-many.ts";
import { matchCosts } from "../../../src/match/match-costs.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { mergeModels } from "../../../src/merge/merge-models.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { pairOf } from "../../../src/perm/pair.ts";
import { rebasin } from "../../../src/plan/rebasin.ts";
import { rejects } from "../../reference/expect-error.ts";
import { mlpNetwork, type Network, toModel } from "../../reference/networks.ts";

const test = suite("options");

const { tensors, spec }: Network = mlpNetwork(createRng(1));
const model: Model = toModel(tensors);

interface Some {
  readonly share?: number | undefined;
  readonly name?: string | undefined;
  readonly names?: readonly string[] | undefined;
  readonly table?: ReadonlyMap<string, string> | undefined;
}
const KINDS: OptionKinds<Some> = { share: "number", name: "string", names: "list", table: "object" };

// @ts-expect-error: `table` is forgotten
export const FORGOTTEN: OptionKinds<Some> = { share: "number", name: "string", names: "list" };
// @ts-expect-error: `share` is a number
export const MISTAKEN: OptionKinds<Some> = { ...KINDS, share: "string" };

test("every kind takes its values and undefined, and refuses others with a TypeError that says what came", () => {
  checkOptions("f", { share: 1, name: "a", names: [], table: new Map() }, KINDS);
  checkOptions("f", { share: undefined, name: undefined, names: undefined, table: undefined }, KINDS);
  checkOptions(
    "f",
    { signal: new AbortController().signal, onProgress() {}, simd: false },
    { ...RUNNING, ...COMPUTING },
  );
  const refused: [object, string][] = [
    [{ share: "0.3" }, 'f option "share" is "0.3", expected a number'],
    [{ share: null }, 'f option "share" is null, expected a number'],
    [{ name: 3 }, 'f option "name" is 3, expected a string'],
    [{ names: "P0" }, 'f option "names" is "P0", expected a list'],
    [{ table: null }, 'f option "table" is null, expected an object'],
    [{ table: () => 1 }, 'f option "table" is function, expected an object'],
    [{ shape: 1 }, 'f option "shape", expected one of share, name, names, table'],
    [JSON.parse('{ "__proto__": 1 }'), 'f option "__proto__", expected one of share, name, names, table'],
    [{ constructor: 1 }, 'f option "constructor", expected one of share, name, names, table'],
  ];
  for (const [options, message] of refused) {
    assert.throws(
      () => checkOptions("f", options, KINDS),
      (error: Error) => error instanceof TypeError && error.message === message,
      message,
    );
  }
  assert.throws(
    () => checkOptions("f", { signal: new AbortController() }, RUNNING),
    /option "signal" is object, expected an AbortSignal/,
  );
});

test("values of wrong types are a TypeError in every function, before any work", async () => {
  const wrong = (value: unknown) => value as never;
  const none = new Map();
  const calls: [() => Promise<unknown>, RegExp][] = [
    [() => mergeModels(model, model, spec, none, { lambda: wrong("0.3") }), /lambda.* is "0.3", expected a number/],
    [() => rebasin(model, model, { spec, lambda: wrong("0.3") }), /lambda is "0.3", expected a number or a list/],
    [() => rebasin(model, model, { spec, lambda: wrong([0.1, "0.3"]) }), /lambda is "0.3", expected a number/],
    [() => rebasin(model, model, { spec, simd: wrong("no") }), /simd.* is "no", expected true or false/],
    [() => matchWeights(model, model, spec, { seed: wrong("1") }), /seed.* is "1", expected a number/],
    [
      () => matchWeights(model, model, spec, { threads: wrong(true) }),
      /threads is true, expected "auto" or a positive/,
    ],
    [() => matchWeights(model, model, spec, { only: wrong("P0") }), /only.* is "P0", expected a list/],
    [() => mergeMany([model, model], spec, { maxRounds: wrong("3") }), /maxRounds.* is "3", expected a number/],
    [() => applyPermutations(model, spec, none, { inverse: wrong(1) }), /inverse.* is 1, expected true or false/],
    [async () => matchCosts(pairOf(model, model, spec).resolved, none, { simd: wrong(0) }), /simd.* is 0, expected/],
  ];
  for (const [call, message] of calls) await rejects(call, TypeError, message);
});

test.run();
