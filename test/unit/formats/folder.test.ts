import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { chooseFile } from "../../../src/formats/folder/choose-file.ts";
import { MAX_SHARDS } from "../../../src/formats/folder/shard-index.ts";
import { shardName } from "../../../src/formats/folder/shard-names.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { rejects } from "../../reference/expect-error.ts";
import { indexOf, memoryFiles, shardOf } from "../../reference/memory-files.ts";
import { utf8 } from "../../reference/safetensors-builder.ts";

const test = suite("folder");

const INDEX = "model.safetensors.index.json";
const ONE = "model-00001-of-00002.safetensors";
const TWO = "model-00002-of-00002.safetensors";

/** Three tensors in two shards. */
const sharded = (): Record<string, Uint8Array | string> => ({
  [ONE]: shardOf({ a: [1, 2, 3], c: [4] }),
  [TWO]: shardOf({ b: [5, 6] }),
  [INDEX]: indexOf({ a: ONE, b: TWO, c: ONE }),
  "config.json": "{}",
});

test("shards are one model, in their order", async () => {
  const files = memoryFiles(sharded());
  const model = await openModel(files);
  assert.is(model.name, "hf");
  assert.equal([...model.tensors.keys()], ["a", "c", "b"]);
  assert.equal([...(await model.read("a"))], [1, 2, 3]);
  assert.equal([...(await model.read("b"))], [5, 6]);
  assert.equal([...(await model.read("c"))], [4]);
  assert.equal([...model.metadata], [["format", "pt"]]);
  assert.equal(model.origin!.details, [["shards", "2 (safetensors)"]]);
  await rejects(() => model.read("d"), RangeError, /has no tensor "d"/);
  assert.is(files.stillOpen(), 2);
  await model.close?.();
  await model.close?.();
  assert.is(files.stillOpen(), 0);
});

test("an index is opened with the files beside it, whatever it is called", async () => {
  const files = memoryFiles(sharded());
  const index = utf8(sharded()[INDEX] as string);
  const model = await openModel(index, { name: "mine", files });
  assert.is(model.name, "mine");
  assert.equal([...(await model.read("b"))], [5, 6]);
  await rejects(
    () => openModel(index),
    FormatError,
    /^bytes is the index of a model in shards, expected its shards too/,
  );
});

test("a folder with one file is that model; what is not read is said", async () => {
  const files = memoryFiles({
    "model.safetensors": shardOf({ a: [1] }),
    "pytorch_model.bin": "x",
    "model.fp16.safetensors": "x",
    "training_args.bin": "x",
  });
  const model = await openModel(files);
  assert.equal(model.origin!.details, [
    ["file", "model.safetensors (safetensors)"],
    ["not read", "model.fp16.safetensors, pytorch_model.bin"],
  ]);
});

