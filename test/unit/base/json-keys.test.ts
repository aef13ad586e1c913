import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findKeyFault } from "../../../src/base/json-keys.ts";

const test = suite("json keys");
const find = (text: string) => findKeyFault(text, 16);

test("keys that appear once per object are fine, whatever else is there", () => {
  for (const text of [
    '{"a":{"a":{"a":1}},"b":["a","a",{"a":"b:"}]}',
    '{"a":"\\"a\\":","b\\\\":"\\\\"}',
    "[[],{}]",
    '"a"',
    "",
  ]) {
    assert.is(find(text), undefined, text);
  }
});

test("duplicates are found at any depth and after unescaping", () => {
  assert.equal(find('{"a":1,"b":2,"a":3}'), { outer: undefined, duplicate: "a" });
  assert.equal(find('{"o":{"a":1,"\\u0061" \n:2}}'), { outer: "o", duplicate: "a" });
  assert.equal(find('{"o":[{"é\\"":1,"\\u00e9\\u0022":2}]}'), { outer: "o", duplicate: 'é"' });
  assert.equal(find('{"":1,"":2}'), { outer: undefined, duplicate: "" });
});

test("nesting beyond the limit is found", () => {
  assert.is(findKeyFault('{"a":[[1]]}', 3), undefined);
  assert.equal(findKeyFault('{"a":[[1]]}', 2), { outer: "a", tooDeep: 3 });
});

test("any JSON value that JavaScript can write has no fault", () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), (text) => findKeyFault(text, 16) === undefined),
    { seed: 1, numRuns: 200 },
  );
});

test("any object with one key written twice is caught", () => {
  const entries = fc.uniqueArray(fc.tuple(fc.string(), fc.jsonValue({ maxDepth: 2 })), {
    selector: ([key]) => key,
    minLength: 1,
  });
  fc.assert(
    fc.property(entries, fc.nat(), fc.nat(), (pairs, from, to) => {
      const written = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
      const [key] = pairs[from % pairs.length]!;
      written.splice(to % (pairs.length + 1), 0, `${JSON.stringify(key)}: 1`);
      assert.equal(find(`{${written.join(", ")}}`), { outer: undefined, duplicate: key });
    }),
    { seed: 2, numRuns: 200 },
  );
});

test("any text at all is survived", () => {
  const junk = fc.string({ unit: fc.constantFrom('"', "\\", "{", "}", "[", "]", ":", ",", "a", " ", "u") });
  fc.assert(
    fc.property(junk, (text) => {
      find(text);
    }),
    { seed: 3, numRuns: 500 },
  );
});

test.run();
