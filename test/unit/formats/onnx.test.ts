import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model, Origin } from "../../../src/base/model.ts";
import { open as openFormat, write } from "../../../src/formats/onnx/onnx-format.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import type { Files } from "../../../src/io/files.ts";
import { type MemorySink, memorySink } from "../../../src/io/sink.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import { memoryFiles } from "../../reference/memory-files.ts";
import {
  external,
  floats,
  graph,
  onnxFile,
  part,
  property,
  raw,
  smallOnnx,
  tensor,
  whole,
  wholes,
} from "../../reference/onnx-builder.ts";
import { concat, counting } from "../../reference/safetensors-builder.ts";

const test = suite("ONNX files");

const open = (bytes: Uint8Array, files?: Files): Promise<Model> => openFormat(bytesSource(bytes, "a.onnx"), files, {});

async function written(model: Model, like: Origin | undefined = model.origin): Promise<Uint8Array> {
  const sink = memorySink();
  await write(model, sink, { like });
  return sink.bytes();
}

const withBytes = (model: Model, changed: Readonly<Record<string, Uint8Array>>): Model => ({
  ...model,
  read: async (name, signal) => changed[name] ?? model.read(name, signal),
});

const f32 = async (model: Model, name: string): Promise<number[]> => [
  ...new Float32Array((await model.read(name)).slice().buffer),
];