/** What is wrong with a folder, and the message. */
const FAULTS: readonly [what: string, change: Record<string, Uint8Array | string | undefined>, message: RegExp][] = [
  [
    "a missing shard",
    { [TWO]: undefined },
    /^hf\/model\.safetensors\.index\.json names model-00002-of-00002\.safetensors, which is not there \(1 of its 2 shards are\), expected every shard$/,
  ],
  [
    "a tensor that its shard lacks",
    { [INDEX]: indexOf({ a: ONE, b: TWO, c: ONE, d: TWO }) },
    /tensor "d" is not in model-00002-of-00002\.safetensors \(no shard has it\), expected it there$/,
  ],
  [
    "a tensor that another shard has",
    { [INDEX]: indexOf({ a: ONE, b: TWO, c: TWO }) },
    /tensor "c" is not in model-00002-of-00002\.safetensors \(model-00001-of-00002\.safetensors has it\), expected it there$/,
  ],
  [
    "a tensor in two shards",
    { [TWO]: shardOf({ b: [5, 6], a: [1, 2, 3] }) },
    /tensor "a" is in model-00001-of-00002\.safetensors and in model-00002-of-00002\.safetensors, expected it in one shard$/,
  ],
  [
    "a tensor twice in the index",
    { [INDEX]: `{"weight_map":{"a":"${ONE}","a":"${TWO}"}}` },
    /"weight_map" has "a" twice/,
  ],
  ["two weight maps", { [INDEX]: '{"weight_map":{"a":"x"},"weight_map":{}}' }, /has "weight_map" twice/],
  ["an index that names itself", { [INDEX]: indexOf({ a: INDEX }) }, /looks like an index of sharded safetensors/],
  [
    "no index",
    { [INDEX]: undefined },
    /^hf holds shards \(.*\) and no index, expected model\.safetensors\.index\.json$/,
  ],
  ["an empty index", { [INDEX]: indexOf({}) }, /weight_map is empty, expected a tensor or more$/],
  ["an index without a map", { [INDEX]: '{"metadata":{}}' }, /weight_map is undefined, expected an object$/],
  ["a map of another kind", { [INDEX]: '{"weight_map":[]}' }, /weight_map is \[\], expected an object$/],
  ["no JSON", { [INDEX]: '{"weight_map":' }, /is not valid JSON, expected an index of shards$/],
  ["no UTF-8", { [INDEX]: Uint8Array.of(0x7b, 0xff) }, /is not valid UTF-8, expected an index in JSON$/],
  ["deep nesting", { [INDEX]: `{"weight_map":${"[".repeat(1e5)}` }, /is nested 17 deep, expected at most 16$/],
  [
    "several files of a tensor",
    { [INDEX]: indexOf({ a: [ONE, TWO] }) },
    /tensor "a" is in \[.*\], expected the name of one/,
  ],
  ["a path that leads out", { [INDEX]: indexOf({ a: "../model.safetensors" }) }, /names the file "\.\.\/model.*inside/],
  [
    "an absolute path",
    { [INDEX]: indexOf({ a: "/etc/passwd" }) },
    /names the file "\/etc\/passwd", expected a path inside/,
  ],
  ["a URL", { [INDEX]: indexOf({ a: "https://example.org/a" }) }, /names the file "https:.*inside/],
  ["__proto__ as a file", { [INDEX]: indexOf({ a: "__proto__" }) }, /names __proto__, which is not there/],
  [
    "__proto__ as a tensor",
    { [INDEX]: `{"weight_map":{"__proto__":"${ONE}"}}` },
    /tensor "__proto__" is not in model-00001-of-00002\.safetensors \(no shard has it\)/,
  ],
  [
    "too many shards",
    { [INDEX]: indexOf(Object.fromEntries(Array.from({ length: MAX_SHARDS + 1 }, (_, i) => [`t${i}`, `s${i}`]))) },
    /names more than 10000 files, expected fewer$/,
  ],
  ["a shard that is no model", { [TWO]: "hello, world!" }, /^hf\/model-00002.* looks like a text file/],
];

for (const [what, change, message] of FAULTS) {
  test(`${what} is a FormatError that says so, and nothing stays open`, async () => {
    const contents = Object.entries({ ...sharded(), ...change }).filter((pair) => pair[1] !== undefined);
    const files = memoryFiles(Object.fromEntries(contents) as Record<string, Uint8Array>);
    const error = await rejects(() => openModel(files), FormatError, message);
    assert.ok(!error.message.includes("\n") && error.message.length < 400, error.message);
    assert.is(files.stillOpen(), 0);
  });
}

test("stray shards and tensors that the index leaves out are said", async () => {
  const files = memoryFiles({
    ...sharded(),
    [INDEX]: indexOf({ a: ONE, b: TWO }),
    "model-00003-of-00003.safetensors": "old",
    "model.safetensors": "older",
  });
  const model = await openModel(files);
  assert.equal([...model.tensors.keys()], ["a", "c", "b"]);
  assert.equal(model.origin!.details.slice(1), [
    ["not in index", "c"],
    ["not read", "model.safetensors, model-00003-of-00003.safetensors"],
  ]);
});

test("shards may lie in folders, and a tensor may be called anything", async () => {
  const contents = {
    "weights/x.safetensors": shardOf({ ["__proto__"]: [7], constructor: [8] }),
    [INDEX]: '{"weight_map":{"__proto__":"weights/x.safetensors","constructor":"weights/x.safetensors"}}',
  };
  const model = await openModel(memoryFiles(contents));
  assert.equal([...(await model.read("__proto__"))], [7]);
  assert.equal([...(await model.read("constructor"))], [8]);
});

const CHOICES: readonly [paths: string[], chosen: string | RegExp][] = [
  [["model.safetensors", "pytorch_model.bin"], "model.safetensors"],
  [["model.safetensors", INDEX], INDEX],
  [["pytorch_model.bin", "pytorch_model.bin.index.json", "config.json"], "pytorch_model.bin.index.json"],
  [["model.safetensors", "model.fp16.safetensors"], "model.safetensors"],
  [["pytorch_model.bin", "consolidated.safetensors"], "pytorch_model.bin"],
  [["adapter_model.safetensors", "model.safetensors"], "model.safetensors"],
  [["diffusion_pytorch_model.safetensors", "config.json"], "diffusion_pytorch_model.safetensors"],
  [["net.pth", "optimizer.pt", "rng_state_0.pth", "scheduler.pt"], "net.pth"],
  [["a.safetensors", "b.pt"], "a.safetensors"],
  [
    ["a.safetensors", "b.safetensors"],
    /^hf holds 2 models \(a\.safetensors, b\.safetensors\), expected one: name the file$/,
  ],
  [["model.fp16.safetensors", "model.bf16.safetensors"], /^hf holds 2 models/],
  [
    ["model_index.json", "unet/a.safetensors", "vae/b.safetensors"],
    /^hf is a diffusers pipeline of unet, vae, expected one/,
  ],
  [["x/a.safetensors"], /^hf holds no model, but folders with x, expected one of them: name that folder$/],
  [["tf_model.h5", "config.json"], "tf_model.h5"],
  [["m.gguf", "config.json"], /^hf has no model among its 2 files \(m\.gguf is not supported\), expected/],
  [[], /^hf is empty, expected/],
];

for (const [paths, chosen] of CHOICES) {
  test(`the model among ${paths.join(", ") || "nothing"}`, () => {
    if (typeof chosen === "string") assert.is(chooseFile(paths, "hf").path, chosen);
    else
      assert.throws(
        () => chooseFile(paths, "hf"),
        (error: Error) => error instanceof FormatError && chosen.test(error.message),
      );
  });
}

test("shards are known by their names", () => {
  assert.equal(shardName("hf/model-00001-of-00003.safetensors"), {
    stem: "model",
    number: 1,
    count: 3,
    ending: ".safetensors",
  });
  assert.equal(shardName("model.fp16_000012_of_000099.bin"), {
    stem: "model.fp16",
    number: 12,
    count: 99,
    ending: ".bin",
  });
  for (const name of ["model.safetensors", "model-1-of-2.bin", "model-00001-of-00003", "a-00001-of-00002.x.y"])
    assert.is(shardName(name), undefined, name);
});

test("100,000 tensors in an index are opened", async () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `layers.${i}.weight`);
  const half = (from: number): Record<string, readonly number[]> =>
    Object.fromEntries(names.slice(from, from + 50_000).map((name) => [name, [1]]));
  const files = memoryFiles({
    [ONE]: shardOf(half(0)),
    [TWO]: shardOf(half(50_000)),
    [INDEX]: indexOf(Object.fromEntries(names.map((name, i) => [name, i < 50_000 ? ONE : TWO]))),
  });
  const model = await openModel(files);
  assert.is(model.tensors.size, 100_000);
  assert.equal([...(await model.read("layers.99999.weight"))], [1]);
});

test.run();
