import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DTYPES, type Dtype } from "../../../src/base/dtype.ts";
import { FormatError } from "../../../src/base/errors.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model, Origin } from "../../../src/base/model.ts";
import { open as openFormat, write } from "../../../src/formats/npz/npz-format.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { npyFile, npyHeader } from "../../reference/data-files.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { concat, counting } from "../../reference/safetensors-builder.ts";
import { type ZipPart, type ZipShape, zipFile } from "../../reference/zip-builder.ts";

const test = suite("NumPy files");

const open = (bytes: Uint8Array, assume?: string): Promise<Model> =>
  openFormat(bytesSource(bytes, "a.npz"), undefined, { assume });

async function written(model: Model, like?: Origin): Promise<Uint8Array> {
  const sink = memorySink();
  await write(model, sink, { like });
  return sink.bytes();
}

const inverted = (model: Model): Model => ({
  ...model,
  read: async (name, signal) => (await model.read(name, signal)).map((byte) => ~byte),
});

type Arrays = Readonly<Record<string, Uint8Array>>;
const npz = (arrays: Arrays, part: Partial<ZipPart> = {}, shape: ZipShape = {}): Uint8Array =>
  zipFile(
    Object.entries(arrays).map(([name, content]) => ({
      name: `${name}.npy`,
      content,
      style: "numpy",
      flags: 0,
      ...part,
    })),
    shape,
  );
const array = (descr: string, shape: readonly number[], data: Uint8Array, order = "False"): Uint8Array =>
  npyFile(npyHeader(descr, shape, order), data);

test("every type that is a dtype; names with slashes, dots and brackets", async () => {
  const types: [string, Dtype][] = [
    ["|b1", "BOOL"],
    ["|u1", "U8"],
    ["|i1", "I8"],
    ["<u2", "U16"],
    ["<i2", "I16"],
    ["<u4", "U32"],
    ["<i4", "I32"],
    ["<u8", "U64"],
    ["<i8", "I64"],
    ["<f2", "F16"],
    ["<f4", "F32"],
    ["<f8", "F64"],
    ["<c8", "C64"],
    ["=f4", "F32"],
  ];
  for (const [descr, dtype] of types) {
    const data = counting((6 * DTYPES[dtype].bits) / 8);
    const model = await open(npz({ "['params']['Dense_0'].a/b": array(descr, [2, 3], data) }));
    assert.equal([...model.tensors], [["['params']['Dense_0'].a/b", { dtype, shape: [2, 3] }]]);
    sameBytes(await model.read("['params']['Dense_0'].a/b"), data);
  }
});

test("Fortran order and big-endian numbers become row-major and little-endian", async () => {
  const model = await open(
    npz({
      f: array("|u1", [2, 3], counting(6), "True"),
      big: array(">u2", [2], counting(4)),
      both: array(">u2", [2, 2], counting(8), "True"),
      complex: array(">c8", [1], counting(8)),
      line: array("|u1", [3], counting(3), "True"),
      scalar: array("|u1", [], counting(1)),
      none: array("<f8", [0, 3], counting(0), "True"),
    }),
  );
  const read = async (name: string): Promise<number[]> => [...(await model.read(name))];
  assert.equal(await read("f"), [1, 3, 5, 2, 4, 6]);
  assert.equal(await read("big"), [2, 1, 4, 3]);
  assert.equal(await read("both"), [2, 1, 6, 5, 4, 3, 8, 7]);
  assert.equal(await read("complex"), [4, 3, 2, 1, 8, 7, 6, 5]);
  assert.equal(await read("line"), [1, 2, 3]);
  assert.equal(await read("scalar"), [1]);
  assert.equal(await read("none"), []);
});

test("text, objects, dates and records are left out, named, and survive; other entries too", async () => {
  const file = npz({
    w: array("<f4", [1], counting(4)),
    t: array("<U3", [1], counting(12)),
    o: array("|O", [1], counting(5)),
    d: array("<M8[s]", [1], counting(8)),
    r: npyFile("{'descr': [('a', '<f4'), ('b', '|u1')], 'fortran_order': False, 'shape': (1,)}", counting(5)),
  });
  const model = await open(file);
  assert.equal([...model.tensors.keys()], ["w"]);
  assert.equal(model.origin!.details, [["no numbers", "t (<U3), o (|O), d (<M8[s]), r (records)"]]);
  const changed = await written(inverted(model), model.origin);
  assert.is(changed.filter((byte, i) => byte !== file[i]).length, 4 + 8, "four bytes of data and two CRCs");
});