test("tensors of every kind are read, with scopes before the names of those in branches", async () => {
  const model = await openModel(smallOnnx(), { name: "a.onnx" });
  assert.equal(
    [...model.tensors].map(([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`),
    [
      "if/then_branch/w F32 2",
      "if/else_branch/w F32 2",
      "shape I64 2",
      "eps F32 ",
      "fc1.weight F32 2,3",
      "fc1.bias F32 2",
      "loose F32 2",
      "half F16 3",
      "long I64 2",
      "double F64 1",
      "empty F32 0",
    ],
  );
  assert.equal(await f32(model, "fc1.weight"), [1, 2, 3, 4, 5, 6]);
  assert.equal(await f32(model, "fc1.bias"), [7, 8]);
  assert.equal(await f32(model, "loose"), [9, 10]);
  assert.equal(await f32(model, "eps"), [0.5]);
  assert.equal([...new Uint16Array((await model.read("half")).slice().buffer)], [0x3c00, 1, 0xbc00]);
  assert.equal([...new BigInt64Array((await model.read("long")).slice().buffer)], [-1n, 5n]);
  assert.equal([...new BigInt64Array((await model.read("shape")).slice().buffer)], [-1n, 300n]);
  assert.equal([...new Float64Array((await model.read("double")).slice().buffer)], [0.25]);
  assert.equal(Object.fromEntries(model.origin!.details), {
    producer: "by hand",
    opset: "13",
    "IR version": "8",
    operators: "Constant 4, Gemm 1, If 1",
  });
  assert.equal([...model.metadata], [["k", "v"]]);
  await rejects(() => model.read("none"), RangeError, /has no tensor "none"/);
});

test("a file that is handed back is the same file", async () => {
  const file = smallOnnx();
  sameBytes(await written(await open(file)), file);
});

test("other values: lengths around varints follow, all else stays", async () => {
  const file = smallOnnx();
  const model = await open(file);
  const half = new Uint8Array(Uint16Array.of(0xffff, 0xffff, 1).buffer);
  const long = new Uint8Array(BigInt64Array.of(2n ** 62n, -(2n ** 63n)).buffer);
  const shape = new Uint8Array(BigInt64Array.of(1n, 2n).buffer);
  const weight = floats(6, 5, 4, 3, 2, 1);
  const loose = floats(-1, -2);
  const inner = floats(3, 4);
  const changed = { half, long, shape, "fc1.weight": weight, loose, "if/else_branch/w": inner, eps: floats(2) };
  const after = await written(withBytes(model, changed));
  const back = await open(after);
  assert.equal([...back.tensors], [...model.tensors]);
  for (const name of model.tensors.keys())
    sameBytes(await back.read(name), changed[name as keyof typeof changed] ?? (await model.read(name)), name);
  // The old values again: numbers that were packed are packed as before, and so the file is the first one but for those that were not.
  const again = await open(await written(model, back.origin));
  for (const name of model.tensors.keys()) sameBytes(await again.read(name), await model.read(name), name);
  assert.equal(again.origin!.details, model.origin!.details);
});

test("metadata is kept in the file", async () => {
  const model = await open(smallOnnx());
  const back = await open(
    await written({
      ...model,
      metadata: new Map([
        ["rebasin.recipe", "é"],
        ["k", "w"],
      ]),
    }),
  );
  assert.equal(
    [...back.metadata],
    [
      ["rebasin.recipe", "é"],
      ["k", "w"],
    ],
  );
  sameBytes(await written({ ...back, metadata: model.metadata }), smallOnnx());
});

test("lists of any numbers come back, whatever their lengths do to the messages around them", async () => {
  const lists = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(lists, fc.boolean(), async (values, packed) => {
      const file = onnxFile(
        graph(
          [],
          [
            tensor(
              "t",
              7,
              [values.length],
              wholes(
                7,
                values.map(() => 0),
                packed,
              ),
            ),
            tensor("u", 1, [1], raw(floats(1))),
          ],
        ),
      );
      const model = await open(file);
      const bytes = new Uint8Array(BigInt64Array.from(values).buffer);
      const back = await open(await written(withBytes(model, { t: bytes })));
      sameBytes(await back.read("t"), bytes);
      assert.equal(await f32(back, "u"), [1]);
    }),
    { numRuns: 60, seed: 1 },
  );
});

const sharing = (offset = "4", path = "a.data"): Uint8Array =>
  onnxFile(
    graph(
      [],
      [
        tensor("w", 1, [2], external({ location: path, offset: "0", length: "8" })),
        tensor("tied", 1, [2], external({ location: path, offset: offset === "4" ? "0" : offset })),
        tensor("in", 1, [1], raw(floats(1))),
      ],
    ),
  );

test("data in a file beside: read, and written to a file beside the output", async () => {
  const files = memoryFiles({ "a.data": concat(floats(1, 2), counting(5)) });
  const model = await open(sharing(), files);
  assert.equal(await f32(model, "tied"), [1, 2]);
  const made = new Map<string, MemorySink>();
  const create = async (path: string): Promise<MemorySink> => {
    made.set(path, memorySink());
    return made.get(path)!;
  };
  const changed = withBytes(model, { w: floats(3, 4), tied: floats(3, 4) });
  const sink = memorySink();
  await write(changed, sink, { like: model.origin, create });
  sameBytes(sink.bytes(), sharing());
  sameBytes(made.get("a.data")!.bytes(), concat(floats(3, 4), counting(5)));
  await rejects(
    () => written(changed),
    RangeError,
    /keeps tensors in "a\.data", expected an output that can be several files/,
  );
  const torn = withBytes(model, { w: floats(3, 4) });
  await rejects(() => write(torn, memorySink(), { like: model.origin, create }), RangeError, /shares bytes with "w"/);
  await model.close!();
  assert.is(files.stillOpen(), 0);
});

test("sparse tensors and types without a dtype are named; text stays; what is numeric keeps the file from being written", async () => {
  const sparse = part(15, concat(part(1, tensor("s", 1, [1], raw(floats(1)))), whole(3, 9)));
  const text = tensor("words", 8, [1], part(6, "hello"));
  const plain = tensor("t", 1, [1], raw(floats(1)));
  const details = async (...more: Uint8Array[]): Promise<string | undefined> =>
    Object.fromEntries((await open(onnxFile(concat(graph([], [plain]), ...more)))).origin!.details)["left as is"];
  assert.is(await details(sparse, part(5, text)), "s (sparse), words (STRING)");
  assert.is(await details(part(5, tensor("q", 22, [2], raw(counting(1))))), "q (INT4)");
  const withText = onnxFile(graph([], [plain, text]));
  sameBytes(await written(await open(withText)), withText);
  await rejects(
    async () => written(await open(onnxFile(concat(graph([], [plain]), sparse)))),
    RangeError,
    /"s" \(sparse\).* only read/,
  );
});

test("only what came from ONNX is written as ONNX, and with the same tensors", async () => {
  const model = await open(smallOnnx());
  await rejects(() => write({ ...model, origin: undefined }, memorySink(), {}), RangeError, /as a new ONNX file/);
  const fewer = { ...model, tensors: new Map([...model.tensors].slice(1)) };
  await rejects(() => written(fewer), RangeError, /has other tensors than a\.onnx/);
  await rejects(() => written(withBytes(model, { eps: new Uint8Array(3) })), RangeError, /gave 3 bytes, expected 4/);
});

test("recognised by the name or by how it begins", async () => {
  assert.is((await openModel(smallOnnx())).origin!.format, "onnx");
  await rejects(() => openModel(new Uint8Array(9), { name: "m.onnx" }), FormatError, /m\.onnx byte 0 is no tag/);
  const page = new TextEncoder().encode("<!DOCTYPE html><html>");
  await rejects(() => openModel(page, { name: "m.onnx" }), FormatError, /^m\.onnx looks like a web page/);
  // The order of fields is the writer's.
  const turned = concat(property("a", "b"), part(7, graph([])), whole(1, 8));
  assert.equal([...(await openModel(turned, { name: "m.onnx" })).metadata], [["a", "b"]]);
});

test.run();
