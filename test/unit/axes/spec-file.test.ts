import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatSpec, parseSpec, prettySpec, specFingerprint } from "../../../src/axes/spec-file.ts";
import type { Axis, Spec } from "../../../src/axes/types.ts";
import { SpecError } from "../../../src/base/errors.ts";

const test = suite("spec-file");

const EXAMPLE = `{ "format": "rebasin-spec/1", "tensors": { "fc.weight": { "axes": ["P1", "P0 * 49"], "votes": true }, "o": { "axes": [], "votes": false } },
  "permutations": { "V": { "outer": "H", "inner": 64 } }, "rest": "fixed" }`;

function fails(source: string | object, message: string): void {
  assert.throws(
    () => parseSpec(source, "x.json"),
    (error: unknown) => {
      assert.instance(error, SpecError);
      assert.is((error as Error).message, message);
      return true;
    },
  );
}

const wrap = (tensors: string, more = ""): string => `{"format":"rebasin-spec/1","tensors":${tensors}${more}}`;

test("the example of the spec file form", () => {
  const spec = parseSpec(EXAMPLE);
  assert.equal(
    [...spec.tensors],
    [
      ["fc.weight", { axes: [[["P1"]], [["P0", 49]]], votes: true }],
      ["o", { axes: [], votes: false }],
    ],
  );
  assert.equal([...spec.permutations], [["V", { outer: "H", inner: 64 }]]);
  assert.is(spec.rest, "fixed");
  assert.is(parseSpec(wrap("{}")).rest, "refused");
  assert.equal(parseSpec(JSON.parse(EXAMPLE)), spec);
  assert.equal(parseSpec(`\uFEFF${EXAMPLE}`), spec);
});

test("canonical text: sorted, no whitespace, defaults written; votes default to true", () => {
  const text =
    '{"format":"rebasin-spec/1","permutations":{"V":{"inner":64,"outer":"H"}},"rest":"fixed","tensors":{"fc.weight":{"axes":["P1","P0*49"],"votes":true},"o":{"axes":[],"votes":false}}}';
  assert.is(formatSpec(parseSpec(EXAMPLE)), text);
  assert.is(
    formatSpec(parseSpec(wrap('{"b":{"axes":[]},"a":{"axes":["_"]}}'))),
    '{"format":"rebasin-spec/1","permutations":{},"rest":"refused","tensors":{"a":{"axes":["_"],"votes":true},"b":{"axes":[],"votes":true}}}',
  );
});

test("parse(format(s)) and parse(pretty(s)) equal s, whatever the tensors are called", () => {
  const name = fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "10", 'quote"\\', "\u2028"));
  const axis: fc.Arbitrary<Axis> = fc.constantFrom<Axis>([["P1"]], [["_"]], [["P0", 49], ["P1"]], [[3, "H", 64]]);
  const tensor = fc.record({ axes: fc.array(axis, { maxLength: 3 }), votes: fc.boolean() }, { noNullPrototype: true });
  const spec = fc.record(
    {
      tensors: fc.array(fc.tuple(name, tensor)).map((entries) => new Map(entries)),
      permutations: fc.constantFrom(
        new Map(),
        new Map([
          ["V", { outer: "H", inner: 64 }],
          ["__proto__", { outer: "H", inner: 1 }],
        ]),
      ),
      rest: fc.constantFrom<Spec["rest"]>("refused", "fixed"),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(spec, (value) => {
      const given = { ...value, basis: "given", assumptions: [] };
      assert.equal(parseSpec(formatSpec(value)), given);
      assert.equal(parseSpec(prettySpec(value)), given);
      const reversed = new Map([...value.tensors].reverse());
      assert.is(formatSpec({ ...value, tensors: reversed }), formatSpec(value));
    }),
    { seed: 11, numRuns: 150 },
  );
});

test("pretty form: one tensor a line, in the spec's order", () => {
  assert.is(
    prettySpec(parseSpec(EXAMPLE)),
    `{
  "format": "rebasin-spec/1",
  "tensors": {
    "fc.weight": { "axes": ["P1", "P0*49"] },
    "o": { "axes": [], "votes": false }
  },
  "permutations": {
    "V": { "outer": "H", "inner": 64 }
  },
  "rest": "fixed"
}
`,
  );
});

test("the fingerprint is the SHA-256 of the canonical text", async () => {
  const spec = parseSpec('{"format":"rebasin-spec/1","tensors":{}}');
  // sha256 of {"format":"rebasin-spec/1","permutations":{},"rest":"refused","tensors":{}}
  assert.is(await specFingerprint(spec), "58f54a0c3abdcbd3e70fdf7d757b90556755776e9cfc9a0de8741f2c3901ae39");
  assert.is(await specFingerprint({ ...spec, family: "mlp", why: "because", frozen: [] }), await specFingerprint(spec));
  assert.is.not(await specFingerprint({ ...spec, rest: "fixed" }), await specFingerprint(spec));
});

