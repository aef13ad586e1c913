/** Parsers of data files: what they read, and the files they refuse. */

import { zipSync } from "fflate";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { readCifar } from "../../../src/data/cifar.ts";
import { maybeGunzip } from "../../../src/data/gunzip.ts";
import { parseIdx, readIdxImages } from "../../../src/data/idx.ts";
import { npyNumbers, parseNpy } from "../../../src/data/npy.ts";
import { npyDataset } from "../../../src/data/npy-images.ts";
import { readNpz } from "../../../src/data/npz.ts";
import { bytesOf, gzip, idxFile, npyFile, npyHeader } from "../../reference/data-files.ts";
import { rejects } from "../../reference/expect-error.ts";
import { decode, F16 } from "../../reference/small-floats.ts";

const test = suite("data files");

/** Fails unless `work` throws a `FormatError` with this message. */
async function refuses(message: RegExp, work: () => unknown): Promise<void> {
  await rejects(async () => work(), FormatError, message);
}

test("IDX: images and labels, plain or gzipped, from any offset of a buffer", async () => {
  const images = idxFile([3, 1, 2], [0, 51, 102, 153, 204, 255]);
  const labels = idxFile([3], [7, 0, 9]);
  const shifted = bytesOf([1], images).subarray(1);
  for (const bytes of [images, shifted, await gzip(images)]) {
    const data = await readIdxImages({ name: "i", bytes }, { name: "l", bytes: labels }, { name: "mine" });
    assert.equal(
      [data.name, data.count, data.height, data.width, data.channels, data.classes],
      ["mine", 3, 1, 2, 1, 10],
    );
    assert.equal([...data.read(0, 3)], [0, 0.2, 0.4, 0.6, 0.8, 1].map(Math.fround));
    assert.equal([...data.labels], [7, 0, 9]);
  }
  const colour = idxFile([1, 1, 2, 3], [0, 1, 2, 3, 4, 5]);
  const data = await readIdxImages({ name: "i", bytes: colour }, { name: "l", bytes: idxFile([1], [1]) }, { scale: 1 });
  assert.equal([data.channels, ...data.read(0, 1)], [3, 0, 1, 2, 3, 4, 5]);
  assert.equal(parseIdx(idxFile([2, 1], [5, 6]), "x").shape, [2, 1]);
});

test("IDX: wrong files are refused, naming file, fault and expectation", async () => {
  const cases: [RegExp, Uint8Array, number?][] = [
    [/^f holds 0 bytes, expected an IDX header of 4 or more$/, new Uint8Array(0)],
    [/^f magic number 2049, expected 2051 \(IDX of unsigned bytes, 3 axes\)$/, idxFile([2, 1, 1], [1, 2], 2049), 3],
    [/^f magic number 3331, expected 2049 to 2052 /, idxFile([1], [0], 0xd03)],
    [/^f magic number 2048, expected /, idxFile([], [])],
    [/^f holds 8 bytes, expected an IDX header of 16$/, idxFile([1, 2, 3], []).subarray(0, 8)],
    [/^f holds 5 bytes of data, expected 3×1×2 = 6$/, idxFile([3, 1, 2], [1, 2, 3, 4, 5])],
    [/^f holds 7 bytes of data, expected 3×1×2 = 6$/, idxFile([3, 1, 2], [1, 2, 3, 4, 5, 6, 7])],
    [/^f holds 0 bytes of data, expected 4294967295×/, idxFile([0xffffffff, 0xffffffff, 0xffffffff], [])],
  ];
  for (const [message, bytes, axes] of cases) await refuses(message, () => parseIdx(bytes, "f", axes));
  const pair = (images: Uint8Array, labels: Uint8Array) => () =>
    readIdxImages({ name: "images", bytes: images }, { name: "labels", bytes: labels });
  const two = idxFile([2, 1, 1], [1, 2]);
  await refuses(/^labels holds 3 labels, expected 2 as images$/, pair(two, idxFile([3], [1, 2, 3])));
  await refuses(/^labels magic number 2051, expected 2049 /, pair(two, two));
  await refuses(
    /^images holds images of 2×0×1, expected at least one pixel$/,
    pair(idxFile([2, 0, 1], []), idxFile([2], [0, 0])),
  );
  await refuses(/^images holds images of 0×1×1, expected /, pair(idxFile([0, 1, 1], []), idxFile([0], [])));
});

