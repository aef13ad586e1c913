import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Spec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { matchWeights } from "../../../src/match/match-weights.ts";
import { mergeModels } from "../../../src/merge/merge-models.ts";
import { pairOf } from "../../../src/perm/pair.ts";
import { rebasin } from "../../../src/plan/rebasin.ts";
import { rejects } from "../../reference/expect-error.ts";
import { mlpNetwork, toModel } from "../../reference/networks.ts";

const test = suite("pairs");

/** A map that counts how often its names are gone through, and how often it is looked through whole. */
class CountingMap<V> extends Map<string, V> {
  walks = 0;
  override keys() {
    this.walks++;
    return super.keys();
  }
  override [Symbol.iterator]() {
    this.walks++;
    return super[Symbol.iterator]();
  }
}

/** B's tensors are gone through by the comparison alone; a resolving goes through the names of the spec's permutations. */
function counted(): { a: Model; b: Model; spec: Spec; compared: () => number; resolved: () => number } {
  const { tensors, spec } = mlpNetwork(createRng(1));
  const a = toModel(tensors);
  const ofB = new CountingMap(toModel(mlpNetwork(createRng(1)).tensors).tensors);
  const permutations = new (class extends Map<string, never> {
    resolved = 0;
    override keys() {
      this.resolved++;
      return super.keys();
    }
  })();
  return {
    a,
    b: { ...a, name: "b", tensors: ofB },
    spec: { ...spec, permutations },
    compared: () => ofB.walks,
    resolved: () => permutations.resolved,
  };
}

test("a merge compares the models once and resolves the spec once", async () => {
  const { a, b, spec, compared, resolved } = counted();
  pairOf(a, b, spec);
  const [once, resolvedOnce] = [compared(), resolved()];
  assert.is(once, 1);
  assert.is(resolvedOnce, 1);
  await rebasin(a, b, { spec });
  assert.is(compared() - once, 1);
  assert.is(resolved() - resolvedOnce, 1);
});

test("a pair in place of the spec is checked no more, and gives the same", async () => {
  const { a, b, spec, compared, resolved } = counted();
  const pair = pairOf(a, b, spec);
  const { alignment, report } = await matchWeights(a, b, pair);
  const merged = await mergeModels(a, b, pair, alignment);
  assert.is(compared(), 1);
  assert.is(resolved(), 1);
  assert.is(report.objective, (await matchWeights(a, b, spec)).report.objective);
  assert.equal(merged.metadata, (await mergeModels(a, b, spec, alignment)).metadata);
});

test("a pair of other models is made anew from its spec", async () => {
  const { a, b, spec } = counted();
  const pair = pairOf(a, b, spec);
  assert.is(pairOf(a, b, pair), pair);
  assert.is(pairOf(b, a, pair).a, b);
  const other: Model = { ...a, name: "other", tensors: new Map([...a.tensors].slice(1)) };
  await rejects(() => matchWeights(a, other, pair), SpecError, /do not hold the same tensors/);
});

test("what is no alignment is named", async () => {
  const { a, b, spec } = counted();
  await rejects(() => mergeModels(a, b, spec, {} as never), TypeError, /permutations are object, expected a Map/);
});

test.run();
