import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { open as openFormat, write } from "../../../src/formats/flax/flax-format.ts";
import { looksLikeFlax } from "../../../src/formats/flax/looks-like-flax.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import {
  array,
  arrayContent,
  big,
  bin,
  chunked,
  ext,
  f32,
  head,
  int,
  list,
  map,
  NIL,
  smallFlax,
  str,
} from "../../reference/flax-builder.ts";
import { indexOf, memoryFiles } from "../../reference/memory-files.ts";
import { concat, utf8 } from "../../reference/safetensors-builder.ts";

const test = suite("Flax files");

const open = (bytes: Uint8Array, key?: string): Promise<Model> =>
  openFormat(bytesSource(bytes, "a.msgpack"), undefined, { key });

async function written(model: Model): Promise<{ bytes: Uint8Array; notes: readonly string[] }> {
  const sink = memorySink();
  const notes = await write(model, sink, { like: model.origin });
  return { bytes: sink.bytes(), notes };
}

const withBytes = (model: Model, changed: Readonly<Record<string, Uint8Array>>): Model => ({
  ...model,
  read: async (name, signal) => changed[name] ?? model.read(name, signal),
});

const floats = async (model: Model, name: string): Promise<number[]> => [
  ...new Float32Array((await model.read(name)).slice().buffer),
];

