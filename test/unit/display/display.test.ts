/** What notebooks show: the forms, and that names from files stay text. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { SpecError } from "../../../src/base/errors.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng, randomPermutation } from "../../../src/base/rng.ts";
import {
  type Display,
  displayCurve,
  displayHeatMap,
  displayModel,
  displayPermutations,
  JUPYTER_DISPLAY,
} from "../../../src/notebook.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("display");

const HOSTILE = '</text><script>alert("1")</script>&amp;\u0000\u202e\ud800<!--';

function modelOf(shapes: readonly (readonly [string, readonly number[]])[], name = "model"): Model {
  const tensors = shapes.map(([tensor, shape]) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return [tensor, { dtype: "F32", shape, data: new Uint8Array(4 * count) }] as const;
  });
  return memoryModel(new Map(tensors), { name });
}

const MLP = modelOf([
  ["layers.0.weight", [6, 4]],
  ["layers.0.bias", [6]],
  ["layers.1.weight", [3, 6]],
  ["layers.1.bias", [3]],
]);

/** Checks the three forms, and that the SVG's elements close each other, none of them one that runs or loads. */
function checkForms(display: Display): void {
  const bundle = display[JUPYTER_DISPLAY]();
  assert.equal(Object.keys(bundle), ["image/svg+xml", "text/html", "text/plain"]);
  assert.is(bundle["image/svg+xml"], display.svg);
  assert.is(bundle["text/html"], display.svg);
  assert.is(bundle["text/plain"], display.text);
  assert.ok(display.text.length > 0);
  const open: string[] = [];
  const rest = display.svg.replaceAll(
    /<(\/?)([a-zA-Z]+)((?: [a-zA-Z0-9:-]+="[^"<]*")*)(\/?)>/g,
    (_, end, name, attributes, alone) => {
      assert.ok(!/^(script|foreignObject|iframe|a)$/i.test(name), name);
      assert.not.match(attributes, / on[a-z]+=| href="(?!data:image\/png;base64,)/);
      if (end) assert.is(open.pop(), name);
      else if (!alone) open.push(name);
      return "";
    },
  );
  assert.equal(open, []);
  assert.not.match(rest, /[<\p{Cs}\u202e]|(?!\n)\p{Cc}/u);
  assert.match(display.svg, /^<svg /);
}

test("the key is the one that Deno's kernel looks up", () => {
  assert.is(JUPYTER_DISPLAY, Symbol.for("Jupyter.display"));
});

test("a model: family, tensors, axes, bytes, groups", async () => {
  const display = await displayModel(MLP);
  checkForms(display);
  for (const part of ["mlp", "layers.0.weight", "[P0, 4]", "51 numbers (F32), 204 bytes", "10^2.9 numberings"]) {
    assert.ok(display.text.includes(part), `${part} in ${display.text}`);
    assert.ok(display.svg.includes(part), part);
  }
});

test("a model of no family is shown with the reason; a spec that does not fit is an error", async () => {
  const odd = modelOf([["q", [2, 2, 2, 2, 2]]]);
  const display = await displayModel(odd);
  checkForms(display);
  assert.match(display.text, /family {2}none: .*no known family/);
  assert.not.match(display.text, "permutation");
  await rejects(() => displayModel(odd, { spec: "mlp" }), SpecError, /mlp|expected/);
  checkForms(await displayModel(modelOf([])));
});

test("names from files stay text", async () => {
  checkForms(
    await displayModel(
      modelOf(
        [
          [HOSTILE, [2]],
          ["__proto__", []],
          ["x".repeat(1000), [1]],
        ],
        HOSTILE,
      ),
    ),
  );
  checkForms(displayPermutations(new Map([[HOSTILE, Int32Array.of(1, 0)]])));
  checkForms(
    await displayCurve([{ name: HOSTILE, points: [{ lambda: 0, loss: 1, accuracy: 0.5 }] }], { title: HOSTILE }),
  );
  checkForms(await displayHeatMap({ rows: 1, columns: 1, values: [1] }, { title: HOSTILE, rowLabel: HOSTILE }));
});

test("many rows are cut, and the rest is counted", async () => {
  const many = modelOf(Array.from({ length: 70 }, (_, i) => [`t${i}`, [1]] as const));
  const display = await displayModel(many);
  assert.match(display.text, "… and 10 more");
  assert.match(display.svg, "… and 10 more");
  assert.not.match((await displayModel(many, { rows: 70 })).text, "more");
  await rejects(() => displayModel(many, { rows: 0 }), RangeError, /rows 0, expected/);
  const permutations = new Map(Array.from({ length: 30 }, (_, i) => [`P${i}`, Int32Array.of(0)] as const));
  assert.match(displayPermutations(permutations).text, "… and 6 more");
});

/** Marks of the first picture, as "column,row". */
const marksOf = ({ svg }: Display): string[] =>
  [...svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, column, row]) => `${column},${row}`);

test("a permutation is marked where it takes its units from", () => {
  const display = displayPermutations(new Map([["P0", Int32Array.of(2, 0, 1, 3)]]));
  checkForms(display);
  assert.equal(marksOf(display), ["2,0", "0,1", "1,2", "3,3"]);
  assert.match(display.text, /P0 +4 +3/);
  checkForms(displayPermutations(new Map()));
  assert.throws(() => displayPermutations(new Map([["P0", Int32Array.of(0, 0)]])), /P0 has 0 twice/);
});

test("large permutations are binned: the identity stays a diagonal, every unit in some cell", () => {
  const n = 1000;
  const identity = Int32Array.from({ length: n }, (_, i) => i);
  const cells = marksOf(displayPermutations(new Map([["P", identity]])));
  assert.is(cells.length, 48);
  for (const cell of cells) assert.is(cell.split(",")[0], cell.split(",")[1]);
  const shuffled = randomPermutation(n, createRng(1));
  const display = displayPermutations(new Map([["P", shuffled]]));
  assert.ok(display.svg.length < 60_000, `${display.svg.length} characters`);
  assert.ok(marksOf(display).length > 300);
});

test("curves and matrices", async () => {
  const points = [0, 0.5, 1].map((lambda) => ({ lambda, loss: 0.3 + lambda, accuracy: 0.9 }));
  const curve = await displayCurve([{ name: "naive", points }]);
  checkForms(curve);
  assert.match(curve.text, /naive +0\.500 +0\.8000 +0\.9000/);
  const map = await displayHeatMap({ rows: 2, columns: 3, values: [1, 2, 3, 4, 5, Number.NaN] }, { title: "Cost" });
  checkForms(map);
  assert.is(map.text, "Cost: 2 × 3, from 1.000 to 5.000");
});

test.run();
