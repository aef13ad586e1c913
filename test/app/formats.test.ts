/** Models in other formats and in several files, from choosing to the saved merge. */

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { saveModel } from "../../src/node/save-model.ts";
import { rebasin } from "../../src/plan/rebasin.ts";
import { kerasFile, weightsFile } from "../reference/keras-builder.ts";
import { smallTfjs } from "../reference/tfjs-builder.ts";
import { type AppPage, BROWSER, openApp } from "./driver.ts";

declare const __ROOT__: string;

const test = suite(`app in ${BROWSER}: formats`);
const fixture = (name: string): string => join(__ROOT__, `test/fixtures/fmnist-mlp-small-${name}.safetensors`);
let folder = "";
let page: AppPage;
let models: Model[];

test.before(async () => {
  folder = mkdtempSync(join(tmpdir(), "rebasin-app-test-"));
  models = [await openModelFile(fixture("a")), await openModelFile(fixture("b"))];
  await saveModel(models[0]!, join(folder, "a.pt"));
  mkdirSync(join(folder, "b"));
  await saveModel(models[1]!, `${join(folder, "b")}/`, { shardBytes: 200_000 });
  page = await openApp({ width: 1000 });
});
test.after(async () => {
  await page?.close();
  for (const model of models ?? []) await model.close?.();
  rmSync(folder, { recursive: true, force: true });
});

test("a PyTorch file and a model in shards: the merge is PyTorch's again, with the tensors of any other way", async () => {
  await page.setFile("#file-a", join(folder, "a.pt"));
  await page.waitFor(`/^a\\.pt: pytorch, /.test(document.querySelector("#name-a").textContent)`);
  await page.setFile(
    "#file-b",
    readdirSync(join(folder, "b")).map((name) => join(folder, "b", name)),
  );
  await page.waitFor(`/^Ready\\.$/.test(document.querySelector("#align [data-status]").textContent)`);
  assert.match(await page.text("#name-b"), /^model\.safetensors\.index\.json: folder, /);
  await page.click("#align [data-start]");
  await page.waitFor(`!document.querySelector("#save-merged").disabled`);
  const merged = await openModel(new Uint8Array(await page.download("#save-merged", "merged-0.5.pt")));
  assert.is(merged.origin!.format, "pytorch");
  const expected = (await rebasin(models[0]!, models[1]!)).model;
  for (const name of expected.tensors.keys())
    assert.equal([...(await merged.read(name))], [...(await expected.read(name))]);
  assert.equal(page.errors, []);
});

test("files of Keras: an archive and weights alone; a model of TensorFlow.js is several files", async () => {
  const files = { "a.keras": kerasFile(), "b.weights.h5": weightsFile({ style: "latest" }), ...smallTfjs() };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  await page.setFile("#file-a", join(folder, "a.keras"));
  await page.waitFor(`/^a\\.keras: keras, /.test(document.querySelector("#name-a").textContent)`);
  await page.setFile("#file-b", join(folder, "b.weights.h5"));
  await page.waitFor(`/^b\\.weights\\.h5: hdf5, /.test(document.querySelector("#name-b").textContent)`);
  await page.waitFor(`/^Ready\\.$/.test(document.querySelector("#align [data-status]").textContent)`);
  await page.click("#align [data-start]");
  await page.waitFor(`!document.querySelector("#save-merged").disabled`);
  assert.equal([...(await page.download("#save-merged", "merged-0.5.keras"))], [...files["a.keras"]]);
  await page.setFile(
    "#file-a",
    Object.keys(smallTfjs()).map((name) => join(folder, name)),
  );
  await page.waitFor(`/^model\\.json: folder, /.test(document.querySelector("#name-a").textContent)`);
  assert.equal(page.errors, []);
});

test.run();
