import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../src/base/errors.ts";
import { folderFiles } from "../../src/node/folder-files.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { rejects } from "../reference/expect-error.ts";
import { indexOf, shardOf } from "../reference/memory-files.ts";
import { temporaryFolder } from "../reference/temporary-folder.ts";

const test = suite("folders");
const path = temporaryFolder(test);

const INDEX = "model.safetensors.index.json";

/** Writes a model in two shards below the test's folder. */
function writeShards(folder: string): void {
  mkdirSync(path(folder), { recursive: true });
  writeFileSync(path(join(folder, "x.safetensors")), shardOf({ a: [1, 2] }));
  writeFileSync(path(join(folder, "y.safetensors")), shardOf({ b: [3] }));
  writeFileSync(path(join(folder, INDEX)), indexOf({ a: "x.safetensors", b: "y.safetensors" }));
}

test("a folder and its index open as the same model", async () => {
  writeShards("hf");
  for (const name of ["hf", "hf/", join("hf", INDEX)]) {
    const model = await openModelFile(path(name));
    assert.is(model.name, path(name));
    assert.equal([...(await model.read("b"))], [3]);
    await model.close?.();
    await rejects(() => model.read("b"), RangeError, /is closed/);
  }
});

test("links stay in the folder; those that lead out are refused", async () => {
  writeShards("hf");
  writeFileSync(path("secret"), shardOf({ b: [3] }));
  mkdirSync(path("hf/blobs"));
  writeFileSync(path("hf/blobs/1"), shardOf({ b: [4] }));
  symlinkSync("blobs/1", path("hf/inside.safetensors"));
  symlinkSync("../secret", path("hf/outside.safetensors"));
  symlinkSync("nothing", path("hf/broken.safetensors"));
  symlinkSync("loop.safetensors", path("hf/loop.safetensors"));
  const files = await folderFiles(path("hf"));
  const inside = (await files.open("inside.safetensors"))!;
  assert.is(inside.name, path("hf/inside.safetensors"));
  await inside.close!();
  assert.is(await files.open("broken.safetensors"), undefined);
  assert.is(await files.open("none.safetensors"), undefined);
  assert.is(await files.open("x.safetensors/none"), undefined);
  await rejects(() => files.open("outside.safetensors"), FormatError, /is a link to .*secret, expected a file inside/);
  await rejects(() => files.open("loop.safetensors"), FormatError, /too many symbolic links/);
  await rejects(() => files.open("blobs"), FormatError, /is a directory, expected a model file/);
  for (const bad of ["../secret", path("secret"), "blobs/../../secret"])
    await rejects(() => files.open(bad), FormatError, /expected a path inside the model's folder/);
  assert.ok((await files.list!()).includes("blobs/1"));
});

test("a folder may itself be reached by a link, and a file lies in the current one", async () => {
  writeShards("hf");
  symlinkSync("hf", path("link"));
  const model = await openModelFile(path("link"));
  assert.is(model.tensors.size, 2);
  await model.close?.();
  await rejects(() => folderFiles(path("none")), FormatError, /none is not there, expected a folder with a model$/);
  await rejects(
    () => folderFiles(path("hf/x.safetensors")),
    FormatError,
    /is no folder, expected a folder with a model$/,
  );
  await rejects(() => openModelFile(path("none")), FormatError, /no such file/);
});

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** A cache as `huggingface_hub` makes it: links from the snapshot to blobs. */
function writeCache(): void {
  const folder = "hub/models--org--net";
  for (const part of ["blobs", "refs/refs/pr", `snapshots/${COMMIT}/unet`, "snapshots/other"])
    mkdirSync(path(`${folder}/${part}`), { recursive: true });
  writeFileSync(path(`${folder}/refs/main`), `${COMMIT}\n`);
  writeFileSync(path(`${folder}/refs/refs/pr/1`), "other");
  writeFileSync(path(`${folder}/blobs/1`), shardOf({ a: [1] }));
  writeFileSync(path("hub/models--org--net/secret"), shardOf({ a: [1] }));
  symlinkSync("../../blobs/1", path(`${folder}/snapshots/${COMMIT}/model.safetensors`));
  symlinkSync("../../../blobs/1", path(`${folder}/snapshots/${COMMIT}/unet/diffusion_pytorch_model.safetensors`));
  symlinkSync("../../secret", path(`${folder}/snapshots/other/model.safetensors`));
}

test("models of Hugging Face's cache go by their names", async () => {
  writeCache();
  const before = { ...process.env };
  process.env.HF_HUB_CACHE = path("hub");
  try {
    for (const name of [
      "hf:org/net",
      "hf:org/net@main",
      `hf:org/net@${COMMIT}`,
      "hf:org/net@0123456",
      "hf:org/net/unet",
    ]) {
      const model = await openModelFile(name);
      assert.is(model.name, name);
      assert.equal([...(await model.read("a"))], [1]);
      await model.close?.();
    }
    const faults: [string, RegExp][] = [
      ["hf:org/net@refs/pr/1", /is a link to .*secret, expected a file inside/],
      ["hf:org/none", /^hf:org\/none is not in .*hub, expected it there: hf download org\/none$/],
      [
        "hf:org/net@v2",
        /^hf:org\/net@v2 has no revision "v2" in .* there\), expected it: hf download org\/net --revision v2$/,
      ],
      ["hf:org/net@012345", /has no revision "012345"/],
      ["hf:org/net/vae", /no such file/],
    ];
    for (const [name, message] of faults) await rejects(() => openModelFile(name), FormatError, message);
    for (const name of [
      "hf:",
      "hf:net",
      "hf:org/..",
      "hf:../net",
      "hf:org/net@",
      "hf:org/net@../x",
      "hf:org/net@a@b",
      "hf:a--b/c",
    ])
      await rejects(() => openModelFile(name), FormatError, /is no name of a model, expected hf:organisation\/name/);
    delete process.env.HF_HUB_CACHE;
    process.env.HF_HOME = path("home");
    await rejects(() => openModelFile("hf:org/net"), FormatError, /is not in .*home[\\/]hub, expected/);
  } finally {
    for (const name of ["HF_HUB_CACHE", "HF_HOME"]) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
});

test.run();
