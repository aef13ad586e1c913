import { suite } from "uvu";
import * as assert from "uvu/assert";
import { pairNames, prefixesInside } from "../../../src/perm/pair-names.ts";
import { isSpare } from "../../../src/perm/spare-tensors.ts";

const test = suite("pairing names");

const PLAIN = ["features.0.weight", "features.0.bias", "features.1.num_batches_tracked", "head.weight", "head.bias"];
const side = (names: readonly string[]) => ({ names, isSpare: (name: string) => isSpare(name) });
const pair = (a: readonly string[], b: readonly string[]) => pairNames(side(a), side(b));

/** Every name of A goes with the name of B at the same place. */
function pairsInOrder(a: readonly string[], b: readonly string[]): void {
  const { pairs, onlyA, onlyB } = pair(a, b);
  assert.equal(
    [...pairs],
    a.map((name, i) => [name, b[i]!]),
  );
  assert.equal([onlyA, onlyB], [[], []]);
}

test("what wraps all names of one side is passed over, nested, whatever it is called, in both directions", () => {
  for (const prefix of [
    "module.",
    "_orig_mod.",
    "model.",
    "state_dict.",
    "params_ema.",
    "module._orig_mod.model.",
    "a.b/c.",
    "encoder.",
  ]) {
    const wrapped = PLAIN.map((name) => prefix + name);
    pairsInOrder(PLAIN, wrapped);
    pairsInOrder(wrapped, PLAIN);
    assert.equal(pair(PLAIN, wrapped).removed, ["", prefix.replace("/", ".")]);
  }
});

test("in the middle: behind a start that both share, and wherever a wrapper stands", () => {
  const inside = (words: string): string[] =>
    ["layers.0.weight", "layers.0.bias"].map((name) => `backbone.${words}${name}`);
  pairsInOrder(inside(""), inside("module."));
  pairsInOrder(inside("_orig_mod.x."), inside(""));
  const some = PLAIN.map((name) => name.replace(/^features\./, "features.module."));
  pairsInOrder(PLAIN, some);
  pairsInOrder(some, PLAIN);
  const blocks = PLAIN.map((name) => name.replace(/^(\w+)\./, "$1._fsdp_wrapped_module."));
  pairsInOrder(some, blocks);
});

test("wrappers of both sides; one name inside of another; lists and brackets", () => {
  pairsInOrder(
    PLAIN.map((name) => `model.${name}`),
    PLAIN.map((name) => `module.${name}`),
  );
  pairsInOrder(["0.weight", "1.weight"], ["model.0.weight", "model.1.weight"]);
  pairsInOrder(
    ["['params']['a']['kernel']", "['params']['b']['kernel']"],
    ["['x']['params']['a']['kernel']", "['x']['params']['b']['kernel']"],
  );
});

test("a counter outside of what wraps the others", () => {
  const { pairs, onlyA, onlyB, removed } = pair(PLAIN, ["n_averaged", ...PLAIN.map((name) => `module.${name}`)]);
  assert.is(pairs.size, PLAIN.length);
  assert.equal([onlyA, onlyB], [[], ["n_averaged"]]);
  assert.equal(removed, ["", "module."]);
});

test("never two of one side as one; other words that differ on both sides stay apart", () => {
  assert.is(pair(["a.weight", "module.a.weight"], ["a.weight", "b.weight"]).pairs.get("a.weight"), "a.weight");
  assert.is(pair(["encoder.0.weight"], ["decoder.0.weight"]).pairs.size, 0);
  assert.equal(pair([], ["a"]).onlyB, ["a"]);
});

test("what only one side has is told in its own names", () => {
  const { pairs, onlyA, onlyB, asA } = pair(
    PLAIN.slice(0, 3),
    PLAIN.map((name) => `module.${name}`),
  );
  assert.is(pairs.size, 3);
  assert.equal(onlyA, []);
  assert.equal(onlyB, ["module.head.weight", "module.head.bias"]);
  assert.is(asA("module.head.weight"), "head.weight");
});

test("what only B has is called as A would", () => {
  const wrapped = PLAIN.map((name) => `module.${name}`);
  const more = [...PLAIN, "norm.num_batches_tracked", "n_averaged"];
  const { onlyB, asA } = pair(wrapped, more);
  assert.equal(onlyB.map(asA), ["module.norm.num_batches_tracked", "n_averaged"]);
  const turned = pair(
    PLAIN,
    more.map((name) => `module.${name}`),
  );
  assert.equal(turned.onlyB.map(turned.asA), ["norm.num_batches_tracked", "n_averaged"]);
});

test("many names, and names of many words, take no long time", () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `a.${i}.weight`);
  assert.is(
    pair(
      names,
      names.map((name) => `b.${name}`),
    ).pairs.size,
    20_000,
  );
  const deep = (word: string): string[] => names.slice(0, 1000).map((name) => `${`${word}.`.repeat(400)}${name}`);
  assert.is(pair(deep("x"), deep("y")).pairs.size, 0);
  assert.equal(
    prefixesInside(
      names,
      names.map((name) => `b.${name}`),
    ),
    ["b."],
  );
});

test("prefixes under which B has all names of A", () => {
  const nets = ["net.", "ema."].flatMap((prefix) => PLAIN.map((name) => prefix + name));
  assert.equal(prefixesInside(PLAIN, nets), ["net.", "ema."]);
  assert.equal(prefixesInside(PLAIN, PLAIN), []);
  assert.equal(prefixesInside(nets, PLAIN), []);
});

test.run();