test("two bytes of no known type are bfloat16 only when someone says so", async () => {
  const file = npz({ w: array("|V2", [3], counting(6)) });
  await rejects(
    () => open(file),
    FormatError,
    /^a\.npz entry "w\.npy" has dtype "\|V2", expected numbers of up to 64 bits: if it is bfloat16, say so \(--assume V2=bf16, option assume\)$/,
  );
  const model = await open(file, "V2=bf16");
  assert.equal(model.tensors.get("w"), { dtype: "BF16", shape: [3] });
  sameBytes(await written(model, model.origin), file);
  const eight = await open(
    npz({ w: array("|V1", [3], counting(3)), x: array("<f1", [1], counting(1)) }),
    "V1=f8_e4m3, f1=F8_E5M2",
  );
  assert.equal(
    [...eight.tensors.values()].map(({ dtype }) => dtype),
    ["F8_E4M3", "F8_E5M2"],
  );
  for (const wrong of ["", "V2", "V2=f32", "V2=bf17", "V2=toString", "x=bf16"])
    await rejects(
      () => open(file, wrong),
      RangeError,
      /^assume .*, expected a code of NumPy and a dtype as wide, such as V2=bf16$/,
    );
});

const writers: [string, Partial<ZipPart>, ZipShape][] = [
  ["numpy.savez", {}, {}],
  ["numpy.savez_compressed", { deflate: true }, {}],
  ["zip64", { isLarge: true }, { zip64: true }],
  ["another zip tool", { style: "plain", flags: 0x800 }, { comment: "hello" }],
  ["descriptors", { style: "torch", flags: 0x808 }, {}],
  ["descriptors, deflated", { style: "torch", flags: 0x808, deflate: true }, {}],
];
for (const [how, part, shape] of writers) {
  test(`written back, ${how}: unchanged byte for byte, changed and changed back`, async () => {
    const file = npz(
      {
        a: array("<f4", [2, 3], counting(24), "True"),
        b: array(">i2", [4], counting(8)),
        c: array("<f8", [600], counting(4800)),
      },
      part,
      shape,
    );
    const model = await open(file);
    sameBytes(await written(model, model.origin), file);
    const other = inverted(model);
    const bytes = await written(other, model.origin);
    const again = await open(bytes);
    for (const name of model.tensors.keys()) sameBytes(await again.read(name), await other.read(name), name);
    sameBytes(await written(inverted(again), again.origin), file);
    // Of one changed array the others keep their stored bytes.
    const one: Model = { ...model, read: (name) => (name === "b" ? other : model).read(name) };
    const third = await open(await written(one, model.origin));
    for (const name of model.tensors.keys()) sameBytes(await third.read(name), await one.read(name), name);
  });
}

test("a .npy file is a model of one tensor, arr_0, and is written back", async () => {
  const file = array(">f4", [2, 2], counting(16), "True");
  const model = await openModel(file, { name: "x.npy" });
  assert.equal([...model.tensors], [["arr_0", { dtype: "F32", shape: [2, 2] }]]);
  sameBytes(await written(model, model.origin), file);
  const again = await openModel(await written(inverted(model), model.origin));
  sameBytes(await again.read("arr_0"), await inverted(model).read("arr_0"));
});

const dtypes = (Object.keys(DTYPES) as Dtype[]).filter((dtype) => !/^(F4|F6|F8|BF16)/.test(dtype));

