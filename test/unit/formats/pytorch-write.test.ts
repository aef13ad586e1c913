import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { DTYPES, type Dtype } from "../../../src/base/dtype.ts";
import { memoryModel } from "../../../src/base/memory-model.ts";
import type { Model, Origin } from "../../../src/base/model.ts";
import { openPytorch } from "../../../src/formats/pytorch/open-pytorch.ts";
import { checkWrite, write } from "../../../src/formats/pytorch/pytorch-format.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import * as p from "../../reference/pickle-builder.ts";
import { counting } from "../../reference/safetensors-builder.ts";
import {
  legacyFile,
  parameter,
  type Storages,
  storageId,
  tarFile,
  tensor,
  torchZip,
} from "../../reference/torch-builder.ts";

const test = suite("PyTorch files, written");

const open = (bytes: Uint8Array, key?: string): Promise<Model> => openPytorch(bytesSource(bytes, "a.pt"), { key });

async function written(model: Model, like?: Origin): Promise<{ bytes: Uint8Array; notes: readonly string[] }> {
  const sink = memorySink();
  const notes = await write(model, sink, { like });
  return { bytes: sink.bytes(), notes };
}

/** The model with what `change` makes of some tensors' bytes. */
function changed(model: Model, change: (name: string, bytes: Uint8Array) => Uint8Array): Model {
  return {
    ...model,
    async read(name, signal) {
      return change(name, (await model.read(name, signal)).slice());
    },
  };
}
const inverted = (model: Model): Model => changed(model, (_, bytes) => bytes.map((byte) => ~byte));

const storages: Storages = {
  "0": { bytes: counting(32) },
  "1": { bytes: counting(24), kind: "ShortStorage" },
  "2": { bytes: counting(16), kind: "LongStorage" },
  "10": { bytes: counting(8) },
};
const part = (key: string, shape: readonly number[], call = {}): p.Opcodes =>
  tensor(storageId(key, storages[key]!), shape, call);
const dict = p.orderedDict([
  ["transposed", part("0", [2, 3], { stride: [1, 2] })],
  ["beside", parameter(part("0", [1], { offset: 7 }))],
  ["short", part("1", [3, 4], { stride: [1, 3] })],
  ["tied", part("10", [2])],
  ["tied too", part("10", [2])],
]);
const checkpoint = p.dict([
  ["model", dict],
  ["optimizer", p.dict([["moment", part("2", [2])]])],
  ["what", p.newObject(p.global("my", "Thing"))],
]);

const FILES: readonly (readonly [string, Uint8Array])[] = [
  ["zip", torchZip(checkpoint, storages)],
  ["zip, packed again", torchZip(checkpoint, storages, { style: "plain", folder: "x/" })],
  ["zip, deflated", torchZip(checkpoint, storages, { style: "plain", deflate: true })],
  ["zip, big-endian", torchZip(checkpoint, storages, { byteorder: "big" })],
  ["before 1.6", legacyFile(checkpoint, storages)],
  ["before 1.6, big-endian", legacyFile(checkpoint, storages, { little: false })],
];
for (const [kind, file] of FILES) {
  test(`${kind}: what is handed back unchanged gives the file, byte for byte`, async () => {
    const model = await open(file);
    const { bytes, notes } = await written(model, model.origin);
    sameBytes(bytes, file);
    assert.equal(notes, []);
  });

  test(`${kind}: changed tensors are read back; the rest of the file stays; changed back, it is the old file`, async () => {
    const model = await open(file);
    const other = inverted(model);
    const { bytes, notes } = await written(other, model.origin);
    assert.equal(notes, ["kept from a.pt and stale, as it fits the old weights: optimizer"]);
    const again = await open(bytes);
    for (const name of model.tensors.keys()) sameBytes(await again.read(name), await other.read(name), name);
    const optimizer = await open(bytes, "optimizer").catch(() => undefined);
    assert.is(optimizer, undefined);
    // Elements 6 of storage 0, which no tensor shows, and all of storage 2 are as they were.
    sameBytes(await rest(again), await rest(model));
    const back = await written(inverted(again), again.origin);
    if (!kind.includes("deflated")) sameBytes(back.bytes, file);
    const third = await open(back.bytes);
    for (const name of model.tensors.keys()) sameBytes(await third.read(name), await model.read(name), name);
  });
}

/** The bytes that a change must not reach. */
async function rest(model: Model): Promise<Uint8Array> {
  const { container } = model.origin!.container as {
    container: import("../../../src/formats/pytorch/container.ts").Container;
  };
  const hidden = await container.place("0", "x").open();
  return hidden.slice(24, 28);
}

test("a tar archive of PyTorch 0.1 is patched, too", async () => {
  const object = p.orderedDict([["w", p.persistent(p.int(5))]]);
  const file = tarFile(
    object,
    { "0": storages["0"]! },
    { "5": { storage: "0", shape: [2, 2], stride: [1, 2], offset: 1 } },
  );
  const model = await open(file);
  sameBytes((await written(model, model.origin)).bytes, file);
  const other = inverted(model);
  const { bytes } = await written(other, model.origin);
  sameBytes(await (await open(bytes)).read("w"), await other.read("w"));
  assert.is(bytes.filter((byte, i) => byte !== file[i]).length, 16);
});

