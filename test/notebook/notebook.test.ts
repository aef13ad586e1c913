/** examples/notebook.ipynb runs from a clean kernel, and gives what is committed. Needs Jupyter and a build. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Notebook,
  notebookFile,
  notebookMissing,
  runNotebookPatiently,
  tidyNotebook,
} from "../../scripts/notebook.mjs";

declare const __ROOT__: string;

const test = suite("notebook");
const missing = notebookMissing(__ROOT__);
const isRequired = process.env.REBASIN_ALL === "1";
if (missing !== null && !isRequired) console.log(`notebook skipped: ${missing}`);
const whenThere = missing !== null && !isRequired ? test.skip : test;

/** Cells that must show a picture. */
const PLOTS = /^\s*(?:await )?display\w+\(/m;

const textOf = (lines: string | readonly string[] = ""): string => (typeof lines === "string" ? lines : lines.join(""));

type Cell = Notebook["cells"][number];

/** What a cell prints and shows in words. */
function wordsOf({ outputs = [] }: Cell): string[] {
  return outputs.map(({ output_type, name, text, data }) =>
    [output_type, name, textOf(text), textOf(data?.["text/plain"])].filter((part) => part).join(" "),
  );
}

whenThere("runs from a clean kernel without an error, and says what is committed", () => {
  assert.is(missing, null);
  const committed = JSON.parse(readFileSync(notebookFile(__ROOT__), "utf8")) as Notebook;
  const executed = tidyNotebook(runNotebookPatiently(__ROOT__, committed));
  assert.equal(executed.metadata, committed.metadata);
  assert.is(executed.cells.length, committed.cells.length);
  executed.cells.forEach((cell, at) => {
    const before = committed.cells[at]!;
    assert.is(textOf(cell.source), textOf(before.source));
    assert.equal(wordsOf(cell), wordsOf(before), `outputs of cell ${cell.id}; node scripts/notebook.mjs writes them`);
    for (const { output_type } of cell.outputs ?? []) assert.ok(output_type !== "error", textOf(cell.source));
  });
  checkPictures(executed);
  checkPictures(committed);
});

/** Every plot is there as SVG and as the same SVG in HTML. */
function checkPictures({ cells }: Notebook): void {
  const plots = cells.filter(({ cell_type, source }) => cell_type === "code" && PLOTS.test(textOf(source)));
  assert.ok(plots.length >= 6, `${plots.length} plots`);
  for (const { id, outputs = [] } of plots) {
    const data = outputs.find((output) => output.data !== undefined)?.data ?? {};
    const svg = textOf(data["image/svg+xml"]);
    assert.match(svg, /^<svg [\s\S]*<\/svg>\s*$/, `cell ${id}`);
    assert.is(textOf(data["text/html"]), svg, `cell ${id}`);
    assert.match(svg, /<(?:text|path|image) /, `cell ${id}`);
  }
}

whenThere("the notebook imports the built package, and nothing by an absolute path", () => {
  const text = readFileSync(join(__ROOT__, "examples/notebook.ipynb"), "utf8");
  assert.match(text, "../dist/notebook.js");
  assert.match(text, "npm:rebasin");
  assert.not.match(text, /\/(?:home|root|Users)\//);
});

test.run();
