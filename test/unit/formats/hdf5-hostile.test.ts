import { gunzipSync } from "fflate";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { open as openFormat } from "../../../src/formats/keras/hdf5-format.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { rejects } from "../../reference/expect-error.ts";
import { H5PY } from "../../reference/h5py-cases.ts";
import { type BuiltDataset, type BuiltGroup, f32, hdf5File, I32, type } from "../../reference/hdf5-builder.ts";
import { concat, u64 } from "../../reference/safetensors-builder.ts";
import { u16, u32 } from "../../reference/zip-builder.ts";

const test = suite("hostile HDF5 files");

const open = (bytes: Uint8Array): Promise<Model> => openFormat(bytesSource(bytes, "a.h5"), undefined, {});

const one = (more: Partial<BuiltDataset>): Uint8Array => hdf5File({ members: { w: { ...f32([2], 1, 2), ...more } } });
const cutAfter = (bytes: Uint8Array, length: number): Uint8Array => bytes.slice(0, length);
const layout = (...parts: Uint8Array[]): Partial<BuiltDataset> => ({ layout: () => concat(...parts) });
const deep = (depth: number): BuiltGroup => ({ members: depth === 0 ? { w: f32([1], 1) } : { g: deep(depth - 1) } });
const put = (bytes: Uint8Array, at: number, ...values: number[]): Uint8Array => {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
};
const plain = one({});
const filters = (id: number): readonly (readonly [number, Uint8Array])[] => [
  [0xb, concat(Uint8Array.of(1, 1), new Uint8Array(6), u16(id), new Uint8Array(6))],
];

const HOSTILE: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["nothing", new Uint8Array(0), /has no signature of HDF5/],
  ["a cut file", cutAfter(plain, plain.length - 8), /expected \d+: the file is cut/],
  ["a superblock of another version", put(plain, 8, 9), /has version 9, expected 0 or 1 or 2 or 3/],
  ["numbers of three bytes", put(plain, 13, 3), /has numbers of 3 bytes, expected 2, 4 or 8/],
  [
    "a root that is nowhere",
    put(plain, 64, ...new Uint8Array(8).fill(255)),
    /leads to the header of an object nowhere/,
  ],
  ["a root beyond the end", put(plain, 64, 0, 0, 0, 0, 1), /has the header of an object at bytes 4294967296/],
  [
    "an address beyond 2^53",
    put(plain, 64, 0, 0, 0, 0, 0, 0, 0, 1),
    /has the number 72057594037927940, expected less than 2\^53/,
  ],
  [
    "a damaged structure with a checksum",
    put(hdf5File({ members: { w: f32([1], 1) } }, { style: "latest" }), 44, 1),
    /the file is damaged/,
  ],
  [
    "33 axes",
    one({ space: concat(Uint8Array.of(1, 33), new Uint8Array(6 + 33 * 8)) }),
    /has 33 axes, expected at most 32/,
  ],
  ["a shape beyond numbers", one({ shape: [2 ** 40, 2 ** 40] }), /expected less than 2\^53 bits/],
  ["more elements than bytes", one({ shape: [3] }), /dataset "w" has 8 bytes, expected 12/],
  [
    "elements beyond the end",
    one(layout(Uint8Array.of(3, 1), u64(2 ** 40), u64(8))),
    /is at bytes 1099511627776 to 1099511627784/,
  ],
  ["elements in other files", one({ more: [[7, new Uint8Array(16)]] }), /has its elements in other files/],
  ["a virtual dataset", one(layout(Uint8Array.of(4, 3), u64(0), u32(0))), /has its elements in other files/],
  [
    "a layout of another version",
    one(layout(Uint8Array.of(5, 1), new Uint8Array(16))),
    /has version 5, expected 1 or 2 or 3 or 4/,
  ],
  ["a layout that is none", one(layout(Uint8Array.of(3, 7), new Uint8Array(16))), /has layout 7, expected 0, 1 or 2/],
  ["chunks of no size", one(layout(Uint8Array.of(3, 2, 2), u64(96), u32(0), u32(4))), /has chunks of \[0, 4\]/],
  [
    "chunks of more axes",
    one(layout(Uint8Array.of(3, 2, 3), u64(96), u32(1), u32(1), u32(4))),
    /expected 1 axes and 4 bytes/,
  ],
  [
    "a tree of chunks that is none",
    one(layout(Uint8Array.of(3, 2, 2), u64(96), u32(1), u32(4))),
    /in a tree of chunks begins with/,
  ],
  ["szip", one({ more: filters(4) }), /is stored with szip, expected h5wasm to read it \(npm install h5wasm\)/],
  ["a filter of others", one({ more: filters(40000) }), /is stored with filter 40000/],
  [
    "a bomb of elements that were never written",
    one({ shape: [2 ** 40], ...layout(Uint8Array.of(3, 1), new Uint8Array(8).fill(255), u64(0)) }),
    /has datasets of 4398046511104 bytes in \d+, expected at most 1032 times as many/,
  ],
  [
    "types in types in types",
    one({ type: concat(...Array.from({ length: 10 }, () => type(0x19, [0, 0, 0], 16)), I32) }),
    /has types 9 deep/,
  ],
  [
    "two datasets that share bytes",
    hdf5File({
      members: { a: f32([2], 1, 2), b: { ...f32([1], 3), ...layout(Uint8Array.of(3, 1), u64(100), u64(4)) } },
    }),
    /dataset "b" begins at byte 100, expected no byte of "a"/,
  ],
  ["65 groups deep", hdf5File(deep(65)), /has groups 65 deep, expected at most 64/],
  [
    "a link to another file",
    hdf5File({ members: { w: f32([1], 1), x: { external: true } } }, { style: "latest" }),
    /has "x" in another file/,
  ],
  [
    "a name with a slash",
    hdf5File({ members: { "a/b": f32([1], 1) } }),
    /has the name "a\/b", expected a name without/,
  ],
  ["no datasets", hdf5File({ members: {} }), /holds no datasets, expected datasets of numbers/],
];