test("tensors that share bytes must agree: tied, overlapping, expanded", async () => {
  const some = { "0": { bytes: counting(4), kind: "ByteStorage" } };
  const view = (shape: number[], call = {}) => tensor(storageId("0", some["0"]), shape, call);
  const file = torchZip(
    p.dict([
      ["a", view([4])],
      ["b", view([4])],
      ["c", view([2], { offset: 1 })],
      ["d", view([2, 2], { stride: [0, 1], offset: 2 })],
    ]),
    some,
  );
  const model = await open(file);
  const to = (values: Record<string, number[]>) =>
    written(
      changed(model, (name, bytes) => Uint8Array.from(values[name] ?? bytes)),
      model.origin,
    );
  const { bytes } = await to({ a: [9, 8, 7, 6], b: [9, 8, 7, 6], c: [8, 7], d: [7, 6, 7, 6] });
  sameBytes(await (await open(bytes)).read("a"), Uint8Array.of(9, 8, 7, 6));
  await rejects(
    () => to({ a: [9, 8, 7, 6], c: [8, 7], d: [7, 6, 7, 6] }),
    RangeError,
    /^a\.pt tensor "b" shares bytes with tensor "a", expected equal values there: write safetensors$/,
  );
  await rejects(() => to({ c: [5, 5] }), RangeError, /tensor ".*" shares bytes with tensor/);
  await rejects(() => to({ d: [3, 4, 4, 3] }), RangeError, /shares bytes with/);
});

test("other tensors than the file's become a new file, which a note says; TorchScript is refused before any work", async () => {
  const model = await open(torchZip(checkpoint, storages));
  const fewer = memoryModel(new Map([["short", { dtype: "I16", shape: [1], data: counting(2) }]]));
  checkWrite(fewer, model.origin);
  const { bytes, notes } = await written(fewer, model.origin);
  assert.equal(notes, ["a new file, as a.pt has other tensors: what else is in a.pt is not in it"]);
  assert.equal([...(await open(bytes)).tensors.keys()], ["short"]);
  const script = await open(
    torchZip(checkpoint, storages, { extra: [{ name: "archive/code/x.py", content: counting(1) }] }),
  );
  assert.throws(() => checkWrite(script, script.origin), /^a\.pt is TorchScript, which is only read/);
  await rejects(() => written(script, script.origin), RangeError, /^a\.pt is TorchScript, which is only read/);
});

test("a failing or aborted write aborts the sink", async () => {
  const model = await open(torchZip(checkpoint, storages));
  let aborted = 0;
  const sink = {
    ...memorySink(),
    async abort() {
      aborted++;
    },
  };
  const failing = {
    ...model,
    read: async () => {
      throw new RangeError("no");
    },
  };
  await rejects(() => write(failing, sink, { like: model.origin }), RangeError, /^no$/);
  await rejects(() => write(model, sink, { signal: AbortSignal.abort(new RangeError("stop")) }), RangeError, /^stop$/);
  assert.is(aborted, 2);
});

const dtypes = (Object.keys(DTYPES) as Dtype[]).filter((dtype) => !["F4", "F6_E2M3", "F6_E3M2"].includes(dtype));

test("a new file of any model reads back; equal models give equal files", async () => {
  const models = fc.uniqueArray(
    fc.record({
      name: fc.oneof(fc.constantFrom("__proto__", "a.b", "層", "x".repeat(300)), fc.string({ maxLength: 9 })),
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.nat(3), { maxLength: 3 }),
    }),
    { maxLength: 6, selector: ({ name }) => name },
  );
  const property = fc.asyncProperty(models, async (parts) => {
    fc.pre(parts.length > 0 && parts.every(({ name }) => !/\p{Surrogate}/u.test(name)));
    const tensors = new Map(
      parts.map(({ name, dtype, shape }) => {
        const data = counting(shape.reduce((a, b) => a * b, DTYPES[dtype].bits / 8));
        return [name, { dtype, shape, data }];
      }),
    );
    const { bytes } = await written(memoryModel(tensors));
    sameBytes((await written(memoryModel(tensors))).bytes, bytes);
    const model = await open(bytes, ".");
    assert.equal(
      [...model.tensors],
      [...tensors].map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
    );
    for (const [name, { data }] of tensors) sameBytes(await model.read(name), data, name);
  });
  await fc.assert(property, { seed: 4, numRuns: 100 });
});

test("packed dtypes have no form in PyTorch's files", async () => {
  const packed = memoryModel(new Map([["w", { dtype: "F4", shape: [2], data: counting(1) }]]));
  await rejects(() => written(packed), RangeError, /^model tensor "w" is F4, which PyTorch's files do not have/);
});

test.run();