test("gzip: broken, cut and swollen files are refused", async () => {
  const packed = await gzip(new Uint8Array(100_000));
  await refuses(/^f unpacks to more than 99999 bytes, expected at most that$/, () => maybeGunzip(packed, "f", 99_999));
  assert.is((await maybeGunzip(packed, "f", 100_000)).length, 100_000);
  await refuses(/^f does not gunzip \(.*\), expected a whole gzip file$/, () =>
    maybeGunzip(bytesOf([0x1f, 0x8b], new Uint8Array(40).fill(7)), "f"),
  );
  await refuses(/^f does not gunzip /, () => maybeGunzip(packed.subarray(0, packed.length - 12), "f"));
});

test("CIFAR: planes become channels, several files one data set, CIFAR-100 takes the fine label", () => {
  const planes = (value: number) => Uint8Array.from({ length: 3072 }, (_, i) => value + Math.floor(i / 1024));
  const ten = [
    { name: "1", bytes: bytesOf([3], planes(10), [9], planes(20)) },
    { name: "2", bytes: bytesOf([0], planes(30)) },
  ];
  const data = readCifar(ten, { classes: 10, scale: 1, name: "c" });
  assert.equal([data.count, data.height, data.width, data.channels, data.classes], [3, 32, 32, 3, 10]);
  assert.equal([...data.labels], [3, 9, 0]);
  assert.equal([...data.read(1, 3)].slice(3069, 3078), [20, 21, 22, 30, 31, 32, 30, 31, 32]);
  const hundred = readCifar([{ name: "1", bytes: bytesOf([19, 99], planes(1)) }], { classes: 100 });
  assert.equal([hundred.classes, ...hundred.labels], [100, 99]);
});

test("CIFAR: cut files and labels out of range are refused", async () => {
  const record = (label: number) => bytesOf([label], new Uint8Array(3072));
  const read = (bytes: Uint8Array) => () => readCifar([{ name: "f", bytes }], { classes: 10 });
  await refuses(/^f holds 0 bytes, expected a multiple of 3073, the record of CIFAR-10$/, read(new Uint8Array(0)));
  await refuses(/^f holds 3072 bytes, expected a multiple of 3073/, read(record(0).subarray(1)));
  await refuses(/^f label 10 at byte 3073, expected less than 10$/, read(bytesOf(record(9), record(10))));
});

const float32 = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

test("npy: every dtype, any order of keys, all versions, scalars", () => {
  const array = parseNpy(npyFile(npyHeader("<f4", [2, 1]), float32(1.5, -2)), "f");
  assert.equal([array.dtype, array.shape, [...npyNumbers(array)]], ["<f4", [2, 1], [1.5, -2]]);
  const other = "{ 'shape': (2,) ,'fortran_order':False, 'descr': '|u1' }";
  for (const version of [1, 2, 3]) assert.equal([...parseNpy(npyFile(other, [7, 8], version), "f").data], [7, 8]);
  assert.equal(parseNpy(npyFile(npyHeader("|u1", []), [5]), "f").shape, []);
  const values: [string, ArrayBufferView, number[]][] = [
    ["|i1", Int8Array.of(-1), [-1]],
    ["|b1", Uint8Array.of(1), [1]],
    ["<u2", Uint16Array.of(65535), [65535]],
    ["<i2", Int16Array.of(-2), [-2]],
    ["<u4", Uint32Array.of(2 ** 32 - 1), [2 ** 32 - 1]],
    ["<i4", Int32Array.of(-3), [-3]],
    ["<u8", BigUint64Array.of(5n), [5]],
    ["<i8", BigInt64Array.of(-5n), [-5]],
    ["<f8", Float64Array.of(0.1), [0.1]],
  ];
  for (const [dtype, data, expected] of values)
    assert.equal(
      [...npyNumbers(parseNpy(npyFile(npyHeader(dtype, [1]), new Uint8Array(data.buffer)), dtype))],
      expected,
    );
});

