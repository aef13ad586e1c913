import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAxis, resolveAxis } from "../../../src/axes/axis.ts";
import { cellsOf } from "../../../src/axes/cells.ts";
import type { Cell, ResolvedTensor } from "../../../src/axes/types.ts";

const test = suite("cells");
const SIZES = new Map([
  ["A", 2],
  ["B", 3],
]);
const INDEX = new Map([
  ["A", 0],
  ["B", 1],
]);

function tensor(texts: string[], shape: number[]): ResolvedTensor {
  const axes = texts.map((text, i) => resolveAxis(parseAxis(text), shape[i]!, SIZES, INDEX, `t axis ${i}`));
  return { name: "t", info: { dtype: "F32", shape }, axes, votes: true, moves: true };
}

function indices(cell: Cell): number[] {
  let all = [cell.base];
  for (const dim of cell.dims)
    all = all.flatMap((at) => Array.from({ length: dim.size }, (_, i) => at + i * dim.stride));
  return all;
}

test("cells partition the tensor", () => {
  const choices: [string, number][] = [
    ["A", 2],
    ["B*2", 6],
    ["A|B", 5],
    ["2*A|3", 7],
    ["_", 4],
    ["A*B|_", 8],
    ["1", 1],
    ["_", 0],
    ["0|B", 3],
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...choices), { maxLength: 4 }), (list) => {
      const shape = list.map(([, size]) => size);
      const all = cellsOf(
        tensor(
          list.map(([text]) => text),
          shape,
        ),
      )
        .flatMap(indices)
        .sort((a, b) => a - b);
      assert.is(
        all.length,
        shape.reduce((a, b) => a * b, 1),
      );
      assert.is(
        all.findIndex((index, i) => index !== i),
        -1,
      );
    }),
    { seed: 7, numRuns: 200 },
  );
});

test("free dims that lie contiguously are merged, free dims of size 1 dropped", () => {
  assert.equal(cellsOf(tensor(["A", "B", "_", "_"], [2, 3, 5, 5])), [
    {
      base: 0,
      dims: [
        { size: 2, stride: 75, permutation: 0 },
        { size: 3, stride: 25, permutation: 1 },
        { size: 25, stride: 1, permutation: -1 },
      ],
    },
  ]);
  assert.equal(cellsOf(tensor(["_", "A*4"], [1, 8])), [
    {
      base: 0,
      dims: [
        { size: 2, stride: 4, permutation: 0 },
        { size: 4, stride: 1, permutation: -1 },
      ],
    },
  ]);
  assert.equal(cellsOf(tensor(["_", "_"], [4, 5])), [{ base: 0, dims: [{ size: 20, stride: 1, permutation: -1 }] }]);
  // A column range: rows of 5 elements inside rows of 7 do not merge with them.
  assert.equal(cellsOf(tensor(["_", "A|5"], [4, 7]))[1], {
    base: 2,
    dims: [
      { size: 4, stride: 7, permutation: -1 },
      { size: 5, stride: 1, permutation: -1 },
    ],
  });
});

test("a scalar is one cell, an empty tensor none", () => {
  assert.equal(cellsOf(tensor([], [])), [{ base: 0, dims: [] }]);
  assert.equal(cellsOf(tensor(["A", "_"], [2, 0])), []);
  assert.equal(cellsOf(tensor(["1", "_"], [1, 1])), [{ base: 0, dims: [] }]);
});

test.run();
