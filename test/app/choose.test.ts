/** On a phone: what the page says of files and fields that it cannot take, and that nothing moves when it does. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";
import { type AppPage, BROWSER, openApp } from "./driver.ts";

declare const __ROOT__: string;

const test = suite(`app in ${BROWSER}: choosing`);
const fixture = (name: string): string => join(__ROOT__, "test/fixtures", name);
const A = fixture("fmnist-mlp-small-a.safetensors");
const B = fixture("fmnist-mlp-small-b.safetensors");
const CHAIN = [20, ...Array.from({ length: 40 }, (_, i) => 16 + i), 5];
let folder = "";
let page: AppPage;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rebasin-app-test-"));
  const rng = createRng(3);
  const made = { "one-a": [784, 64, 10], "one-b": [784, 64, 10], chain: CHAIN };
  for (const [name, widths] of Object.entries(made))
    writeFileSync(inFolder(name), await encodeSafetensors(toModel(mlpNetwork(rng, widths).tensors)));
  writeFileSync(inFolder("text"), "no safetensors at all");
  page = await openApp({ width: 360 });
});
test.after(async () => {
  await page?.close();
  rmSync(folder, { recursive: true, force: true });
});

const inFolder = (name: string): string => join(folder, `${name}.safetensors`);
const says = (section: string, words: RegExp): Promise<void> =>
  page.waitFor(`${words}.test(document.querySelector("#${section} [data-status]").textContent)`);
const top = (id: string): Promise<number> => page.evaluate(`document.querySelector("#${id}").offsetTop`);
/** Not what only keeps its place. */
const shown = (id: string, on: AppPage = page): Promise<boolean> =>
  on.evaluate(`document.querySelector("#${id}").checkVisibility({ visibilityProperty: true })`);
const UNFIT = /^These two networks cannot be aligned: step 1 says why\.$/;

test("two that do not fit: a sentence, a row for each tensor, and nothing moves", async () => {
  const before = await top("align");
  await page.setFile("#file-a", A);
  await page.waitFor(`/checkpoint B/.test(document.querySelector("#summary").textContent)`);
  await page.setFile("#file-b", inFolder("one-a"));
  await says("align", UNFIT);
  assert.is(
    await page.text("#choose-fault"),
    "fmnist-mlp-small-a.safetensors and one-a.safetensors do not hold the same tensors.",
  );
  const rows = await page.evaluate<string[][]>(
    `[...document.querySelectorAll("#summary tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent))`,
  );
  assert.equal(rows[0], ["layers.0.weight", "F16 [256, 784]", "F32 [64, 784]"]);
  assert.equal(rows.at(-1), ["layers.2.bias", "F16 [10]", "none"]);
  assert.is(rows.length, 6);
  assert.not.match(await page.text("#summary"), "built-in pair");
  assert.is(await top("align"), before);
  await page.setFile("#file-b", B);
  await says("align", /^Ready\.$/);
  assert.is(await page.text("#choose-fault"), "");
  assert.is(await top("align"), before);
});

test("a file that is none, in place of a good one: nothing is left of the pair before", async () => {
  await page.setFile("#file-a", inFolder("text"));
  await says("align", /^Choose two networks first\.$/);
  assert.match(await page.text("#choose-fault"), /^text\.safetensors looks like a text file/);
  assert.match(await page.text("#summary"), /Still to be chosen: checkpoint A\.$/);
  assert.not.match(await page.text("#summary"), "mlp");
  // It is still wrong when the other place is filled anew.
  await page.setFile("#file-b", inFolder("one-b"));
  await page.waitFor(`document.querySelector("#name-b").textContent.startsWith("one-b")`);
  assert.match(await page.text("#choose-fault"), /^text\.safetensors looks like a text file/);
  await page.setFile("#file-a", inFolder("one-a"));
  await says("align", /^Ready\.$/);
});

test("a spec that is missing, or fits neither: step 2 does not ask for networks", async () => {
  await page.select("#spec", "file");
  await says("align", /^Choose the spec file in step 1 first\.$/);
  await page.select("#spec", "vgg");
  await says("align", UNFIT);
  await page.select("#spec", "auto");
  await says("align", /^Ready\.$/);
});

test("three files dropped: two are taken, and it says so", async () => {
  const names = ["fmnist-mlp-small-a.safetensors", "fmnist-mlp-small-b.safetensors", "third.safetensors"];
  await page.drop(
    "main",
    names.map((name) => (name.startsWith("third") ? { name, text: "third" } : { name })),
  );
  await page.waitFor(`/256/.test(document.querySelector("#summary").textContent)`);
  assert.match(await page.text("#summary"), "Of 3 files dropped, the first two were taken.");
  await page.drop(
    "main",
    names.slice(0, 2).map((name) => ({ name })),
  );
  await page.waitFor(`!/dropped/.test(document.querySelector("#summary").textContent)`);
});

test("what does not fit into the box is announced, and a chain of many is shortened", async () => {
  for (const slot of ["a", "b"]) await page.setFile(`#file-${slot}`, inFolder("chain"));
  await page.waitFor(`/41 dense tensors/.test(document.querySelector("#summary").textContent)`);
  assert.match(await page.text("#summary"), "in a chain 20-16-17-18-19-…-54-55-5, ");
  const cue = `document.querySelector("#choose .cue").checkVisibility()`;
  await page.waitFor(cue);
  await page.evaluate(`document.querySelector("#summary").scrollTo(0, 1e6)`);
  await page.waitFor(`!${cue}`);
});