for (const [what, bytes, message] of HOSTILE) {
  test(`hostile: ${what}`, async () => {
    const error = await rejects(() => open(bytes), FormatError, message);
    assert.match(error.message, /^a\.h5 [^\n]*$/);
  });
}

test("hostile: a group that is in itself, names that are twice, and structure beyond what is allowed", async () => {
  // The root's header is the last that is put: its place is in the superblock.
  const circle = hdf5File({ members: { w: f32([1], 1), g: { address: 0x7777 } } });
  const root = circle.slice(64, 72);
  const at = circle.findIndex((_, i) => circle[i] === 0x77 && circle[i + 1] === 0x77);
  await rejects(() => open(put(circle, at, ...root)), FormatError, /has the group "" again as "g", expected it once/);
  const twice = hdf5File({ members: { aa: f32([1], 1), ab: f32([1], 1) } });
  const name = twice.findIndex((_, i) => twice[i] === 0x61 && twice[i + 1] === 0x62);
  await rejects(() => open(put(twice, name + 1, 0x61)), FormatError, /has the name "aa" again/);
  await rejects(
    () => openFormat(bytesSource(plain, "a.h5"), undefined, { maxIndexBytes: 200 }),
    FormatError,
    /is where the structure has more than 200 bytes/,
  );
});

test("hostile: packed chunks that are damaged, or unpack to more than they should", async () => {
  const file = gunzipSync(Uint8Array.from(atob(H5PY.old!), (c) => c.charCodeAt(0)));
  let refused = 0;
  for (const tensor of ["chunks/gzip", "chunks/fletcher", "chunks/all"]) {
    const model = await open(file);
    const stored = (model.origin!.container as { tensors: Map<string, { chunks: { address: number }[] }> }).tensors.get(
      tensor,
    )!;
    for (const { address } of stored.chunks) {
      const damaged = await open(put(file, address + 3, file[address + 3]! ^ 0x41));
      await rejects(() => damaged.read(tensor), FormatError, /^a\.h5 dataset "chunks\/\w+" chunk \[\d, \d\] /);
      refused++;
    }
  }
  assert.is(refused, 27);
});

test.run();
