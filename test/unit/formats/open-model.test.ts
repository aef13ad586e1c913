import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { guessFormat } from "../../../src/formats/signatures.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { rejects } from "../../reference/expect-error.ts";
import { concat, entry, safetensorsFile, smallFile, utf8 } from "../../reference/safetensors-builder.ts";

const test = suite("io-open-model");

test("bytes, buffers, blobs, files, URLs and sources open alike", async () => {
  const bytes = smallFile();
  const base64 = btoa(String.fromCharCode(...bytes));
  const url = new URL(`data:application/octet-stream;base64,${base64}`);
  const sources = [bytes, bytes.slice().buffer, new Blob([bytes]), new File([bytes], "f"), url, bytesSource(bytes)];
  for (const source of sources) {
    const model = await openModel(source, { name: "mine" });
    assert.is(model.name, "mine");
    assert.equal([...(await model.read("b.weight"))], [7, 8, 9, 10]);
  }
  assert.is((await openModel(new File([bytes], "f.safetensors"))).name, "f.safetensors");
  assert.is((await openModel(bytesSource(bytes, "b"))).name, "b");
});

test("a model closes its source; a failed opening leaves the caller's source open", async () => {
  let closed = 0;
  const source = { ...bytesSource(smallFile()), close: async () => void closed++ };
  for (const name of ["renamed", undefined]) await (await openModel(source, name ? { name } : {})).close?.();
  assert.is(closed, 2);
  await rejects(() => openModel({ ...bytesSource(new Uint8Array(3)), close: source.close }), FormatError, /3 bytes/);
  assert.is(closed, 2);
});

test("strings and other things that are no source are TypeErrors that say what to do", async () => {
  const open = (source: unknown) => () => openModel(source as Uint8Array);
  await rejects(
    open("model.safetensors"),
    TypeError,
    /^model source is string "model\.safetensors", expected bytes.*openModelFile/,
  );
  for (const source of [null, undefined, 5, {}, [], { byteLength: 3 }]) {
    await rejects(open(source), TypeError, /^model source is \w+, expected bytes/);
  }
});

/** A zip file's first local header. */
const zip = (name: string) =>
  concat(
    Uint8Array.of(0x50, 0x4b, 3, 4, 0x14, 0, 0, 0, 0, 0),
    new Uint8Array(16),
    Uint8Array.of(name.length, 0, 0, 0),
    utf8(name),
  );

const FORMATS: readonly [head: Uint8Array, format: RegExp][] = [
  [zip("x.json"), /a zip archive/],
  [Uint8Array.of(0x50, 0x4b, 5, 6, 0, 0, 0, 0, 0, 0), /a zip archive/],
  [Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf8, 0), /a Python pickle/],
  [Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3), /a gzip archive/],
  [utf8("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n"), /a Git LFS pointer/],
  [utf8("\n<!DOCTYPE html><html>"), /a web page/],
  [utf8("\ufeff\n[1, 2]"), /a JSON file/],
  [utf8("hello, world!\n"), /a text file/],
  [utf8("Gewichte für später, sagte sie: „bald“"), /a text file/],
];

for (const [head, format] of FORMATS) {
  test(`${format.source} is refused by name`, async () => {
    const error = await rejects(() => openModel(head, { name: "m.model" }), FormatError, format);
    assert.match(
      error.message,
      /^m\.model looks like .*, which is not supported, expected (safetensors$|a model file: )/,
    );
  });
}

const NOT_READ: readonly (readonly [Uint8Array, string, RegExp])[] = [
  [
    concat(utf8("GGUF"), Uint8Array.of(3, 0, 0, 0, 1, 0)),
    "m.gguf",
    /m\.gguf is a GGUF file, .* expected the checkpoint that it was made from/,
  ],
  [
    concat(Uint8Array.of(0x1c, 0, 0, 0), utf8("TFL3"), new Uint8Array(4)),
    "m",
    /^m is a TensorFlow Lite model, .* expected that one/,
  ],
  [
    Uint8Array.of(8, 1, 18, 0),
    "dir/saved_model.pb",
    /saved_model\.pb is a SavedModel .* expected a file of Keras or TensorFlow\.js/,
  ],
  [utf8('{"tree_metadata": {}}'), "_METADATA", /^_METADATA is an Orbax checkpoint, .* expected one file/],
];

test("kinds of files that are not read: why, and what to make of them", async () => {
  for (const [head, name, message] of NOT_READ) await rejects(() => openModel(head, { name }), FormatError, message);
});

test("edge workers, which do not read them, know these too", () => {
  assert.is(guessFormat(utf8('{"format": "layers-model", "modelTopology": {}}')), "a TensorFlow.js model (model.json)");
  assert.is(guessFormat(concat(Uint8Array.of(0x08, 0x08, 0x12, 7), utf8("pytorch"))), "an ONNX model");
  assert.is(guessFormat(utf8("GGUF")), "a GGUF file");
  assert.is(guessFormat(concat(Uint8Array.of(0x81, 0xa6), utf8("params"))), "a Flax checkpoint (MessagePack)");
});

test("safetensors is safetensors whatever its length looks like", async () => {
  // Header lengths that begin as a pickle, a zip file, a JSON text, an ONNX and a Flax file do.
  for (const length of [0x0280, 0x4b50, 0x097b, 0x121208, 0xa181]) {
    const header = `{${entry("x", "U8", "[1]", "[0,1]")}}`.padEnd(length);
    const file = safetensorsFile(header, 1);
    assert.is(guessFormat(file), undefined);
    assert.is((await openModel(file)).tensors.size, 1);
  }
});

test("what looks like nothing known gets the reader's own message", async () => {
  await rejects(
    () => openModel(utf8("hello, \x00orld!"), { name: "x" }),
    FormatError,
    /^x header length \d+, expected at most 5 /,
  );
  await rejects(() => openModel(new Uint8Array(0), { name: "x" }), FormatError, /^x is empty/);
});

test.run();