test("a TrainState: parameters and statistics are the model, the optimizer is not", async () => {
  const model = await openModel(smallFlax(), { name: "checkpoint_7" });
  assert.equal(
    [...model.tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`),
    [
      "params/Dense_0/kernel F32 2,3",
      "params/Dense_0/bias BF16 3",
      "params/Dense_1/kernel F32 3,2",
      "params/Dense_1/scale F64 ",
      "params/Dense_1/empty F32 0",
      "batch_stats/BatchNorm_0/mean F32 3",
    ],
  );
  assert.equal(await floats(model, "params/Dense_0/kernel"), [1, 2, 3, 4, 5, 6]);
  assert.equal(await floats(model, "params/Dense_1/kernel"), [1, 2, 3, 4, 5, 6]);
  sameBytes(await model.read("params/Dense_0/bias"), utf8("abcdef"));
  assert.equal(model.origin!.format, "flax");
  assert.equal(Object.fromEntries(model.origin!.details), { training: "step, opt_state" });
  await rejects(() => model.read("none"), RangeError, /has no tensor "none"/);
});

test("a file that is handed back is the same file", async () => {
  const { bytes, notes } = await written(await open(smallFlax()));
  sameBytes(bytes, smallFlax());
  assert.equal(notes, []);
});

test("other values go to their places, pieces of chunked arrays too; all else stays", async () => {
  const model = await open(smallFlax());
  const changed = {
    "params/Dense_1/kernel": new Uint8Array(Float32Array.of(-1, -2, -3, -4, -5, -6).buffer),
    "params/Dense_0/bias": utf8("ghijkl"),
  };
  const { bytes, notes } = await written(withBytes(model, changed));
  assert.equal(notes, ["kept from a.msgpack and stale, as it fits the old weights: step, opt_state"]);
  const back = await open(bytes);
  assert.equal([...back.tensors], [...model.tensors]);
  for (const name of model.tensors.keys())
    sameBytes(await back.read(name), changed[name as keyof typeof changed] ?? (await model.read(name)), name);
  const optimizer = await open(bytes, "opt_state.0.mu");
  assert.equal(await floats(optimizer, "Dense_1/kernel"), [1, 2, 3, 4, 5, 6]);
  const again = await written(withBytes(back, Object.fromEntries(await contents(model))));
  sameBytes(again.bytes, smallFlax());
});

const contents = (model: Model): Promise<[string, Uint8Array][]> =>
  Promise.all(
    [...model.tensors.keys()].map(async (name): Promise<[string, Uint8Array]> => [name, await model.read(name)]),
  );

const mlp = map({
  Dense_0: map({ kernel: f32([1, 2], 1, 2), bias: f32([2], 3, 4) }),
  Dense_1: map({ kernel: f32([2, 1], 5, 6), bias: f32([1], 7) }),
});
const other = map({ Dense_0: map({ kernel: f32([1], 1) }) });

test("names say the layout: kernels are [in, out]", async () => {
  for (const bytes of [
    map({ params: mlp }),
    mlp,
    map({ state: map({ params: map({ params: mlp }), step: int(3) }) }),
  ]) {
    const spec = await detectSpec(await open(bytes));
    assert.is(spec.family, "mlp");
    assert.match(spec.why!, /chain 1-2-1, Flax or Keras layout/);
  }
});

test("several sets of parameters: nobody can know which one, --key does; statistics beside them are of both", async () => {
  const stats = map({ BatchNorm_0: map({ mean: f32([1], 9) }) });
  const file = map({ params: mlp, ema_params: mlp, batch_stats: stats });
  await rejects(
    () => open(file),
    FormatError,
    /^a\.msgpack holds 2 sets of parameters: params, ema_params; expected one: choose with --key/,
  );
  const model = await open(file, "ema_params");
  assert.equal([...model.tensors.keys()].slice(3), ["params/Dense_1/bias", "batch_stats/BatchNorm_0/mean"]);
  const eight = new Uint8Array(Float32Array.of(8).buffer);
  const { bytes, notes } = await written(withBytes(model, { "params/Dense_1/bias": eight }));
  assert.equal(notes, ["kept from a.msgpack as they were: params"]);
  assert.equal(await floats(await open(bytes, "params"), "params/Dense_1/bias"), [7]);
  assert.equal(await floats(await open(bytes, "ema_params"), "params/Dense_1/bias"), [8]);
  const two = map({ student: map({ params: mlp }), teacher: map({ params: other }) });
  await rejects(() => open(two), FormatError, /holds 2 models: student, teacher; expected one/);
  assert.equal([...(await open(two, "teacher")).tensors.keys()], ["params/Dense_0/kernel"]);
  assert.is((await open(two, ".")).tensors.size, 5);
  await rejects(() => open(two, "none"), FormatError, /has no map "none", expected one of student, teacher/);
});

test("what would stay behind is not guessed about", async () => {
  const stats = map({ BatchNorm_0: map({ mean: f32([1], 9) }) });
  const apart = map({ state: map({ params: mlp }), batch_stats: stats });
  await rejects(() => open(apart), FormatError, /holds "state" and batch_stats, expected one model: choose with --key/);
  assert.is((await open(apart, "state")).tensors.size, 4);
  const nestedApart = await open(map({ params: map({ params: mlp }), batch_stats: stats }));
  assert.ok(nestedApart.tensors.has("params/params/Dense_0/kernel"));
  assert.ok(nestedApart.tensors.has("batch_stats/BatchNorm_0/mean"));
  const old = map({ optimizer: map({ target: map({ params: mlp }) }) });
  await rejects(() => open(old), FormatError, /holds only optimizer, expected a model: choose with --key/);
  assert.is((await open(old, "optimizer.target")).tensors.size, 4);
});

test("arrays of other types: text is left alone, numbers make the file read-only", async () => {
  const text = await open(map({ w: f32([1], 1), t: array("str32", [1], utf8("a")) }));
  assert.equal(Object.fromEntries(text.origin!.details), { "left as is": "t (str32)" });
  await written(text);
  const complex = await open(map({ w: f32([1], 1), c: array("complex128", [1], new Uint8Array(16)) }));
  await rejects(() => written(complex), RangeError, /holds "c" \(complex128\), .* so it is only read/);
});

test("lists are maps of their numbers; a big file's tree is read without its arrays", async () => {
  const large = new Uint8Array(300_000);
  const file = map({ layers: list(map({ w: array("uint8", [300_000], large) }), map({ w: f32([1], 2) })) });
  let read = 0;
  const source = bytesSource(file, "a.msgpack");
  const counted = {
    ...source,
    slice: (start: number, end: number) => {
      read += end - start;
      return source.slice(start, end);
    },
  };
  const model = await openFormat(counted, undefined, {});
  assert.equal([...model.tensors.keys()], ["layers/0/w", "layers/1/w"]);
  assert.ok(read < 140_000, `${read} bytes`);
});

test("shards of Hugging Face, in a folder", async () => {
  const [one, two] = ["flax_model-00001-of-00002.msgpack", "flax_model-00002-of-00002.msgpack"];
  const weightMap = { "a/kernel": one, "b/kernel": two };
  const folder = memoryFiles({
    [one]: map({ a: map({ kernel: f32([1], 1) }) }),
    [two]: map({ b: map({ kernel: f32([1], 2) }) }),
    "flax_model.msgpack.index.json": indexOf(weightMap),
    "tf_model.h5": "",
  });
  const model = await openModel(folder);
  assert.equal([...model.tensors.keys()], ["a/kernel", "b/kernel"]);
  assert.equal(await floats(model, "b/kernel"), [2]);
});

test("recognised by its ending and by its first key; not what only begins alike", () => {
  assert.ok(looksLikeFlax(smallFlax(), "checkpoint_100"));
  assert.ok(looksLikeFlax(map({ é: NIL }), "a.msgpack"));
  assert.not(looksLikeFlax(map({ é: NIL }), "a"));
  assert.not(looksLikeFlax(utf8("version https://git-lfs"), "a.msgpack"));
  assert.not(looksLikeFlax(Uint8Array.of(0x80), "a.msgpack"));
  assert.not(looksLikeFlax(new Uint8Array(0), "a.msgpack"));
});

const nested = (depth: number): Uint8Array =>
  concat(
    new Uint8Array(2 * depth).map((_, i) => (i % 2 === 0 ? 0x81 : 0xa0)),
    NIL,
  );
const one = (content: Uint8Array): Uint8Array => map({ w: ext(1, content) });
const none = new Uint8Array(0);

const HOSTILE: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["nothing", none, /byte 0 is the end/],
  ["a list", list(NIL), /byte 0 is a list of 1, expected a map/],
  ["no arrays", map({ a: int(1) }), /holds no arrays/],
  ["trailing bytes", concat(map({ w: f32([1], 1) }), NIL), /follows the tree, expected the end: 1 bytes more/],
  [
    "a key that is a number",
    concat(Uint8Array.of(0x81, 1), NIL),
    /byte 1 is the number 1, expected a key that is text/,
  ],
  ["a key twice", concat(Uint8Array.of(0x82), str("a"), NIL, str("a"), NIL), /has the key "a" again/],
  ["a key that is no UTF-8", Uint8Array.of(0x81, 0xa1, 0xff, 0xc0), /is not valid UTF-8/],
  ["more entries than bytes", concat(head(0xdf, 2 ** 32 - 1), str("a")), /has 4294967295 entries/],
  [
    "a text beyond the end",
    concat(Uint8Array.of(0x81), head(0xdb, 2 ** 31)),
    /has 2147483648 bytes, expected at most the 0/,
  ],
  ["a code that is none", Uint8Array.of(0x81, 0xa1, 0x61, 0xc1), /has the code 0xc1/],
  ["a head that is cut", Uint8Array.of(0x81, 0xa1, 0x61, 0xcf, 1), /is cut off/],
  ["101 maps", nested(101), /is nested 101 deep, expected at most 100/],
  ["names that meet", map({ "a/b": f32([1], 1), a: map({ b: f32([1], 1) }) }), /has two arrays "a\/b"/],
  ["an array of two parts", one(list(list(), str("float32"))), /is a list of 2, expected an array's shape/],
  [
    "more bytes than the shape",
    one(arrayContent("float32", [1], new Uint8Array(8))),
    /has 8 bytes of data, expected 4/,
  ],
  ["a shape beyond numbers", one(arrayContent("float32", [2 ** 52, 2 ** 52], none)), /expected less than 2\^53 bits/],
  ["a negative size", one(list(list(Uint8Array.of(0xff)), str("float32"), bin(none))), /expected a size from 0/],
  [
    "an array that ends elsewhere",
    one(concat(arrayContent("float32", [1], new Uint8Array(4)), NIL)),
    /follows an array's bytes/,
  ],
  [
    "bytes beyond the array",
    one(concat(list(list(), str("float32")).fill(0x93, 0, 1), head(0xc6, 4))),
    /expected at most the 0/,
  ],
  [
    "33 axes",
    one(concat(Uint8Array.of(0x93, 0xdc), big(33, 2), new Uint8Array(40))),
    /is a list of 33, expected a shape of at most 32 axes/,
  ],
  ["chunks that are missing", map({ w: chunked({ "0": int(1) }, { "1": f32([1], 1) }) }), /expected arrays in order/],
  ["chunks without a shape", map({ w: chunked({ "1": int(1) }, { "0": f32([1], 1) }) }), /without a shape/],
  [
    "chunks of two types",
    map({ w: chunked({ "0": int(2) }, { "0": f32([1], 1), "1": array("int32", [1], new Uint8Array(4)) }) }),
    /expected all of one type/,
  ],
  [
    "chunks of another size",
    map({ w: chunked({ "0": int(3) }, { "0": f32([1], 1) }) }),
    /has 4 bytes of data, expected 12/,
  ],
  ["one array", chunked({ "0": int(1) }, { "0": f32([1], 1) }), /is one array without a name/],
];

for (const [what, bytes, message] of HOSTILE) {
  test(`hostile: ${what}`, async () => {
    const error = await rejects(() => open(bytes), FormatError, message);
    assert.match(error.message, /^a\.msgpack [^\n]*$/);
  });
}

test("hostile: a tree that is larger than asked for", async () => {
  await rejects(
    () => openFormat(bytesSource(smallFlax(), "a.msgpack"), undefined, { maxIndexBytes: 20 }),
    FormatError,
    /has more than 20 bytes besides its arrays/,
  );
});

test.run();
