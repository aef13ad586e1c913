/** The check of prose: sentences, worn phrases, widths, `@throws` lines, and what is left alone. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { proseFaults, sentencesOf } from "../../scripts/check-prose.mjs";

const test = suite("check-prose");

/** The faults in a tree of these files. */
function faultsIn(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "rebasin-prose-"));
  try {
    const all = { "README.md": "", "CONTRIBUTING.md": "", "test/node/public-names.txt": "rebasin\n  open\n", ...files };
    for (const folder of ["docs", "src", "app"]) mkdirSync(join(root, folder));
    for (const [path, text] of Object.entries(all)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return [...proseFaults(root)];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

const words = (count: number): string => Array.from({ length: count }, (_, i) => `word${i}`).join(" ");

test("a sentence may have 30 words, in guides, docstrings, help and messages", () => {
  for (const [file, around] of [
    ["docs/a.md", (text: string) => `${text}\n`],
    ["docs/a.md", (text: string) => `- ${text.replace("word9 ", "word9\n  ")}\n`],
    ["src/a.ts", (text: string) => `/** ${text} */\nconst a = 1;\n`],
    ["src/a.ts", (text: string) => `/**\n * First.\n *\n * @throws {RangeError} ${text}\n */\nconst a = 1;\n`],
    ["src/a.ts", (text: string) => `const rule = { help: "${text}" };\n`],
    ["src/a.ts", (text: string) => `throw new RangeError(\`${text}\`);\n`],
  ] as const) {
    const of = (count: number): string[] => faultsIn({ [file]: around(words(count)) });
    assert.equal(
      of(30).filter((fault) => fault.includes("a sentence of")),
      [],
      file,
    );
    assert.is(of(31).filter((fault) => fault.includes("a sentence of 31 words")).length, 1, `${file}: ${of(31)}`);
  }
});

test("sentences end where the next begins, code and links are words", () => {
  assert.equal(sentencesOf("`a` reads. `b` writes, e.g. a file. See [the guide](docs/a.md)."), [
    "Code reads.",
    "Code writes, e.g a file.",
    "See the guide.",
  ]);
});

test("worn phrases are refused, but not in code, tables and examples", () => {
  assert.is(faultsIn({ "docs/a.md": "The command says why.\n" }).length, 1);
  assert.is(faultsIn({ "src/a.ts": "/** It goes on. */\nconst a = 1;\n" }).length, 1);
  assert.is(faultsIn({ "src/a.ts": 'throw new Error("stands here");\n' }).length, 1);
  const fine = "`says`\n\n```\nsays\n```\n\n| says |\n|---|\n\n<!-- prose: a quotation -->\nIt says so.\n";
  assert.equal(faultsIn({ "docs/a.md": fine }), []);
  assert.equal(faultsIn({ "src/a.ts": "/**\n * Reads.\n *\n * @example\n * says();\n */\nconst a = 1;\n" }), []);
  assert.equal(faultsIn({ "src/a.ts": "/** It says so (prose: a quotation). */\nconst a = 1;\n" }), []);
});

test("prose lines have at most 120 columns, links by their text", () => {
  const wide = `${"abcdefghi ".repeat(12)}a`;
  assert.is(faultsIn({ "docs/a.md": `${wide}\n` }).length, 1);
  assert.equal(faultsIn({ "docs/a.md": `[text](${"a/".repeat(80)})\n` }), []);
  assert.equal(faultsIn({ "docs/a.md": `| ${wide} |\n|---|\n` }), []);
});

test("errors of public functions are listed by class", () => {
  const sentence = "/** Opens it. Throws `RangeError` where it is none. */\nexport function open() {}\n";
  assert.match(faultsIn({ "src/a.ts": sentence })[0]!, /in the docstring of open, expected a line `@throws/);
  assert.equal(faultsIn({ "src/a.ts": sentence.replace("function open", "function hidden") }), []);
  const listed = "/**\n * Opens it.\n *\n * @throws {RangeError} where it is none.\n */\nexport function open() {}\n";
  assert.equal(faultsIn({ "src/a.ts": listed }), []);
});

test.run();
