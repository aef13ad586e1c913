import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compareTensors, describeDifferences } from "../../src/spec/compare.ts";
import { list, mlp, type Tensors } from "../reference/architectures.ts";

const test = suite("compare");

test("equal tensors in another order do not differ", () => {
  assert.equal(compareTensors(mlp([3, 2, 1]), new Map([...mlp([3, 2, 1])].reverse())), []);
});

test("missing, shape, dtype in A's order, then extra", () => {
  const a = list((t) => t.add("x", [2]).add("__proto__", [2, 3]).add("z", [4]));
  const b = list((t) => t.add("new", []).add("z", [4, 1], "F16").add("__proto__", [3, 2]));
  const differences = compareTensors(a, b);
  assert.equal(differences, [
    { kind: "missing", tensor: "x", a: "F32 [2]", b: null },
    { kind: "shape", tensor: "__proto__", a: "F32 [2, 3]", b: "F32 [3, 2]" },
    { kind: "shape", tensor: "z", a: "F32 [4]", b: "F16 [4, 1]" },
    { kind: "dtype", tensor: "z", a: "F32 [4]", b: "F16 [4, 1]" },
    { kind: "extra", tensor: "new", a: null, b: "F32 []" },
  ]);
  assert.is(
    describeDifferences(differences, 2),
    "x is missing in B, expected F32 [2] as in A; __proto__ has shape F32 [3, 2] in B, expected F32 [2, 3] as in A; and 3 more",
  );
  assert.match(describeDifferences(differences), /; new is F32 \[\] in B, expected no such tensor as in A$/);
});

test("the first ten are described, then counted", () => {
  const many: Tensors = list((t) => {
    for (let i = 0; i < 13; i++) t.add(`t${i}`, [1]);
  });
  const text = describeDifferences(compareTensors(many, new Map()));
  assert.is(text.split("; ").length, 11);
  assert.match(text, /; and 3 more$/);
});

test.run();
