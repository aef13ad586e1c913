import { gunzipSync } from "fflate";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { adler32, fletcher32, lookup3 } from "../../../src/formats/hdf5/checksums.ts";
import { open as openFormat, write } from "../../../src/formats/keras/hdf5-format.ts";
import { looksLikeHdf5 } from "../../../src/formats/keras/looks-like-keras.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { H5PY } from "../../reference/h5py-cases.ts";
import { type BuiltDataset, type BuiltGroup, f32, floats, hdf5File, I32, type } from "../../reference/hdf5-builder.ts";
import { concat, u64, utf8 } from "../../reference/safetensors-builder.ts";
import { u16, u32 } from "../../reference/zip-builder.ts";

const test = suite("HDF5 files");

const h5py = (name: string): Uint8Array => gunzipSync(Uint8Array.from(atob(H5PY[name]!), (c) => c.charCodeAt(0)));

const open = (bytes: Uint8Array, assume?: string): Promise<Model> =>
  openFormat(bytesSource(bytes, "a.h5"), undefined, { assume });

async function written(model: Model): Promise<Uint8Array> {
  const sink = memorySink();
  await write(model, sink, { like: model.origin });
  return sink.bytes();
}

/** What scripts/oracles/h5py_cases.py puts into element i. */
const element = (i: number): number => (i % 100) / 2 - 5;

const half = (value: number): number => {
  const bits = new DataView(floats(value).buffer as ArrayBuffer).getUint32(0, true);
  return value === 0 ? 0 : ((bits >>> 16) & 0x8000) | ((((bits >>> 23) & 255) - 112) << 10) | ((bits >>> 13) & 1023);
};

/** The elements of a tensor as numbers. */
async function elements(model: Model, name: string): Promise<number[]> {
  const { dtype } = model.tensors.get(name)!;
  const buffer = (await model.read(name)).slice().buffer;
  const arrays = {
    F32: Float32Array,
    F64: Float64Array,
    I8: Int8Array,
    I16: Int16Array,
    I32: Int32Array,
    BOOL: Uint8Array,
    U32: Uint32Array,
  };
  if (dtype === "I64") return [...new BigInt64Array(buffer)].map(Number);
  if (dtype === "F16" || dtype === "BF16") return [...new Uint16Array(buffer)];
  return [...new (dtype === "C64" ? Float32Array : arrays[dtype as keyof typeof arrays])(buffer)];
}

const expected = (count: number, of: (i: number) => number = element): number[] =>
  Array.from({ length: count }, (_, i) => of(i));
const whole = (i: number): number => Math.trunc(element(i));
const topHalf = (i: number): number => new DataView(floats(element(i)).buffer as ArrayBuffer).getUint32(0, true) >>> 16;

for (const name of ["old", "latest"]) {
  test(`${name}: every type of number that h5py wrote, in both byte orders`, async () => {
    const model = await open(h5py(name));
    for (const [tensor, dtype, want] of [
      ["types/f8", "F64", expected(6)],
      ["types/big_f8", "F64", expected(6)],
      ["types/f2", "F16", expected(6, (i) => half(element(i)))],
      ["types/big_f2", "F16", expected(6, (i) => half(element(i)))],
      ["types/big_f4", "F32", expected(6)],
      ["types/i1", "I8", expected(6, whole)],
      ["types/i2", "I16", expected(6, whole)],
      ["types/big_i4", "I32", expected(6, whole)],
      ["types/i8", "I64", expected(6, whole)],
      ["types/bool", "BOOL", [1, 0, 1]],
      ["types/c8", "C64", expected(4)],
      ["types/bf16", "BF16", expected(6, topHalf)],
      ["scalar", "F32", [-5]],
      ["empty", "F32", []],
      ["filled", "F32", expected(8, () => -5)],
      ["also", "F64", expected(6)],
    ] as const) {
      assert.is(model.tensors.get(tensor)?.dtype, dtype, tensor);
      assert.equal(await elements(model, tensor), want, tensor);
    }
    assert.not(model.tensors.has("soft"));
    assert.is(Object.fromEntries(model.origin!.details)["left as is"], "none (empty), text (text)");
  });

  test(`${name}: chunks, packed, shuffled and with checksums`, async () => {
    const model = await open(h5py(name));
    for (const kind of ["plain", "gzip", "shuffle", "fletcher", "all"])
      for (const chunks of ["chunks", "one"])
        assert.equal(await elements(model, `${chunks}/${kind}`), expected(35), `${chunks}/${kind}`);
    assert.equal(await elements(model, "some"), [-5, -5, -5, -5, ...expected(4), -5, -5, -5, -5]);
    await rejects(
      () => written(model),
      RangeError,
      /^a\.h5 dataset ".*" .* so the file is only read: write a \.safetensors file$/,
    );
  });
}

test("h5py's latest layout: chunks in pages, hundreds of members, dozens of attributes", async () => {
  const model = await open(h5py("latest"));
  assert.equal(await elements(model, "pages"), expected(1100));
  assert.equal(await elements(model, "packed_pages"), expected(1100));
  for (const file of ["latest", "wide"]) {
    const { tensors } = await open(h5py(file));
    const wide = [...tensors.keys()].filter((name) => name.startsWith("wide/"));
    assert.equal(
      wide,
      expected(150, (i) => i).map((i) => `wide/layer_${i}`),
      file,
    );
  }
});