test("npy: half floats decode as by the table of all values", () => {
  const codes = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const numbers = npyNumbers(parseNpy(npyFile(npyHeader("<f2", [65536]), new Uint8Array(codes.buffer)), "f"));
  const wrong = numbers.findIndex((value, code) => !Object.is(value, decode(F16, code)));
  assert.is(wrong, -1, `code ${wrong} is ${numbers[wrong]}, expected ${decode(F16, wrong)}`);
});

test("npy: wrong files are refused, naming file, fault and expectation", async () => {
  const cases: [RegExp, Uint8Array][] = [
    [/^f starts with nothing, expected 93 4e 55 4d 50 59 \(\.npy\)$/, new Uint8Array(0)],
    [/^f starts with 50 4b 03 04 00 00, expected /, bytesOf([0x50, 0x4b, 3, 4, 0, 0])],
    [/^f format version 0, expected 1, 2 or 3$/, bytesOf([0x93], "NUMPY")],
    [/^f format version 4, expected 1, 2 or 3$/, npyFile(npyHeader("|u1", [1]), [1], 4)],
    [/^f holds 9 bytes, expected a header of 10$/, bytesOf([0x93], "NUMPY", [1, 0, 5])],
    [/^f header of 65535 bytes, expected at most 10000$/, bytesOf([0x93], "NUMPY", [1, 0, 255, 255])],
    [/^f header of 4294967295 bytes, expected /, bytesOf([0x93], "NUMPY", [2, 0, 255, 255, 255, 255])],
    [/^f holds 12 bytes, expected a header up to byte 15$/, bytesOf([0x93], "NUMPY", [1, 0, 5, 0], "{}")],
    [/^f holds 1 bytes of data, expected 2 for \|u1 \[2\]$/, npyFile(npyHeader("|u1", [2]), [1])],
    [/^f holds 3 bytes of data, expected 2 for \|u1 \[2\]$/, npyFile(npyHeader("|u1", [2]), [1, 2, 3])],
    [/^f dtype >f4, expected one of /, npyFile(npyHeader(">f4", [1]), [0, 0, 0, 0])],
    [/^f dtype \|O, expected one of /, npyFile(npyHeader("|O", [1]), [0])],
    [/^f is in Fortran order, expected C order/, npyFile(npyHeader("|u1", [1], "True"), [1])],
    [
      /^f has an axis of 100000000000000000000, expected /,
      npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,)}", []),
    ],
    [/^f has 33 axes, expected at most 32$/, npyFile(npyHeader("|u1", new Array(33).fill(1)), [1])],
  ];
  const headers = [
    "",
    "[]",
    "{}",
    "{'descr': '|u1'}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'shape': (2,)}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'extra': (2,)}",
    "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
    "{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}",
    "__import__('os').system('true')",
  ];
  for (const [message, bytes] of cases) await refuses(message, () => parseNpy(bytes, "f"));
  for (const header of headers)
    await refuses(/^f header ".*, expected \{'descr'/, () => parseNpy(npyFile(header, [1]), "f"));
  const structured = "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1,)}";
  await refuses(/^f dtype \[\('a', '\|u1'\)\], expected one of /, () => parseNpy(npyFile(structured, [1]), "f"));
});

