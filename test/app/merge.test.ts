/** The app from drop to download, in a real browser: what it saves is what the command line writes, byte for byte. */

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";
import { type AppPage, BROWSER, openApp } from "./driver.ts";

declare const __ROOT__: string;

const test = suite(`app in ${BROWSER}: merge`);
const fixture = (name: string): string => join(__ROOT__, "test/fixtures", name);
const A = fixture("fmnist-mlp-small-a.safetensors");
const B = fixture("fmnist-mlp-small-b.safetensors");
let folder = "";
let page: AppPage;

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rebasin-app-test-"));
  page = await openApp();
});
test.after(async () => {
  await page?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What `rebasin merge` writes for the pair. */
function merged(...options: string[]): { model: Buffer; permutations: Buffer } {
  const [model, permutations] = [join(folder, "cli.safetensors"), join(folder, "cli-permutations.safetensors")];
  const words = ["merge", A, B, "-o", model, "--permutations-out", permutations, "--force", ...options];
  execFileSync(process.execPath, [join(__ROOT__, "dist/cli.js"), ...words], { stdio: "ignore" });
  return { model: readFileSync(model), permutations: readFileSync(permutations) };
}

const text = (selector: string): Promise<string> => page.text(selector);

async function align(): Promise<void> {
  await page.waitFor(`document.querySelector("#align [data-start]:enabled")`);
  await page.click("#align [data-start]");
  await page.waitFor(`/^Aligned in/.test(document.querySelector("#align [data-status]").textContent)`);
}

test("built-in pair: what is found, aligned, shown", async () => {
  await page.click("#built-in");
  await align();
  assert.match(await text("#summary"), "mlp: 3 dense tensors in a chain 784-256-256-10, PyTorch layout");
  assert.match(await text("#summary"), "layers.0.weight, layers.0.bias, layers.1.weight");
  assert.ok(Number(await text("#objective-after")) > Number(await text("#objective-before")));
  await page.waitFor(`document.querySelector("#objective-chart svg") && document.querySelector("#cost-chart svg")`);
  const options = await page.evaluate<string[]>(
    `[...document.querySelector("#permutation").options].map((o) => o.value)`,
  );
  assert.equal(options, ["P0", "P1"]);
  // The list is the permutation itself: every unit of B, once.
  const units = [...(await text("#order-list")).matchAll(/(\d+)←(\d+)/g)].map(([, , unit]) => Number(unit));
  assert.equal(
    units.toSorted((x, y) => x - y),
    Array.from({ length: 256 }, (_, i) => i),
  );
  await page.select("#permutation", "P1");
  await page.waitFor(`/^P1: /.test(document.querySelector("#units [data-status]").textContent)`);
  await page.waitFor(`/Cost matrix of P1/.test(document.querySelector("#cost-chart").textContent)`);
});

test("downloads: the bytes of the command line's", async () => {
  const expected = merged();
  assert.ok((await page.download("#save-merged", "merged-0.5.safetensors")).equals(expected.model), "merged model");
  await page.waitFor(`document.querySelector("#save-permutations:enabled")`);
  const permutations = await page.download("#save-permutations", "permutations.safetensors");
  assert.ok(permutations.equals(expected.permutations), "permutations");
});

test("the plan of the form: rebasin run makes the same bytes of it", async () => {
  await page.waitFor(`document.querySelector("#save-plan:enabled")`);
  const plan = JSON.parse((await page.download("#save-plan", "plan.json")).toString());
  assert.equal(plan.align, { method: "frank-wolfe", seed: 0 });
  const places = { models: [A, B].map((path) => ({ path })), output: { path: "from-plan.safetensors" } };
  writeFileSync(join(folder, "plan.json"), JSON.stringify({ ...plan, ...places }));
  execFileSync(process.execPath, [join(__ROOT__, "dist/cli.js"), "run", join(folder, "plan.json")]);
  assert.ok(readFileSync(join(folder, "from-plan.safetensors")).equals(merged().model));
});

test("least squares: the bytes of the command line's, and how it did on images that it did not see", async () => {
  const data = join(folder, "data");
  mkdirSync(data);
  for (const split of ["train", "t10k"])
    for (const part of ["images-1000-idx3-ubyte.gz", "labels-1000-idx1-ubyte.gz"])
      copyFileSync(fixture(`t10k-${part}`), join(data, `${split}-${part.replace("-1000", "")}`));
  const expected = merged("--repair", "least-squares", "--repair-images", "500", "--data", data);
  await page.waitFor(`document.querySelector("#save-merged:enabled")`);
  await page.select("#repair", "least-squares");
  const model = await page.download("#save-merged", "merged-0.5-repaired.safetensors");
  await page.select("#repair", "none");
  assert.ok(model.equals(expected.model), firstDifference(model, expected.model));
  assert.match(
    await text("#download [data-status]"),
    /Fitted on the first 500 images; on the other 500 it gets \d\d\.\d % right, without repair \d\d\.\d %\.$/,
  );
});

/** Where two files part. */
function firstDifference(a: Buffer, b: Buffer): string {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return `${a.length} and ${b.length} bytes, the first that differs is number ${at}`;
}

test("λ by the keyboard, and slerp: the bytes of the command line's", async () => {
  await page.waitFor(`document.querySelector("#save-merged:enabled")`);
  await page.evaluate(`document.querySelector("#lambda").focus()`);
  for (let i = 0; i < 3; i++) await page.press("ArrowLeft");
  assert.is(await text("#lambda-value"), "0.47");
  await page.select("#blend", "slerp");
  const saved = await page.download("#save-merged", "merged-0.47.safetensors");
  assert.ok(saved.equals(merged("--lambda", "0.47", "--blend", "slerp").model));
});

test("report: one file with what was shown", async () => {
  await page.waitFor(`document.querySelector("#save-report:enabled")`);
  const html = (await page.download("#save-report", "rebasin-report.html")).toString();
  assert.match(html, "fmnist-mlp-small-a.safetensors and fmnist-mlp-small-b.safetensors");
  for (const heading of ["Objective", "Cost matrix of P0", "Cost matrix of P1"])
    assert.match(html, `<h2>${heading}</h2>`);
  assert.is(/(?:src|href)="(?!data:)/.test(html), false, "nothing from elsewhere");
});

test("curve: aligned, the middle is better than naive", async () => {
  await page.click("#curve [data-start]");
  await page.waitFor(`/^Halfway/.test(document.querySelector("#curve [data-status]").textContent)`);
  const said = await text("#curve [data-status]");
  const found = /1,000 images.*naive ([\d.]+) %.*aligned ([\d.]+) %/.exec(said);
  assert.ok(found !== null && Number(found[2]) > Number(found[1]) + 10, said);
  await page.waitFor(`document.querySelector("#curve-chart svg")`);
});

test("curve: images of the user's own, and files that are none", async () => {
  await page.select("#data", "files");
  await page.setFile("#data-images", fixture("t10k-labels-1000-idx1-ubyte.gz"));
  await page.setFile("#data-labels", fixture("t10k-labels-1000-idx1-ubyte.gz"));
  await page.click("#curve [data-start]");
  await page.waitFor(`document.querySelector("#curve .status.wrong")`);
  assert.match(await text("#curve [data-status]"), "magic number 2049, expected 2051");
  await page.setFile("#data-images", fixture("t10k-images-1000-idx3-ubyte.gz"));
  await page.click("#curve [data-start]");
  await page.waitFor(
    `/^Halfway, on 1,000 images of t10k/.test(document.querySelector("#curve [data-status]").textContent)`,
  );
});

test("drop: two files anywhere, or one on its place; others are refused with the library's words", async () => {
  await page.drop("main", [{ name: "fmnist-mlp-small-b.safetensors" }, { name: "fmnist-mlp-small-a.safetensors" }]);
  await page.waitFor(`document.querySelector("#name-a").textContent.startsWith("fmnist-mlp-small-b")`);
  await page.waitFor(`document.querySelector("#align [data-start]:enabled")`);
  assert.is(await page.evaluate(`document.querySelector("#save-merged").disabled`), true, "another pair: align again");
  await page.drop('.zone[for="file-b"]', [{ name: "model.gguf", text: "GGUF and more" }]);
  await page.waitFor(`document.querySelector("#choose-fault").textContent !== ""`);
  assert.is(
    await text("#choose-fault"),
    "model.gguf is a GGUF file, whose numbers are mostly packed in blocks that cannot be put in another order, expected the checkpoint that it was made from (safetensors, PyTorch)",
  );
  assert.is(await page.evaluate(`document.querySelector("#align [data-start]").disabled`), true);
  await page.drop('.zone[for="file-b"]', [{ name: "fmnist-mlp-small-b.safetensors" }]);
  await page.waitFor(`document.querySelector("#align [data-start]:enabled")`);
  assert.is(await text("#choose-fault"), "");
});

test("spec: a family that does not fit is refused, a file is taken", async () => {
  await page.setFile("#file-a", A);
  await page.setFile("#file-b", B);
  await page.waitFor(`document.querySelector("#align [data-start]:enabled")`);
  await page.select("#spec", "vgg");
  await page.waitFor(`document.querySelector("#choose-fault").textContent !== ""`);
  await page.select("#spec", "file");
  const spec = {
    format: "rebasin-spec/1",
    tensors: {
      "layers.0.weight": { axes: ["first", "784"] },
      "layers.0.bias": { axes: ["first"] },
      "layers.1.weight": { axes: ["256", "first"] },
    },
    rest: "fixed",
  };
  writeFileSync(join(folder, "spec.json"), JSON.stringify(spec));
  await page.setFile("#spec-file", join(folder, "spec.json"));
  await page.waitFor(`/^spec.json/.test(document.querySelector("#summary").textContent.trim())`);
  await align();
  assert.match(await text("#moved"), /of 256$/);
  const share = await text("#lambda-value");
  await page.select("#blend", "lerp");
  const expected = merged("--spec", join(folder, "spec.json"), "--lambda", share);
  const saved = await page.download("#save-merged", `merged-${share}.safetensors`);
  assert.ok(saved.equals(expected.model), firstDifference(saved, expected.model));
  await page.waitFor(`document.querySelector("#save-permutations:enabled")`);
  const permutations = await page.download("#save-permutations", "permutations.safetensors");
  assert.ok(permutations.equals(expected.permutations), "permutations");
  await page.select("#spec", "auto");
});

test("cancel: a long alignment stops, and the page goes on", async () => {
  const rng = createRng(7);
  for (const name of ["wide-a", "wide-b"]) {
    const { tensors } = mlpNetwork(rng, [64, 1500, 1500, 1500, 10]);
    writeFileSync(join(folder, `${name}.safetensors`), await encodeSafetensors(toModel(tensors)));
  }
  await page.setFile("#file-a", join(folder, "wide-a.safetensors"));
  await page.setFile("#file-b", join(folder, "wide-b.safetensors"));
  await page.waitFor(
    `document.querySelector("#align [data-start]:enabled") && /1,500/.test(document.querySelector("#summary").textContent)`,
  );
  await page.click("#align [data-start]");
  await page.waitFor(`/step 1/.test(document.querySelector("#align [data-status]").textContent)`);
  await page.click("#align [data-cancel]");
  await page.waitFor(`document.querySelector("#align [data-status]").textContent === "Aligning: cancelled."`);
  assert.is(await page.evaluate(`document.querySelector("#save-merged").disabled`), true);
  await page.setFile("#file-a", A);
  await page.setFile("#file-b", B);
  await page.waitFor(`/256/.test(document.querySelector("#summary").textContent)`);
  await align();
});

test("training: two networks, their barrier, and the pair goes to the top", async () => {
  await page.evaluate(`document.querySelector("#epochs").value = "2"`);
  await page.select("#hidden", "64");
  await page.click("#train [data-start]");
  await page.waitFor(
    `/^Epoch 2: /.test(document.querySelector("#train [data-status]").textContent) && document.querySelector("#use-trained:enabled")`,
  );
  await page.waitFor(`document.querySelector("#train-chart svg")`);
  await page.click("#use-trained");
  await page.waitFor(`/784-64-64-10/.test(document.querySelector("#summary").textContent)`);
  await align();
});

test("nothing went wrong that nobody saw", () => {
  assert.equal(page.errors, []);
});

test.run();
