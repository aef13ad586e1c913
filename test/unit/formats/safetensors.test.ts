import * as fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DTYPES, type Dtype } from "../../../src/base/dtype.ts";
import { memoryModel, type TensorData } from "../../../src/base/memory-model.ts";
import type { Progress } from "../../../src/base/progress.ts";
import { openSafetensors } from "../../../src/formats/safetensors/open-safetensors.ts";
import {
  encodeSafetensors,
  headerBytes,
  writeSafetensors,
} from "../../../src/formats/safetensors/write-safetensors.ts";
import { type ByteSource, bytesSource } from "../../../src/io/byte-source.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { concat, counting, entry, safetensorsFile, smallFile, u64, utf8 } from "../../reference/safetensors-builder.ts";

const test = suite("io-safetensors");
const open = (bytes: Uint8Array, name = "x.safetensors") => openSafetensors(bytesSource(bytes, name));

test("a file built by hand reads as written", async () => {
  const model = await open(smallFile());
  assert.is(model.name, "x.safetensors");
  assert.equal([...model.metadata], [["by", "hand"]]);
  assert.equal(
    [...model.tensors],
    [
      ["a", { dtype: "U8", shape: [2, 3] }],
      ["b.weight", { dtype: "F16", shape: [2] }],
    ],
  );
  assert.equal([...(await model.read("a"))], [1, 2, 3, 4, 5, 6]);
  assert.equal([...(await model.read("b.weight"))], [7, 8, 9, 10]);
  await rejects(() => model.read("c"), RangeError, /^x\.safetensors has no tensor "c", expected/);
  await model.close?.();
  await model.close?.();
});

test("bytes in memory are read without a copy, also at odd offsets", async () => {
  const file = concat(new Uint8Array(3), smallFile());
  const model = await open(file.subarray(3));
  const bytes = await model.read("b.weight");
  assert.is(bytes.buffer, file.buffer);
  assert.is(bytes.byteOffset, file.length - 4);
});

test("the header is laid out byte for byte as documented", () => {
  const tensors = new Map([
    ["10", { dtype: "F16", shape: [3] }],
    ["2", { dtype: "I64", shape: [] }],
  ] as const);
  const json =
    '{"__metadata__":{"k":"v"},"10":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"2":{"dtype":"I64","shape":[],"data_offsets":[6,14]}}';
  const padded = utf8(json.padEnd(Math.ceil(json.length / 8) * 8));
  sameBytes(headerBytes(tensors, new Map([["k", "v"]])), concat(u64(padded.length), padded));
  sameBytes(headerBytes(new Map(), new Map()), concat(u64(8), utf8("{}      ")));
});

