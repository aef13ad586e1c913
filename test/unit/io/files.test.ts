import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { checkInnerPath, droppedFiles } from "../../../src/io/files.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { writePatched } from "../../../src/io/write-patched.ts";
import { rejects } from "../../reference/expect-error.ts";

const test = suite("io-files");

const INSIDE = ["a", "a.safetensors", "unet/model.safetensors", "...a", "__proto__", "ä/ö", "a b", "50%", "x?y#z"];
const OUTSIDE = [
  "",
  ".",
  "..",
  "../a",
  "a/../b",
  "a/..",
  "a//b",
  "/a",
  "a/",
  "./a",
  "..\\a",
  "a\\b",
  "C:a",
  "https://example.org/a",
  "a\0",
  "a\nb",
  ".. /a",
  "... ",
  "\ud800",
  "x".repeat(5000),
];

test("paths that stay inside a folder are told from those that lead out", () => {
  for (const path of INSIDE) checkInnerPath(path, "index.json");
  for (const path of OUTSIDE) {
    assert.throws(
      () => checkInnerPath(path, "index.json"),
      (error: Error) =>
        error instanceof FormatError && /^index\.json names the file ".*expected a path inside/s.test(error.message),
      JSON.stringify(path),
    );
  }
});

test("dropped files are found by name, and none by another's or a path that leads out", async () => {
  const files = droppedFiles([new File(["xyz"], "b.bin"), new File([], "__proto__")]);
  assert.is(files.name, "2 files");
  assert.equal(await files.list!(), ["__proto__", "b.bin"]);
  const source = (await files.open("b.bin"))!;
  assert.is(source.name, "b.bin");
  assert.equal([...(await source.slice(0, 3))], [120, 121, 122]);
  assert.is((await files.open("__proto__"))!.byteLength, 0);
  for (const name of ["c.bin", "constructor", "toString"]) assert.is(await files.open(name), undefined);
  await rejects(() => files.open("../b.bin"), FormatError, /inside the model's folder/);
  assert.throws(() => droppedFiles([new File([], "a"), new File([], "a")]), /^a is given twice/);
});

test("files of a chosen folder go by their paths in it", async () => {
  const at = (path: string): File =>
    Object.defineProperty(new File([path], path.split("/").at(-1)!), "webkitRelativePath", { value: path });
  const files = droppedFiles([at("hf/model.safetensors"), at("hf/unet/model.safetensors")]);
  assert.is(files.name, "hf");
  assert.equal(await files.list!(), ["model.safetensors", "unet/model.safetensors"]);
  assert.is((await files.open("unet/model.safetensors"))!.byteLength, "hf/unet/model.safetensors".length);
});

test("a patched copy has the patches, and every other byte", async () => {
  const source = bytesSource(Uint8Array.from({ length: 20 }, (_, i) => i));
  const patched = async (patches: [offset: number, bytes: number[] | undefined, length?: number][]) => {
    const sink = memorySink();
    await writePatched(
      source,
      patches.map(([offset, bytes, length = bytes!.length]) => ({
        offset,
        length,
        read: async () => bytes && Uint8Array.from(bytes),
      })),
      sink,
    );
    await sink.close();
    return [...sink.bytes()];
  };
  const plain = Array.from({ length: 20 }, (_, i) => i);
  assert.equal(await patched([]), plain);
  assert.equal(
    await patched([
      [3, undefined, 5],
      [0, []],
      [20, []],
    ]),
    plain,
  );
  const want = [...plain];
  want.splice(0, 2, 90, 91);
  want.splice(5, 1, 95);
  want.splice(18, 2, 98, 99);
  assert.equal(
    await patched([
      [18, [98, 99]],
      [5, [95]],
      [0, [90, 91]],
    ]),
    want,
  );
  for (const bad of [
    [
      [1, [1, 2]],
      [2, [3]],
    ],
    [[19, [1, 2]]],
    [[21, []]],
  ] as const)
    await rejects(() => patched(bad as never), RangeError, /patch at byte/);
  await rejects(() => patched([[1, [1, 2], 3]]), RangeError, /has 2 bytes, expected 3/);
});

test.run();
