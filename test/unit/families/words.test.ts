import { suite } from "uvu";
import * as assert from "uvu/assert";
import { partOf, pathNumbers } from "../../../src/families/words.ts";

const test = suite("words of module names");

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
});

test("a word has a stem, subwords and numbers", () => {
  const words: [string, string, string[], number[]][] = [
    ["conv_1", "conv", ["conv"], [1]],
    ["Dense", "dense", ["dense"], []],
    ["BNLayer2", "bn-layer", ["bn", "layer"], [2]],
    ["BN_1", "bn", ["bn"], [1]],
    ["convIn", "conv-in", ["conv", "in"], []],
    ["conv2d_transpose", "conv-transpose", ["conv", "transpose"], []],
    ["conv1_bn2", "conv-#-bn", ["conv", "bn"], [1, 2]],
    ["7", "", [], [7]],
  ];
  for (const [text, stem, subwords, numbers] of words) {
    const part = partOf(text);
    assert.equal([part.stem, part.subwords, part.numbers], [stem, subwords, numbers], text);
    assert.is(part.isIndex, text === "7", text);
  }
});

test.run();