test("arrays become data sets: bytes scaled, floats as they are, channels last or first, labels of any integer type", () => {
  const array = (dtype: string, shape: number[], data: ArrayBufferView) => ({
    name: `${dtype} array`,
    array: parseNpy(npyFile(npyHeader(dtype, shape), new Uint8Array(data.buffer)), "f"),
  });
  const labels = array("<i8", [1, 1], BigInt64Array.of(4n));
  const bytes = npyDataset(array("|u1", [1, 1, 2], Uint8Array.of(51, 255)), labels);
  assert.equal([...bytes.read(0, 1)], [Math.fround(0.2), 1]);
  assert.equal([bytes.classes, bytes.channels], [5, 1]);
  const floats = npyDataset(array("<f8", [1, 1, 2], Float64Array.of(0.1, 2)), labels);
  assert.equal([...floats.read(0, 1)], [Math.fround(0.1), 2]);
  const planar = npyDataset(array("<f4", [1, 3, 1, 2], Float32Array.of(1, 2, 3, 4, 5, 6)), labels);
  assert.equal([planar.height, planar.width, planar.channels, ...planar.read(0, 1)], [1, 2, 3, 1, 3, 5, 2, 4, 6]);
});

test("arrays that are no images or labels are refused", async () => {
  const array = (dtype: string, shape: number[], length: number) => ({
    name: "f",
    array: parseNpy(npyFile(npyHeader(dtype, shape), new Uint8Array(length).fill(1)), "f"),
  });
  const [image, label] = [array("|u1", [1, 2, 2], 4), array("|u1", [1], 1)];
  const cases: [RegExp, typeof image, typeof image][] = [
    [/^f has shape \[1, 4\], expected \[count, height, width\]/, array("|u1", [1, 4], 4), label],
    [/^f has shape \[1, 2, 2, 2\], expected /, array("|u1", [1, 2, 2, 2], 8), label],
    [/^f has shape \[0, 2, 2\], expected at least one image$/, array("|u1", [0, 2, 2], 0), label],
    [/^f has dtype <i4, expected \|u1, <f2, <f4 or <f8 for images$/, array("<i4", [1, 1, 1], 4), label],
    [/^f has dtype <f4, expected integers for labels$/, image, array("<f4", [1], 4)],
    [/^f has shape \[1, 10\], expected \[count\] for labels$/, image, array("|u1", [1, 10], 10)],
    [/^f holds 2 labels, expected 1 as f$/, image, array("|u1", [2], 2)],
    [/^f label 257 at 0, expected 0 to 255$/, image, array("<u2", [1], 2)],
  ];
  for (const [message, images, labels] of cases) await refuses(message, () => npyDataset(images, labels));
});

test("npz: arrays by name, other entries left out; broken archives are refused", async () => {
  const x = npyFile(npyHeader("|u1", [2]), [1, 2]);
  const bytes = zipSync({ "x.npy": x, "__proto__.npy": x, "notes.txt": bytesOf("hello") });
  const arrays = await readNpz({ name: "f", bytes });
  assert.equal([...arrays.keys()].sort(), ["__proto__", "x"]);
  assert.equal([...arrays.get("x")!.data], [1, 2]);
  const read = (given: Uint8Array) => () => readNpz({ name: "f", bytes: given });
  await refuses(/^f has no zip directory at its end, expected one/, read(x));
  await refuses(/^f has no zip directory /, read(new Uint8Array(0)));
  await refuses(/^f has no zip directory /, read(bytes.subarray(0, 100)));
  await refuses(/^f: y\.npy starts with /, read(zipSync({ "y.npy": bytesOf("hello!") })));
  const many = Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`${i}.txt`, new Uint8Array(0)]));
  await refuses(/^f has 257 entries, expected at most 256$/, read(zipSync(many)));
});

test("npz: an archive that claims to unpack to gigabytes is refused before it is unpacked", async () => {
  const bytes = zipSync({ "x.npy": npyFile(npyHeader("|u1", [2]), [1, 2]) });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const directory = bytes.findIndex((_, i) => i + 4 <= bytes.length && view.getUint32(i, true) === 0x02014b50);
  view.setUint32(directory + 24, 2 ** 30 + 1, true); // uncompressed size, in the central directory
  await refuses(/^f entry "x\.npy" unpacks from \d+ to 1073741825 bytes, expected at most 1032 times$/, () =>
    readNpz({ name: "f", bytes }),
  );
});

test.run();
