/** Text from files on one line, whatever it holds. */

import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { describe } from "../../../src/base/describe.ts";
import { FormatError, SpecError } from "../../../src/base/errors.ts";
import { visible } from "../../../src/base/visible.ts";
import { escapeMarkup } from "../../../src/report/markup.ts";
import { textTable } from "../../../src/report/text-table.ts";
import { hostileText, RAW } from "../../reference/hostile-text.ts";

const test = suite("visible text");
const check = (property: fc.IProperty<[string]>): void => fc.assert(property, { seed: 16, numRuns: 500 });

test("nothing that a terminal acts on is left, and doing it twice changes nothing", () => {
  check(
    fc.property(hostileText(), (text) => {
      const shown = visible(text);
      assert.not.match(shown, RAW);
      assert.is(visible(shown), shown);
      assert.not.match(describe(text), RAW);
      for (const error of [new FormatError(text), new SpecError(text)]) assert.is(error.message, shown);
    }),
  );
});

test("JSON with it is JSON of the same value", () => {
  check(
    fc.property(hostileText(), (text) => {
      const json = visible(JSON.stringify({ [text]: text }));
      assert.not.match(json, RAW);
      assert.equal(JSON.parse(json), { [text]: text });
    }),
  );
});

test("plain text, of any script, stays as it is", () => {
  for (const text of ["fc1.weight", "größer – 5 × 3", "層.重み", "\u{1f600} ok", "back\\slash \\u001b", ""])
    assert.is(visible(text), text);
});

test("a row of a table is a line, and pages keep their lines but nothing else", () => {
  check(
    fc.property(hostileText(), (text) => {
      const lines = textTable(["name", text], [[text, "1"]]).split("\n");
      assert.is(lines.length, 2);
      assert.not.match(escapeMarkup(text).replaceAll(/[\n\t]/g, ""), RAW);
    }),
  );
  assert.is(escapeMarkup("a\n\tb\u001b<"), "a\n\tb\\u001b&lt;");
});

test("errors keep their cause", () => {
  const cause = new Error("why");
  assert.is(new FormatError("a", { cause }).cause, cause);
  assert.is(new SpecError("a", { cause }).cause, cause);
});

test.run();
