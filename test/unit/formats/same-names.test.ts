import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { namedAs } from "../../../src/formats/same-names.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("same-names");

/** A model of one byte a tensor: its place in the list. */
const modelOf = (names: readonly string[]): Model =>
  memoryModel(new Map(names.map((name, i) => [name, { dtype: "U8", shape: [1], data: Uint8Array.of(i) }])));

const PLAIN = ["0.weight", "0.bias", "10.weight", "10.bias"];
const FORMS: readonly [what: string, names: readonly string[]][] = [
  ["NumPy's paths", PLAIN.map((name) => name.replace(".", "/"))],
  ["JAX's", PLAIN.map((name) => name.replace(/(\w+)\.(\w+)/, "['$1']['$2']"))],
  ["JAX's with numbers", PLAIN.map((name) => name.replace(/(\w+)\.(\w+)/, '[$1]["$2"]'))],
  ["DataParallel's", PLAIN.map((name) => `module.${name}`)],
  ["compiled and wrapped", PLAIN.map((name) => `model._orig_mod.${name}`)],
  ["wrapped in an archive", PLAIN.map((name) => `params/${name.replace(".", "/")}`)],
];

for (const [what, names] of FORMS) {
  test(`${what} names are one another's`, async () => {
    for (const [model, like] of [
      [modelOf(names), modelOf(PLAIN)],
      [modelOf(PLAIN), modelOf([...names].reverse())],
    ] as const) {
      const renamed = namedAs(model, like);
      assert.equal([...renamed.tensors.keys()].sort(), [...like.tensors.keys()].sort());
      const own = [...model.tensors.keys()];
      for (const [i, name] of [...renamed.tensors.keys()].entries()) {
        assert.equal([...(await renamed.read(name))], [i]);
        assert.is(names.indexOf(name) >= 0 ? PLAIN.indexOf(own[i]!) : names.indexOf(own[i]!), i);
      }
      await rejects(() => renamed.read("none"), RangeError, /has no tensor "none"/);
    }
  });
}

test("names that are the same, or not each other's, stay", () => {
  const plain = modelOf(PLAIN);
  for (const names of [
    [...PLAIN].reverse(),
    PLAIN.slice(1),
    [...PLAIN.slice(1), "module.0.weight"],
    PLAIN.map((name, i) => `${i === 0 ? "a" : "b"}.${name}`),
    PLAIN.map((name) => `x${name}`),
    ["a/b", "a.b", "['a']['b']", "c"],
  ]) {
    const model = modelOf(names);
    assert.is(namedAs(model, plain), model, names.join());
    assert.is(namedAs(plain, model), plain, names.join());
  }
  assert.is(namedAs(modelOf([]), modelOf([])).tensors.size, 0);
});

test("many names take no long time", () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `a.${i}.weight`);
  const model = modelOf(names.map((name) => `b.${name}`));
  assert.is(namedAs(model, modelOf(names)).tensors.size, 20_000);
});

test.run();
