import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/base/errors.ts";
import type { Model } from "../../src/base/model.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { saveModel } from "../../src/node/save-model.ts";
import { rejects, sameBytes } from "../reference/expect-error.ts";
import { external, floats, graph, onnxFile, tensor } from "../reference/onnx-builder.ts";
import { temporaryFolder } from "../reference/temporary-folder.ts";
import { smallTfjs } from "../reference/tfjs-builder.ts";

const test = suite("models of several files");
const path = temporaryFolder(test);

function writeAll(folder: string, files: Readonly<Record<string, Uint8Array>>): void {
  for (const [name, bytes] of Object.entries(files)) {
    const full = path(join(folder, name));
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, bytes);
  }
}

const onnxFiles = (): Record<string, Uint8Array> => ({
  "m.onnx": onnxFile(graph([], [tensor("w", 1, [2], external({ location: "m.onnx_data", offset: "0", length: "8" }))])),
  "m.onnx_data": floats(1, 2),
});

const negated = (model: Model): Model => ({
  ...model,
  read: async (name) => {
    const bytes = (await model.read(name)).slice();
    if (model.tensors.get(name)!.dtype === "F32") for (let i = 3; i < bytes.length; i += 4) bytes[i]! ^= 128;
    return bytes;
  },
});

for (const [main, files] of [
  ["m.onnx", onnxFiles()],
  ["model.json", smallTfjs()],
] as const) {
  test(`${main}: the same files in another folder, by its name, by the folder's, and from the folder`, async () => {
    writeAll("a", files);
    mkdirSync(path("b"));
    const model = await openModelFile(path(join("a", main)));
    const inputs = [path(join("a", main))];
    await saveModel(model, path(join("b", main)), { inputs });
    await saveModel(model, path("c/"), { inputs });
    const whole = await openModelFile(path("a"));
    await saveModel(whole, path("d/"), { inputs: [path("a")] });
    // A new folder has the usual name of a model in it.
    const usual = main === "m.onnx" ? "model.onnx" : main;
    sameBytes(readFileSync(path(join("c", usual))), files[main as keyof typeof files]!);
    for (const folder of ["b", "d"]) {
      const others = readdirSync(path(folder)).filter((name) => !(name in files) && !name.endsWith(".plan.json"));
      assert.equal(others, [], folder);
      for (const [name, bytes] of Object.entries(files))
        sameBytes(readFileSync(path(join(folder, name))), bytes, `${folder} ${name}`);
    }
    for (const each of [model, whole]) await each.close?.();
  });

  test(`${main}: never into the files of an input, whatever --force says`, async () => {
    writeAll("a", files);
    const model = await openModelFile(path(join("a", main)));
    const changed = negated(model);
    await rejects(
      () => saveModel(changed, path(join("a", `other-${main}`)), { inputs: [path(join("a", main))], force: true }),
      RangeError,
      /is the same file as input|is an input/,
    );
    assert.equal(readdirSync(path("a")).sort(), Object.keys(files).sort());
    for (const [name, bytes] of Object.entries(files)) sameBytes(readFileSync(path(join("a", name))), bytes, name);
    await model.close?.();
  });

  test(`${main}: what fails leaves nothing behind`, async () => {
    writeAll("a", files);
    mkdirSync(path("b"));
    const model = await openModelFile(path(join("a", main)));
    const [last] = [...model.tensors.keys()].reverse();
    const failing: Model = {
      ...model,
      read: (name) => (name === last ? Promise.reject(new RangeError("it failed")) : model.read(name)),
    };
    await rejects(() => saveModel(failing, path(join("b", main)), {}), RangeError, /it failed/);
    assert.equal(readdirSync(path("b")), []);
    await model.close?.();
  });
}

test("folders of SavedModel and Orbax are refused with a way on", async () => {
  writeAll("s", { "saved_model.pb": Uint8Array.of(8, 1), "variables/variables.index": Uint8Array.of(1) });
  await rejects(
    () => openModelFile(path("s")),
    FormatError,
    /holds "saved_model\.pb": a SavedModel .*tensorflowjs_converter/,
  );
  writeAll("o", { _CHECKPOINT_METADATA: Uint8Array.of(1), "d/x": Uint8Array.of(1) });
  await rejects(() => openModelFile(path("o")), FormatError, /an Orbax checkpoint, .*safetensors\.flax\.save_file/);
  assert.is(existsSync(path("s/saved_model.pb")), true);
});

test.run();
