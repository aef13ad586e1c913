/** Models that may be larger than memory: read by slices, matched within a limit, written into files of the browser. */

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";
import { type AppPage, BROWSER, openApp } from "./driver.ts";
import { WATCH_WORKERS, type Watched } from "./watch-workers.ts";

declare const __ROOT__: string;

const test = suite(`app in ${BROWSER}: large models`);
const WIDTHS = [64, 700, 700, 700, 10];
const LARGEST_TENSOR = 4 * 700 * 700;
let folder = "";
let page: AppPage;
let files: string[];

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rebasin-app-test-"));
  const rng = createRng(11);
  files = ["a", "b"].map((name) => join(folder, `${name}.safetensors`));
  for (const file of files) writeFileSync(file, await encodeSafetensors(toModel(mlpNetwork(rng, WIDTHS).tensors)));
  page = await openApp({ before: WATCH_WORKERS });
});
test.after(async () => {
  await page?.close();
  rmSync(folder, { recursive: true, force: true });
});

const status = (section: string): Promise<string> => page.text(`#${section} [data-status]`);
const setMode = (mode: Watched["mode"]): Promise<void> => page.evaluate(`setMode(${JSON.stringify(mode)})`);
const watched = (): Promise<Watched> => page.evaluate("watched");

/** What is in the browser's files for this page. */
const privateFiles = (): Promise<string[]> =>
  page.evaluate(`(async () => {
    const names = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) names.push(name);
    return names;
  })()`);

