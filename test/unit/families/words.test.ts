import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../../src/base/rng.ts";
import { haveWord, pathNumbers, unnumbered, withoutDimensions } from "../../../src/families/words.ts";

const test = suite("words of module names");

/** Strings of what module names are made of, and of what could be mistaken for it. */
function* texts(seed: number, count: number): Generator<string> {
  const rng = createRng(seed);
  const pieces = "conv Conv2 norm bn BN Batch layer fc 0 1 2 3 12 d D 1d 2d 3D . _ - é ² 🙂 resid skip".split(" ");
  const pick = (): string => pieces[rng.below(pieces.length)]!;
  for (let k = 0; k < count; k++) yield Array.from({ length: rng.below(8) }, pick).join("");
}

test("numbers and words without them are what patterns say", () => {
  for (const text of texts(1, 20_000)) {
    const plain = text.replace(/(conv|norm|bn)[123]d/gi, "$1");
    assert.is(withoutDimensions(text), plain, text);
    assert.equal(pathNumbers(text), (plain.match(/\d+/g) ?? []).map(Number), text);
    assert.is(unnumbered(text), text.toLowerCase().replace(/[_-]?\d+$/, ""), text);
  }
});

test("numbers in the names of real modules", () => {
  const numbers: [string, number[]][] = [
    ["layer1.0.conv2", [1, 0, 2]],
    ["conv2d", []],
    ["BatchNorm1d_3", [3]],
    ["Conv2d_10", [10]],
    ["features.12", [12]],
    ["head", []],
    ["", []],
  ];
  for (const [path, expected] of numbers) assert.equal(pathNumbers(path), expected, path);
  const words: [string, string][] = [
    ["conv_1", "conv"],
    ["Conv-12", "conv"],
    ["layer__1", "layer_"],
    ["7", ""],
    ["-7", ""],
    ["x2y", "x2y"],
  ];
  for (const [word, expected] of words) assert.is(unnumbered(word), expected, word);
});

test("a list of words is what a pattern of the same words says", () => {
  const words = { whole: new Set(["conv", "fc"]), starts: ["resid", "bn"], ends: ["layer", "2d"], parts: ["norm"] };
  const pattern = /^(?:conv|fc|(?:resid|bn).*|.*(?:layer|2d)|.*norm.*)$/s;
  let found = 0;
  for (const text of texts(2, 20_000)) {
    assert.is(haveWord(words, text), pattern.test(text), text);
    if (pattern.test(text)) found++;
  }
  assert.ok(found > 1000);
});

test.run();