test("a file that is handed back is the same file; others go to their places, chunks and other byte orders too", async () => {
  const chunk = concat(...[0, 1, 2, 3].map((i) => concat(u32(2 * i), u32(2 * i + 1))));
  const tree = concat(utf8("TREE"), Uint8Array.of(1, 0, 4, 0), new Uint8Array(16).fill(255));
  const keys = [0, 1, 2, 3].map((i) =>
    concat(u32(8), u32(0), u64(2 * Math.floor(i / 2)), u64(i % 2), u64(0), u64(96 + 8 * i)),
  );
  const members: BuiltGroup["members"] = {
    c: {
      shape: [3, 2],
      type: I32,
      data: concat(chunk, tree, ...keys, new Uint8Array(32)),
      layout: (place) => concat(Uint8Array.of(3, 2, 3), u64(place + 32), u32(2), u32(1), u32(4)),
    },
    big: {
      shape: [2],
      type: type(0x11, [0x21, 31, 0], 4, Uint8Array.of(0, 0, 32, 0, 23, 8, 0, 23), u32(127)),
      data: new Uint8Array(8),
    },
    compact: { shape: [1], data: new Uint8Array(0), layout: () => concat(Uint8Array.of(3, 0), u16(4), floats(1)) },
  };
  for (const userBlock of [0, 512]) {
    const file = hdf5File({ members }, { userBlock });
    const model = await openModel(file, { name: "a.h5" });
    assert.equal(await elements(model, "c"), [0, 2, 1, 3, 4, 6]);
    assert.equal(await elements(model, "compact"), [1]);
    sameBytes(await written(model), file);
    const changed: Record<string, Uint8Array> = {
      c: concat(...[9, 8, 7, 6, 5, 4].map(u32)),
      big: floats(1, 2),
      compact: floats(3),
    };
    const bytes = await written({ ...model, read: async (name) => changed[name]! });
    const back = await open(bytes);
    for (const name of back.tensors.keys()) sameBytes(await back.read(name), changed[name]!, name);
    assert.is(bytes.length, file.length);
    // The fourth chunk's second element is outside of the dataset.
    sameBytes(bytes.subarray(userBlock + 96 + 28, userBlock + 96 + 32), u32(7));
    sameBytes(await written({ ...back, read: (name) => model.read(name) }), file);
  }
});

test("two names of one dataset get one content", async () => {
  const file = h5py("keras3");
  const tied = hdf5File({ members: { a: f32([1], 1), b: { address: 0 } } });
  // The builder's first dataset has its header behind eight bytes of data.
  const model = await open(hdf5File({ members: { a: f32([1], 1), b: { address: 96 + 8 } } }));
  assert.equal([...model.tensors.keys()], ["a", "b"]);
  sameBytes(await written(model), hdf5File({ members: { a: f32([1], 1), b: { address: 104 } } }));
  const two: Record<string, Uint8Array> = { a: floats(1), b: floats(2) };
  await rejects(
    () => written({ ...model, read: async (name) => two[name]! }),
    RangeError,
    /tensors "a" and "b" differ/,
  );
  await rejects(() => open(tied), FormatError, /in the header of an object has version 137/);
  assert.ok(looksLikeHdf5(file) && looksLikeHdf5(hdf5File({ members: {} }, { userBlock: 1024 })));
  assert.not(looksLikeHdf5(utf8("HDF")));
});

test("bytes of no known type are what people say; other types make the file read-only", async () => {
  const opaque: BuiltDataset = { shape: [2], type: type(0x15, [0, 0, 0], 2), data: u32(0x40003f80) };
  const file = hdf5File({ members: { w: f32([1], 1), v: opaque } });
  const model = await open(file);
  assert.is(Object.fromEntries(model.origin!.details)["left as is"], "v (2 bytes of no known type)");
  await rejects(() => written(model), RangeError, /holds "v" \(2 bytes of no known type\), .* so it is only read/);
  const assumed = await open(file, "V2=bf16");
  assert.is(assumed.tensors.get("v")!.dtype, "BF16");
  sameBytes(await written(assumed), file);
  await rejects(
    () => open(hdf5File({ members: { v: opaque } })),
    FormatError,
    /^a\.h5 holds v \(2 bytes of no known type\), expected datasets of numbers$/,
  );
});

test("checksums are those of their authors", () => {
  // lookup3.c, driver5: hashlittle of "Four score and seven years ago" with an initial value of 0.
  assert.is(lookup3(utf8("Four score and seven years ago")), 0x17770551);
  assert.is(lookup3(utf8("")), 0xdeadbeef);
  assert.is(adler32(utf8("Wikipedia")), 0x11e60398);
  // Words 0x6162, 0x6364, 0x6566: their sum and the sum of the sums, modulo 65535.
  assert.is(fletcher32(utf8("abcdef")), 0x5056 * 65536 + 0x2a2d);
});

test.run();