async function untilPrivateFiles(count: number): Promise<void> {
  let names: string[] = [];
  for (let round = 0; round < 100; round++) {
    names = await privateFiles();
    if (names.length === count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`private files ${names.join(", ") || "none"}, expected ${count}`);
}

async function choosePair(): Promise<void> {
  await page.setFile("#file-a", files[0]!);
  await page.setFile("#file-b", files[1]!);
  await page.waitFor(`document.querySelector("#align [data-start]:enabled")`);
}

async function alignWithin(megabytes: number | ""): Promise<string> {
  await page.evaluate(`document.querySelector("#memory").value = "${megabytes}"`);
  await page.click("#align [data-start]");
  await page.waitFor(`/^(Aligned in|memory|storage)/.test(document.querySelector("#align [data-status]").textContent)`);
  return status("align");
}

/** What `rebasin merge` writes. */
function expectedMerge(): Buffer {
  const file = join(folder, "expected.safetensors");
  execFileSync(process.execPath, [join(__ROOT__, "dist/cli.js"), "merge", ...files, "-o", file, "--force"], {
    stdio: "ignore",
  });
  return readFileSync(file);
}

let least = 0;

test("too little memory is refused with the number of bytes", async () => {
  await choosePair();
  const said = await alignWithin(1);
  const found = /^memory 1000000 bytes, expected at least (\d+) to match these models$/.exec(said);
  assert.ok(found, said);
  least = Math.ceil(Number(found[1]) / 1e6);
  await untilPrivateFiles(0);
});

test("the least memory: matrices wait in a file of the browser, reads are slices, the merge is the command line's", async () => {
  assert.match(await alignWithin(least), /^Aligned in/);
  assert.ok((await watched()).writes.length > 0, "nothing waited in a file");
  await untilPrivateFiles(0);
  const before = (await watched()).writes.length;
  const saved = await page.download("#save-merged", "merged-0.5.safetensors");
  assert.ok(saved.equals(expectedMerge()), "bytes");
  const { reads, writes } = await watched();
  assert.is(
    writes.slice(before).reduce((sum, bytes) => sum + bytes, 0),
    saved.length,
    "the merge was written into a file of the browser",
  );
  assert.ok(Math.max(...reads) <= LARGEST_TENSOR, `a read of ${Math.max(...reads)} bytes`);
  assert.ok(Math.max(...reads) < statSync(files[0]!).size / 2);
  assert.ok(reads.length > 20);
  await untilPrivateFiles(1);
});

test("merges before the last one leave the disk", async () => {
  for (let round = 0; round < 3; round++) {
    await page.waitFor(`document.querySelector("#save-merged:enabled")`);
    await page.download("#save-merged", "merged-0.5.safetensors");
  }
  await untilPrivateFiles(2);
});

test("a cancelled merge leaves no file; a full disk is told in one line and leaves none either", async () => {
  await page.waitFor(`document.querySelector("#save-merged:enabled")`);
  await setMode("slow");
  await page.click("#save-merged");
  await page.waitFor(`/^Wrote tensor/.test(document.querySelector("#download [data-status]").textContent)`);
  await page.click("#download [data-cancel]");
  await page.waitFor(`document.querySelector("#download [data-status]").textContent === "Merging: cancelled."`);
  await untilPrivateFiles(1);
  await setMode("full");
  await page.click("#save-merged");
  await page.waitFor(`document.querySelector("#download .status.wrong")`);
  assert.match(
    await status("download"),
    /^storage of the browser for this page is full, expected room for \d+ bytes of the file: free disk space, or clear data of sites$/,
  );
  const said = await alignWithin(least);
  assert.match(said, /^storage of the browser for this page is full, expected room for \d+ bytes of matrices/);
  await setMode("");
  await untilPrivateFiles(0);
});

test("a cancelled alignment leaves no file", async () => {
  await setMode("slow");
  await page.evaluate(`document.querySelector("#memory").value = "${least}"`);
  const before = (await watched()).writes.length;
  await page.click("#align [data-start]");
  await page.waitFor(`watched.writes.length > ${before}`);
  assert.is((await privateFiles()).length, 1);
  await page.click("#align [data-cancel]");
  await page.waitFor(`document.querySelector("#align [data-status]").textContent === "Aligning: cancelled."`);
  await setMode("");
  await untilPrivateFiles(0);
});

test("without files of the browser: refused with the number, and the merge says what it takes", async () => {
  await setMode("no files");
  const said = await alignWithin(least);
  assert.match(
    said,
    /^memory \d+ bytes \(matrices cannot wait in a temporary file here, .*\), expected at least \d+ to/,
  );
  assert.match(await alignWithin(""), /^Aligned in/);
  await page.evaluate(`(() => {
    window.texts = [];
    const status = document.querySelector("#download [data-status]");
    new MutationObserver(() => texts.push(status.textContent)).observe(status, { childList: true });
  })()`);
  const saved = await page.download("#save-merged", "merged-0.5.safetensors");
  assert.ok(saved.equals(expectedMerge()), "bytes");
  const texts = await page.evaluate<string[]>("texts");
  assert.ok(
    texts.some((text) => /^Wrote tensor \d+ of 8, into 4\.\d+ MB of memory: this page has no file to use$/.test(text)),
    texts.join(" | "),
  );
  await setMode("");
});

test("a large merge goes into the file that the user chooses; a full disk and a change of mind are told in one line", async () => {
  // No browser shows its question here; what it would give is a file all the same.
  await page.evaluate(`(async () => {
    Object.defineProperty(File.prototype, "size", { get: () => 2 ** 29 });
    const folder = await navigator.storage.getDirectory();
    const chosen = await folder.getFileHandle("chosen.safetensors", { create: true });
    window.showSaveFilePicker = async ({ suggestedName }) => {
      window.suggested = suggestedName;
      if (window.changesMind) throw new DOMException("The user aborted a request.", "AbortError");
      return chosen;
    };
  })()`);
  await page.waitFor(`document.querySelector("#save-merged:enabled")`);
  await page.click("#save-merged");
  await page.waitFor(`/^Wrote chosen/.test(document.querySelector("#download [data-status]").textContent)`);
  assert.is(await page.evaluate("suggested"), "merged-0.5.safetensors");
  const digest = await page.evaluate<string>(`(async () => {
    const folder = await navigator.storage.getDirectory();
    const bytes = await (await (await folder.getFileHandle("chosen.safetensors")).getFile()).arrayBuffer();
    return [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
  })()`);
  assert.is(digest, createHash("sha256").update(expectedMerge()).digest("hex"));
  await page.evaluate("window.changesMind = true; undefined");
  await page.click("#save-merged");
  await page.waitFor(`document.querySelector("#download [data-status]").textContent === "Merging: cancelled."`);
  await page.evaluate("window.changesMind = false; undefined");
  await setMode("full");
  await page.click("#save-merged");
  await page.waitFor(`document.querySelector("#download .status.wrong")`);
  assert.is(
    await status("download"),
    "chosen.safetensors was not written: the disk is full, expected room for the whole file",
  );
  await setMode("");
  await page.evaluate(`(async () => (await navigator.storage.getDirectory()).removeEntry("chosen.safetensors"))()`);
});

test("leftovers of tabs that died are removed when the page opens; files of others stay", async () => {
  await page.evaluate(`(async () => {
    const folder = await navigator.storage.getDirectory();
    for (const name of ["rebasin-0123456789abcdef.tmp", "somebody-elses"])
      await folder.getFileHandle(name, { create: true });
  })()`);
  await page.leaveAndReturn();
  await page.waitFor(`document.querySelector("#built-in:enabled")`);
  await untilPrivateFiles(1);
  assert.equal(await privateFiles(), ["somebody-elses"]);
  assert.equal(page.errors, []);
});

test.run();
