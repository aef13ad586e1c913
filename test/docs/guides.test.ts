/**
 * Every block of docs/*.md runs in order, and prints what the `text` block after it says. Marks after a block's language:
 * `continued` (goes on with the program before), `worker`, `page`, `onnxruntime` (needs it), and `not-run:` with its reason. With
 * REBASIN_WRITE_DOCS=1 what is printed is written into the guides instead. REBASIN_GUIDE=library.md runs that one alone.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { guideFolder, hasOnnxRuntime, type Run, runBlock } from "./guide.ts";
import { type Block, blocksOf, isRead, withoutTimes, withText } from "./markdown.ts";
import { CHROMIUM } from "./page.ts";
import { typeErrors } from "./types.ts";

declare const __ROOT__: string;

const test = suite("guides");
const DOCS = join(__ROOT__, "docs");
const writes = process.env.REBASIN_WRITE_DOCS === "1";
const guides = readdirSync(DOCS).filter((file) => file.endsWith(".md"));

const isRun = (block: Block): boolean => ["sh", "ts", "html"].includes(block.language) && !isRead(block);

test("there is a guide for each kind of user, and the index names them all", () => {
  const index = readFileSync(join(DOCS, "README.md"), "utf8");
  for (const guide of ["command-line.md", "library.md", "browser.md", "edge.md", "notebook.md"])
    assert.ok(guides.includes(guide), guide);
  for (const guide of guides.filter((name) => name !== "README.md")) assert.match(index, `(${guide})`);
});

test("links lead to files that are there", () => {
  for (const guide of guides) {
    const text = readFileSync(join(DOCS, guide), "utf8");
    for (const [, link] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g))
      assert.not.throws(() => readFileSync(join(DOCS, link!)), `${guide} links ${link}`);
  }
});

for (const guide of guides.filter((name) => name === (process.env.REBASIN_GUIDE ?? name))) {
  test(`${guide} runs as it says`, async () => {
    let markdown = readFileSync(join(DOCS, guide), "utf8");
    const blocks = blocksOf(markdown);
    if (blocks.length === 0) return;
    const run: Run = { folder: await guideFolder(guide.replace(".md", "")), program: "", programs: 0, worker: null };
    try {
      let printed: string | null = null;
      for (const [at, block] of blocks.entries()) {
        const where = `docs/${guide}:${block.line}`;
        if (block.language === "text" && printed !== null) {
          const isSame = withoutTimes(printed) === withoutTimes(block.text);
          if (writes && !isSame) markdown = withText(markdown, at, printed);
          else if (!writes) assert.fixture(withoutTimes(printed), withoutTimes(block.text), where);
          printed = null;
        } else if (isRun(block)) {
          if (block.language === "html" && CHROMIUM === null && process.env.REBASIN_ALL !== "1") continue;
          if (block.marks.includes("onnxruntime") && !hasOnnxRuntime && process.env.REBASIN_ALL !== "1") continue;
          printed = await runBlock(run, block).catch((error: unknown) => {
            throw new Error(`${where}: ${(error as Error).message}`);
          });
        } else {
          assert.ok(isRead(block), `${where} is neither run nor says why`);
        }
      }
    } finally {
      run.worker?.stop();
    }
    if (writes) writeFileSync(join(DOCS, guide), markdown);
  });
}

test("programs of the guides have the types they should", () => {
  const programs = new Map<string, string>();
  for (const guide of guides) {
    let program = "";
    for (const block of blocksOf(readFileSync(join(DOCS, guide), "utf8"))) {
      if (block.language !== "ts" || isRead(block)) continue;
      program = block.marks.includes("continued") ? program + block.text : block.text;
      programs.set(`${guide.replace(".md", "")}-${block.line}.ts`, program);
    }
  }
  assert.ok(programs.size >= 6, `${programs.size} programs`);
  assert.is(typeErrors(join(process.cwd(), "guide-types"), programs), "");
});

test.run();