test("a new file of any model reads back; what NumPy has no type for is refused", async () => {
  const parts = fc.uniqueArray(
    fc.record({
      name: fc.oneof(fc.constantFrom("__proto__", "a/b.c", "層"), fc.string({ maxLength: 9, unit: "grapheme-ascii" })),
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.nat(3), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 5, selector: ({ name }) => name },
  );
  const property = fc.asyncProperty(parts, async (all) => {
    fc.pre(all.every(({ name }) => !name.includes("\\")));
    const tensors = new Map(
      all.map(({ name, dtype, shape }) => {
        const data = counting(shape.reduce((a, b) => a * b, DTYPES[dtype].bits / 8));
        return [name, { dtype, shape, data }];
      }),
    );
    const model = await open(await written(memoryModel(tensors)));
    assert.equal(
      [...model.tensors],
      [...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
    );
    for (const [name, { data }] of tensors) sameBytes(await model.read(name), data, name);
  });
  await fc.assert(property, { seed: 5, numRuns: 60 });
  const half = memoryModel(new Map([["w", { dtype: "BF16", shape: [1], data: counting(2) }]]));
  await rejects(
    () => written(half),
    RangeError,
    /^model tensor "w" is BF16, which NumPy does not have, expected another format/,
  );
  const named = memoryModel(new Map([["a\\b", { dtype: "U8", shape: [1], data: counting(1) }]]));
  await rejects(() => written(named), RangeError, /has a name that no zip archive has/);
});

test("other tensors than the file's become a new file, which a note says", async () => {
  const model = await open(npz({ w: array("<f4", [1], counting(4)) }));
  const other = memoryModel(new Map([["w", { dtype: "F32", shape: [2], data: counting(8) }]]));
  const sink = memorySink();
  const notes = await write(other, sink, { like: model.origin });
  assert.equal(notes, ["a new file, as a.npz has other tensors: what else is in a.npz is not in it"]);
  sameBytes(await (await open(sink.bytes())).read("w"), counting(8));
});

const w = array("<f4", [2], counting(8));
const header = (text: string, data = counting(8)): Uint8Array => npz({ w: npyFile(text, data) });
const BROKEN: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["no arrays", zipFile([{ name: "x.txt", content: counting(2) }]), /^a\.npz holds no arrays of numbers/],
  ["only text", npz({ t: array("<U1", [1], counting(4)) }), /^a\.npz holds no arrays of numbers/],
  ["no .npy inside", npz({ w: counting(300) }), /entry "w\.npy" starts with 01 02 03 04 05 06, expected 93 4e/],
  ["an empty entry", npz({ w: counting(0) }), /entry "w\.npy" starts with nothing/],
  ["only the magic", npz({ w: w.subarray(0, 6) }), /entry "w\.npy" format version 0/],
  ["a cut header", npz({ w: w.subarray(0, 60) }), /entry "w\.npy" holds 60 bytes, expected a header up to byte 128/],
  [
    "a header of 4 GB",
    npz({ w: concat(w.subarray(0, 6), Uint8Array.of(2, 0, 255, 255, 255, 255)) }),
    /header of 4294967295 bytes, expected at most 10000/,
  ],
  [
    "fewer bytes than the shape",
    npz({ w: array("<f4", [3], counting(8)) }),
    /holds 8 bytes of data, expected 12 for <f4 \[3\]$/,
  ],
  ["more bytes than the shape", npz({ w: array("<f4", [1], counting(8)) }), /holds 8 bytes of data, expected 4/],
  ["2^53 elements", header(npyHeader("<f4", [2 ** 27, 2 ** 27])), /expected less than 2\^53 bits$/],
  [
    "long doubles",
    npz({ w: array("<f16", [1], counting(16)) }),
    /has dtype "<f16", expected numbers of up to 64 bits$/,
  ],
  ["complex128", npz({ w: array("<c16", [1], counting(16)) }), /has dtype "<c16", expected numbers/],
  [
    "a type of an attacker",
    npz({ w: array("constructor", [1], counting(8)) }),
    /has dtype "constructor", expected numbers/,
  ],
  ["no literal", header("__import__('os')"), /header .*, expected \{'descr'/],
  [
    "twice the same array",
    zipFile([
      { name: "w.npy", content: w },
      { name: "w.npy", content: w },
    ]),
    /two entries "w\.npy"/,
  ],
  [
    "a bomb",
    npz({ w }, { deflate: true, size: 2 ** 31 }),
    /unpacks from \d+ to 2147483648 bytes, expected at most 1032 times$/,
  ],
];
for (const [what, file, message] of BROKEN) {
  test(`refused: ${what}`, async () => {
    await rejects(() => open(file), FormatError, message);
  });
}

test("damaged data is refused when it is read", async () => {
  const file = npz({ w });
  const model = await open(file.map((byte, i) => (i === 35 + 20 + 130 ? byte ^ 1 : byte)));
  await rejects(() => model.read("w"), FormatError, /^a\.npz entry "w\.npy" has CRC .*: the file is damaged$/);
});

test.run();
