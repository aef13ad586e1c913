import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../../src/base/model.ts";
import { companions } from "../../../src/formats/folder/companions.ts";
import { writeFolder } from "../../../src/formats/folder/write-folder.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { writeModel } from "../../../src/formats/write-model.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rejects } from "../../reference/expect-error.ts";
import { indexOf, memoryFiles, memoryFolder, shardOf } from "../../reference/memory-files.ts";

const test = suite("write-folder");

const INDEX = "model.safetensors.index.json";
const ONE = "model-00001-of-00002.safetensors";
const TWO = "model-00002-of-00002.safetensors";
const contents = {
  [ONE]: shardOf({ a: [1, 2, 3], c: [4] }),
  [TWO]: shardOf({ b: [5, 6] }),
  // As nobody writes it: the spaces must survive.
  [INDEX]: ` ${indexOf({ a: ONE, b: TWO, c: ONE })} \n`,
  "README.md": "A's own",
  "config.json": '{"model_type": "x"}',
  "tokenizer.model": "t",
  "pytorch_model.bin": "not read",
  "onnx/model.onnx": "other",
  "onnx/config.json": "other",
};

const openSharded = (): Promise<Model> => openModel(memoryFiles(contents));
const backFrom = (files: ReadonlyMap<string, Uint8Array>): Promise<Model> =>
  openModel(memoryFiles(Object.fromEntries(files)));

/** The model with `add` added to every byte. */
const plus = (model: Model, add: number): Model => ({
  ...model,
  read: async (name) => (await model.read(name)).map((byte) => byte + add),
});

test("a folder that is handed back is the same files, byte for byte, but for the README and what is not its own", async () => {
  const folder = memoryFolder();
  const notes = await writeFolder(await openSharded(), folder, { card: "how it was made" });
  assert.equal(notes, []);
  assert.equal(
    [...folder.files.keys()].sort(),
    [INDEX, ONE, TWO, "README.md", "config.json", "tokenizer.model"].sort(),
  );
  const original = memoryFiles(contents);
  for (const path of [INDEX, ONE, TWO, "config.json", "tokenizer.model"]) {
    const source = (await original.open(path))!;
    assert.equal(folder.files.get(path), await source.slice(0, source.byteLength), path);
  }
  assert.is(new TextDecoder().decode(folder.files.get("README.md")), "how it was made");
});

test("changed tensors and metadata go into the shards that they came from", async () => {
  const folder = memoryFolder();
  const model = plus({ ...(await openSharded()), metadata: new Map([["rebasin.version", "0"]]) }, 10);
  const done: string[] = [];
  await writeFolder(model, folder, { copy: false, onProgress: ({ done: n, total }) => done.push(`${n}/${total}`) });
  assert.equal([...folder.files.keys()], [ONE, TWO, INDEX]);
  assert.equal(done, ["1/3", "2/3", "3/3"]);
  const back = await backFrom(folder.files);
  assert.equal([...(await back.read("b"))], [15, 16]);
  assert.equal([...back.metadata], [["rebasin.version", "0"]]);
  assert.equal([...(await openModel(folder.files.get(TWO)!)).metadata], [["rebasin.version", "0"]]);
});

test("shards of a size hold no more, but for larger tensors, in order", async () => {
  for (const [shardBytes, shards] of [
    [1, ["a", "c", "b"]],
    [3, ["a", "cb"]],
    [4, ["ac", "b"]],
    [6, ["acb"]],
  ] as const) {
    const folder = memoryFolder();
    await writeFolder(await openSharded(), folder, { shardBytes, copy: false });
    const index = folder.files.get(INDEX);
    if (shards.length === 1) {
      assert.equal([...folder.files.keys()], ["model.safetensors"]);
      assert.is(index, undefined);
    } else {
      const name = (at: number): string => `model-0000${at + 1}-of-0000${shards.length}.safetensors`;
      assert.equal([...folder.files.keys()], [...shards.keys()].map(name).concat(INDEX));
      assert.is(JSON.parse(new TextDecoder().decode(index)).metadata.total_size, 6);
      for (const [at, letters] of shards.entries())
        assert.equal([...(await openModel(folder.files.get(name(at))!)).tensors.keys()], [...letters]);
    }
    const back = await backFrom(folder.files);
    for (const [tensor, bytes] of [
      ["a", [1, 2, 3]],
      ["b", [5, 6]],
      ["c", [4]],
    ] as const)
      assert.equal([...(await back.read(tensor))], [...bytes]);
  }
});

test("a folder becomes one file, and one file a folder", async () => {
  const sink = memorySink();
  await writeModel(await openSharded(), sink);
  const single = await openModel(sink.bytes());
  assert.equal([...single.tensors.keys()], ["a", "c", "b"]);
  const folder = memoryFolder();
  await writeFolder(single, folder);
  assert.equal([...folder.files.keys()], ["model.safetensors"]);
  assert.equal(folder.files.get("model.safetensors"), sink.bytes());
});

test("a folder of one file keeps that file", async () => {
  const file = shardOf({ a: [1] });
  const model = await openModel(memoryFiles({ "adapter_model.safetensors": file, "adapter_config.json": "{}" }));
  const folder = memoryFolder();
  await writeFolder(model, folder);
  assert.equal([...folder.files.keys()].sort(), ["adapter_config.json", "adapter_model.safetensors"]);
  assert.equal(folder.files.get("adapter_model.safetensors"), file);
  const sink = memorySink();
  await writeModel(model, sink);
  assert.equal(sink.bytes(), file);
});

test("other tensors than the folder's make new shards, as large as its own, and it is said", async () => {
  const model = await openSharded();
  const more: Model = {
    ...model,
    tensors: new Map([...model.tensors, ["d", { dtype: "U8", shape: [3] }]]),
    read: async (name) => (name === "d" ? Uint8Array.of(7, 8, 9) : model.read(name)),
  };
  const folder = memoryFolder();
  const notes = await writeFolder(more, folder);
  assert.equal(notes, ["the files are new: the tensors are others than in hf"]);
  const name = (at: number): string => `model-0000${at}-of-00003.safetensors`;
  assert.equal([...folder.files.keys()], [name(1), name(2), name(3), "config.json", "tokenizer.model", INDEX]);
  const back = await backFrom(folder.files);
  assert.equal([...(await back.read("d"))], [7, 8, 9]);
});

test("a failure leaves nothing behind, and is the first error", async () => {
  const folder = memoryFolder();
  const model: Model = { ...(await openSharded()), read: () => Promise.reject(new RangeError("no")) };
  await rejects(() => writeFolder(model, folder), RangeError, /^no$/);
  assert.is(folder.files.size, 0);
  assert.ok(folder.isAborted());
  const signal = AbortSignal.abort(new Error("stop"));
  await rejects(async () => writeFolder(await openSharded(), memoryFolder(), { signal }), Error, /^stop$/);
});

test("unknown formats are refused by name", async () => {
  const model = await openSharded();
  await rejects(
    () => writeModel(model, memorySink(), { format: "x" }),
    RangeError,
    /^format x, expected one of safetensors/,
  );
});

test("what goes along with a model: what loaders need, nothing else", () => {
  const kept = [
    "config.json",
    "merges.txt",
    "LICENSE",
    "modeling_x.py",
    "1_Pooling/config.json",
    "chat_template.jinja",
  ];
  const left = [
    "README.md",
    ".gitattributes",
    "model.safetensors",
    INDEX,
    "tf_model.h5",
    "x.png",
    "a/b.bin",
    "a/config.json",
    ".git/config.json",
  ];
  assert.equal(companions([...kept, ...left]), kept);
});

test.run();