test("the reference form", () => {
  const spec = parseSpec('{"axes":{"fc.weight":["D","C4",null],"fc.bias":[null]},"reshape":{"fc.weight":[256,128,9]}}');
  assert.is(spec.rest, "reference");
  assert.equal(
    [...spec.tensors],
    [
      ["fc.weight", { axes: [[["D"]], [["C4"]], [["_"]]], votes: true, reshape: [256, 128, 9] }],
      ["fc.bias", { axes: [[["_"]]], votes: true, reshape: undefined }],
    ],
  );
  assert.throws(() => formatSpec(spec), /spec is of the reference form, expected one bound to a model/);
  fails(
    '{"axes":{"w":["D",null]},"reshape":{"w":[2]}}',
    "x.json tensor w has reshape [2], expected 2 sizes as it has 2 axes",
  );
  fails('{"axes":{"w":["D"]},"reshape":{"v":[2]}}', 'x.json reshapes v, expected a tensor listed in "axes"');
  fails('{"axes":{"w":["D"]},"tensors":{}}', 'x.json has the unknown key "tensors", expected axes, reshape');
});

test("malformed files are refused with the place", () => {
  fails("[]", "x.json is a list, expected an object");
  fails("null", "x.json is null, expected an object");
  fails("{}", 'x.json has format missing, expected "rebasin-spec/1" or "rebasin-spec/2"');
  fails(
    '{"format":"rebasin-spec/3"}',
    'x.json has format "rebasin-spec/3", expected "rebasin-spec/1" or "rebasin-spec/2"',
  );
  fails('{"format":"rebasin-spec/1"}', 'x.json "tensors" is missing, expected an object');
  fails(
    wrap("{}", ',"Rest":"fixed"'),
    'x.json has the unknown key "Rest", expected format, tensors, permutations, rest',
  );
  fails(wrap("{}", ',"rest":"reference"'), 'x.json has rest "reference", expected "fixed" or "refused"');
  fails(wrap('{"w":{"axes":["P"],"vote":true}}'), 'x.json tensor w has the unknown key "vote", expected axes, votes');
  fails(wrap('{"w":{"axes":["P"],"votes":1}}'), "x.json tensor w has votes 1, expected true or false");
  fails(wrap('{"w":{"axes":["P",7]}}'), 'x.json tensor w axis 1 is 7, expected text such as "P1", "784" or "_"');
  fails(wrap('{"w":{"axes":"P"}}'), 'x.json tensor w "axes" is "P", expected a list');
  fails(wrap('{"w":{}}'), 'x.json tensor w "axes" is missing, expected a list');
  fails(
    wrap('{"w":{"axes":["1P"]}}'),
    'x.json tensor w axis 0: axis "1P" has the factor "1P", expected permutation names, sizes or _ joined by * and |',
  );
  fails(
    wrap("{}", ',"permutations":{"V":{"outer":"H"}}'),
    'x.json permutation V has outer "H" and inner missing, expected a name and a size',
  );
  fails(
    wrap("{}", ',"permutations":{"V":{"outer":"H","inner":0}}'),
    "permutation V has inner 0, expected an integer of at least 1",
  );
  fails(
    wrap("{}", ',"permutations":{"V":{"outer":"_","inner":2}}'),
    'permutation "_" is no legal name, expected letters, digits, . _ - not starting with a digit',
  );
  assert.throws(() => parseSpec("{", "x.json"), /^x\.json is not JSON \(.*\), expected a spec file$/);
});

test("keys that occur twice are refused, which JSON.parse would drop silently", () => {
  fails(
    wrap('{"w":{"axes":[]},"v":{"axes":[]},"w":{"axes":["P"]}}'),
    'x.json has the key "w" twice in one object, expected once',
  );
  fails(
    wrap('{"w":{"axes":[]},"\\u0077":{"axes":["P"]}}'),
    'x.json has the key "w" twice in one object, expected once',
  );
  fails(
    '{"format":"rebasin-spec/1","tensors":{},"tensors":{}}',
    'x.json has the key "tensors" twice in one object, expected once',
  );
  fails(
    wrap('{"__proto__":{"axes":[]},"__proto__":{"axes":[]}}'),
    'x.json has the key "__proto__" twice in one object, expected once',
  );
  // The same text as value, in lists, in another object, or inside a string is no duplicate.
  const spec = parseSpec(wrap('{"axes":{"axes":["axes","axes"]},"a\\"b,\\"axes":{"axes":[]}}'));
  assert.equal([...spec.tensors.keys()], ["axes", 'a"b,"axes']);
});

test.run();