/** Names that break objects, sort as integers, or are no ASCII; and any other text. */
const names = fc.oneof(
  fc.constantFrom("__proto__", "constructor", "", "0", "10", "2", "toString", 'é\u0000\n"\\', "層.重み", "🧠"),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const text = fc.string({ unit: "binary", maxLength: 12 });
const shapes = fc.array(fc.nat(4), { maxLength: 4 });
const dtypes = fc.constantFrom(...(Object.keys(DTYPES) as Dtype[]));

const tensorData = fc.tuple(dtypes, shapes, fc.nat()).map(([dtype, shape, seed]): TensorData => {
  const perByte = 8 / (DTYPES[dtype].bits % 8 === 0 ? 8 : 2);
  // Sub-byte dtypes: a last axis of 4 makes every total a whole number of bytes.
  const whole = perByte === 1 ? shape : [...shape, 4];
  const length = (whole.reduce((count, size) => count * size, 1) * DTYPES[dtype].bits) / 8;
  return { dtype, shape: whole, data: Uint8Array.from({ length }, (_, i) => (i * 37 + seed) % 256) };
});
const models = fc
  .tuple(
    fc.uniqueArray(fc.tuple(names, tensorData), { selector: ([name]) => name, maxLength: 6 }),
    fc.array(fc.tuple(names, text)),
  )
  .filter(([tensors]) => tensors.every(([name]) => name !== "__metadata__"))
  .map(([tensors, metadata]) => ({ tensors: new Map(tensors), metadata: new Map(metadata) }));

test("writing then reading gives the same model, and writing that the same bytes", async () => {
  await fc.assert(
    fc.asyncProperty(models, async ({ tensors, metadata }) => {
      const file = await encodeSafetensors(memoryModel(tensors, { metadata }));
      const model = await open(file);
      assert.equal([...model.metadata], [...metadata].sort(integersFirst));
      assert.is(model.tensors.size, tensors.size);
      for (const [name, { dtype, shape, data }] of tensors) {
        assert.equal(model.tensors.get(name), { dtype, shape });
        sameBytes(await model.read(name), data);
      }
      const sink = memorySink();
      await writeSafetensors(memoryModel(tensors, { metadata }), sink);
      sameBytes(sink.bytes(), file, "written tensor by tensor");
      const total = file.length - [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
      assert.is(total % 8, 0, "data begins at a multiple of 8");
    }),
    { seed: 7, numRuns: 60 },
  );
});

/** JSON.parse gives keys that are array indices first; metadata has no order of its own. */
function integersFirst([a]: [string, string], [b]: [string, string]): number {
  const index = (key: string): number =>
    /^(0|[1-9]\d{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1 ? Number(key) : 2 ** 32;
  return index(a) - index(b);
}

test("tensors come in the order of their data", async () => {
  const file = safetensorsFile(
    `{${entry("late", "U8", "[1]", "[2,3]")},${entry("1", "U8", "[1]", "[1,2]")},${entry("first", "U8", "[1]", "[0,1]")}}`,
    3,
  );
  const model = await open(file);
  assert.equal([...model.tensors.keys()], ["first", "1", "late"]);
  assert.equal([...(await model.read("late"))], [3]);
});

test("tensors without elements, and a file without tensors, are legal", async () => {
  const empty = await open(safetensorsFile("{}"));
  assert.is(empty.tensors.size, 0);
  const tensors = `{${entry("z", "F32", "[3,0]", "[0,0]")},${entry("a", "U8", "[2]", "[0,2]")},${entry("y", "I64", "[0]", "[2,2]")}}`;
  const model = await open(safetensorsFile(tensors, 2));
  assert.is((await model.read("z")).length, 0);
  assert.is((await model.read("y")).length, 0);
  assert.is((await model.read("a")).length, 2);
});

test("white space around and inside the header is legal", async () => {
  const header = `{ "x" :\t{ "dtype": "BOOL", "shape": [ ], "data_offsets": [0, 1] }\n}   `;
  assert.equal((await open(safetensorsFile(header, 1))).tensors.get("x"), { dtype: "BOOL", shape: [] });
});

test("a header longer than the first read is read", async () => {
  const tensors = new Map<string, TensorData>();
  for (let i = 0; i < 1000; i++)
    tensors.set(`block.${i}.weight`, { dtype: "U8", shape: [1], data: Uint8Array.of(i % 256) });
  const model = await open(await encodeSafetensors(memoryModel(tensors)));
  assert.equal([...model.tensors.keys()], [...tensors.keys()]);
  assert.equal([...(await model.read("block.999.weight"))], [999 % 256]);
});

/** A file of any size whose data is not there: byte `i` of the data is a function of `i`. */
function sparseSource(header: string, dataBytes: number): ByteSource & { slices: [number, number][] } {
  const head = safetensorsFile(header);
  const slices: [number, number][] = [];
  return {
    name: "sparse.safetensors",
    byteLength: head.length + dataBytes,
    slices,
    async slice(start, end) {
      slices.push([start, end]);
      const byteAt = (i: number): number => (i < head.length ? head[i]! : byteOfData(i - head.length));
      return Uint8Array.from({ length: end - start }, (_, i) => byteAt(start + i));
    },
  };
}
const byteOfData = (i: number): number => (i + 3 * Math.floor(i / 2 ** 32)) % 251;

test("offsets beyond 4 GiB are exact", async () => {
  const big = 5 * 2 ** 30;
  const end = 2 * big;
  const tensors = [
    entry("big", "F32", `[${big / 4}]`, `[0,${big}]`),
    entry("huge", "U8", `[65536,${big / 65536}]`, `[${big},${end}]`),
    entry("tail", "U8", "[7]", `[${end},${end + 7}]`),
  ];
  const header = `{${tensors.join(",")}}`;
  const source = sparseSource(header, end + 7);
  const model = await openSafetensors(source);
  assert.ok(
    source.slices.every(([start, stop]) => stop - start <= 16384),
    "opening reads the header only",
  );
  assert.equal(
    [...(await model.read("tail"))],
    Array.from({ length: 7 }, (_, i) => byteOfData(end + i)),
  );
  const dataStart = 8 + header.length;
  assert.equal(source.slices.at(-1), [dataStart + end, dataStart + end + 7]);
  // The writer's offsets too, up to the last exact integer.
  const head = new TextDecoder().decode(headerBytes(model.tensors, new Map()).subarray(8));
  assert.equal(JSON.parse(head).tail.data_offsets, [end, end + 7]);
});

test("the writer refuses what a reader would refuse", async () => {
  const info = { dtype: "U8", shape: [1] } as const;
  assert.throws(() => headerBytes(new Map([["__metadata__", info]]), new Map()), /^tensor name __metadata__, expected/);
  assert.throws(() => headerBytes(new Map([["\ud800", info]]), new Map()), /lone surrogate, expected/);
  assert.throws(() => headerBytes(new Map(), new Map([["k", "\udc00"]])), /lone surrogate, expected/);
  const fraction = new Map([["f", { dtype: "U8", shape: [1.5] }]] as const);
  assert.throws(() => headerBytes(fraction, new Map()), /^tensor "f" has shape \[1\.5\], expected whole numbers/);
  const half = new Map([["f4", { dtype: "F4", shape: [3] }]] as const);
  assert.throws(() => headerBytes(half, new Map()), /^tensor "f4" has 12 bits .*, expected whole bytes/);
  const huge = new Map(Array.from({ length: 9 }, (_, i) => [`t${i}`, { dtype: "U8", shape: [2 ** 50 - 1] }] as const));
  assert.throws(() => headerBytes(huge, new Map()), /^tensor "t8" ends at 1\d{16}, expected below 2\^53$/);
});

test("progress counts tensors, and a lying model is caught", async () => {
  const seen: Progress[] = [];
  const model = memoryModel(
    new Map([
      ["a", u8(1)],
      ["b", u8(2)],
    ]),
  );
  await encodeSafetensors(model, { onProgress: (progress) => seen.push(progress) });
  assert.equal(seen, [
    { stage: "write", done: 1, total: 2 },
    { stage: "write", done: 2, total: 2 },
  ]);
  const liar = { ...model, read: async () => new Uint8Array(5) };
  await rejects(() => encodeSafetensors(liar), RangeError, /^model tensor "a" gave 5 bytes, expected 1$/);
});

const u8 = (length: number): TensorData => ({ dtype: "U8", shape: [length], data: counting(length) });

test("a failing read, a failing sink and an abort all abort the sink and reject with the first error", async () => {
  const model = memoryModel(
    new Map([
      ["a", u8(1)],
      ["b", u8(2)],
    ]),
  );
  const spy = (fail: "write" | "close" | "none") => {
    const calls: string[] = [];
    const step = (name: string) => async () => {
      calls.push(name);
      if (name === fail) throw new RangeError(`${name} failed`);
      if (name === "abort") throw new TypeError("abort failed too");
    };
    return { calls, write: step("write"), close: step("close"), abort: step("abort") };
  };
  const broken = { ...model, read: async () => Promise.reject(new RangeError("read failed")) };
  const atRead = spy("none");
  await rejects(() => writeSafetensors(broken, atRead), RangeError, /^read failed$/);
  assert.equal(atRead.calls, ["write", "abort"]);
  const atWrite = spy("write");
  await rejects(() => writeSafetensors(model, atWrite), RangeError, /^write failed$/);
  assert.equal(atWrite.calls, ["write", "abort"]);
  const atClose = spy("close");
  await rejects(() => writeSafetensors(model, atClose), RangeError, /^close failed$/);
  assert.equal(atClose.calls, ["write", "write", "write", "close", "abort"]);

  const controller = new AbortController();
  const aborted = spy("none");
  const onProgress = () => controller.abort(new RangeError("stop"));
  await rejects(
    () => writeSafetensors(model, aborted, { signal: controller.signal, onProgress }),
    RangeError,
    /^stop$/,
  );
  assert.equal(aborted.calls, ["write", "write", "abort"]);
  const before = spy("none");
  await rejects(
    () => writeSafetensors(model, before, { signal: AbortSignal.abort(new RangeError("stop")) }),
    RangeError,
    /^stop$/,
  );
  assert.equal(before.calls, ["abort"]);
});

test.run();