test("one hidden layer: one assignment, said as one", async () => {
  for (const slot of ["a", "b"]) await page.setFile(`#file-${slot}`, inFolder(`one-${slot}`));
  await page.waitFor(`/784-64-10/.test(document.querySelector("#summary").textContent)`);
  await says("align", /^Ready\.$/);
  await page.click("#align [data-start]");
  await says("align", /^Aligned in [\d.]+ s by one assignment per permutation, which is the optimum, on /);
  await page.waitFor(
    `/assignment: 0, .*assignment: 1, /s.test(document.querySelector("#objective-chart").textContent)`,
  );
});

test("the seed: only where it counts; what is refused is named, and costs nothing", async () => {
  assert.is(await page.evaluate(`document.querySelector("#seed").disabled`), true, "Frank–Wolfe");
  const moved = await page.text("#moved");
  assert.match(moved, / of 64$/);
  await page.select("#method", "coordinate");
  for (const [value, words] of [
    ["", /^Seed: the field is empty, expected a whole number from 0 to 999,999$/],
    ["1.5", /^Seed 1\.5, expected a whole number from 0 to 999,999$/],
    ["1000000", /^Seed 1000000, expected/],
  ] as const) {
    await page.evaluate(`document.querySelector("#seed").value = ${JSON.stringify(value)}`);
    await page.click("#align [data-start]");
    await says("align", words);
    assert.is(await page.text("#moved"), moved);
    assert.is(await page.evaluate(`document.querySelector("#save-merged").disabled`), false);
  }
  // Nobody looks at it where it is not used.
  await page.select("#method", "frank-wolfe");
  await page.click("#align [data-start]");
  await says("align", /^Aligned in/);
});

test("training on IDX files: they are asked for there, and are those of step 4", async () => {
  assert.is(await shown("train-data-images"), false);
  await page.select("#train-data", "files");
  assert.is(await shown("train-data-images"), true);
  await page.click("#train [data-start]");
  await says("train", /^The file of images is not chosen yet, expected an IDX file\.$/);
  await page.setFile("#train-data-images", fixture("t10k-images-1000-idx3-ubyte.gz"));
  await page.waitFor(`document.querySelector("#data-images").files[0]?.name === "t10k-images-1000-idx3-ubyte.gz"`);
  await page.evaluate(`document.querySelector("#epochs").value = ""`);
  await page.click("#train [data-start]");
  await says("train", /^Epochs: the field is empty, expected a whole number from 1 to 100$/);
});

for (const width of [360, 1280]) {
  test(`${width} px: an input for files comes in place of a hint, and nothing moves`, async () => {
    const fresh = await openApp({ width });
    const tops = (): Promise<number[]> =>
      fresh.evaluate(`[...document.querySelectorAll("section, section > *, footer")].map((e) => e.offsetTop)`);
    const sideways = `(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.documentElement)`;
    const longName = join(folder, `${"long".repeat(30)}.json`);
    writeFileSync(longName, "{}");
    try {
      const before = await tops();
      for (const [select, files, none, input] of [
        ["spec", "file", "auto", "spec-file"],
        ["data", "files", "built-in", "data-labels"],
        ["train-data", "files", "built-in", "train-data-labels"],
      ] as const) {
        const both = async (): Promise<boolean[]> => [await shown(input, fresh), await shown(`${select}-hint`, fresh)];
        assert.equal(await both(), [false, true], select);
        await fresh.select(`#${select}`, files);
        assert.equal(await both(), [true, false], select);
        assert.equal(await tops(), before, select);
        await fresh.setFile(`#${input}`, longName);
        assert.equal(await tops(), before, `${select}, a file with a long name`);
        assert.is(await fresh.evaluate(sideways), false, select);
        await fresh.select(`#${select}`, none);
        assert.equal(await both(), [false, true], select);
        assert.equal(await tops(), before, `${select}, and back`);
      }
    } finally {
      await fresh.close();
    }
  });
}

test("whoever comes back to the page finds inputs for files where the browser has kept that they were asked for", async () => {
  const fresh = await openApp();
  const asksFor = (select: string, value: string): Promise<boolean> =>
    fresh.evaluate(`document.querySelector("#${select}").value === "${value}"`);
  try {
    await fresh.select("#spec", "file");
    await fresh.select("#data", "files");
    await fresh.leaveAndReturn();
    await fresh.waitFor(`document.readyState === "complete" && document.querySelector("#version").textContent !== ""`);
    assert.is(await shown("spec-file", fresh), await asksFor("spec", "file"));
    assert.is(await shown("data-labels", fresh), await asksFor("data", "files"));
  } finally {
    await fresh.close();
  }
});

test("numbers are whole, and the value of λ is beside its slider, on phones and desktops", async () => {
  const wide = await openApp();
  try {
    for (const each of [page, wide]) {
      const cut = `(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.querySelector("#moved"))`;
      await each.evaluate(`document.querySelector("#moved").textContent = "123,456 of 130,000"`);
      assert.is(await each.evaluate(cut), false);
      const middle = (id: string): Promise<number> =>
        each.evaluate(
          `(({ top, bottom }) => (top + bottom) / 2)(document.querySelector("#${id}").getBoundingClientRect())`,
        );
      assert.ok(Math.abs((await middle("lambda")) - (await middle("lambda-value"))) < 5);
    }
  } finally {
    await wide.close();
  }
});

test("nothing went wrong that nobody saw", () => {
  assert.equal(page.errors, []);
});

test.run();
