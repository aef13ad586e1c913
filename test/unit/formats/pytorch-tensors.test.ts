import { suite } from "uvu";
import * as assert from "uvu/assert";
import { sameBytes } from "../../reference/expect-error.ts";
import * as p from "../../reference/pickle-builder.ts";
import { counting } from "../../reference/safetensors-builder.ts";
import { legacyFile, type Storages, storageId, tensor, torchZip } from "../../reference/torch-builder.ts";
import { open, steps, storages, weight } from "../../reference/torch-cases.ts";

const test = suite("tensors in PyTorch files");

test("big-endian numbers are turned, before and since 1.6; complex ones by parts", async () => {
  const complex: Storages = { ...storages, "2": { bytes: counting(8), kind: "ComplexFloatStorage" } };
  const dict = p.orderedDict([
    ["w", weight],
    ["s", steps],
    ["c", tensor(storageId("2", complex["2"]!), [1])],
  ]);
  for (const file of [torchZip(dict, complex, { byteorder: "big" }), legacyFile(dict, complex, { little: false })]) {
    const model = await open(file);
    const bytes = counting(16);
    sameBytes(await model.read("s"), Uint8Array.from([...bytes.slice(0, 8).reverse(), ...bytes.slice(8).reverse()]));
    sameBytes(await model.read("c"), Uint8Array.of(4, 3, 2, 1, 8, 7, 6, 5));
  }
});

test("every dtype, by storage class and by name", async () => {
  const classes: [string, string, number][] = [
    ["FloatStorage", "F32", 4],
    ["DoubleStorage", "F64", 8],
    ["HalfStorage", "F16", 2],
    ["BFloat16Storage", "BF16", 2],
    ["LongStorage", "I64", 8],
    ["IntStorage", "I32", 4],
    ["ShortStorage", "I16", 2],
    ["CharStorage", "I8", 1],
    ["ByteStorage", "U8", 1],
    ["BoolStorage", "BOOL", 1],
    ["ComplexFloatStorage", "C64", 8],
  ];
  for (const [kind, dtype, size] of classes) {
    const some: Storages = { "0": { kind, bytes: counting(3 * size) } };
    const model = await open(torchZip(p.dict([["x", tensor(storageId("0", some["0"]!), [3])]]), some));
    assert.is(model.tensors.get("x")!.dtype, dtype);
    sameBytes(await model.read("x"), counting(3 * size));
  }
  const names: [string, string, number][] = [
    ["uint16", "U16", 2],
    ["uint32", "U32", 4],
    ["uint64", "U64", 8],
    ["float8_e4m3fn", "F8_E4M3", 1],
    ["float8_e5m2", "F8_E5M2", 1],
    ["float8_e8m0fnu", "F8_E8M0", 1],
    ["bfloat16", "BF16", 2],
  ];
  for (const [name, dtype, size] of names) {
    const some: Storages = { "0": { kind: "UntypedStorage", bytes: counting(4 * size) } };
    const file = torchZip(p.dict([["x", tensor(storageId("0", some["0"]!), [3], { dtype: name, offset: 1 })]]), some);
    const model = await open(file);
    assert.is(model.tensors.get("x")!.dtype, dtype);
    sameBytes(await model.read("x"), counting(4 * size).subarray(size));
  }
});

test("strides, offsets, views of one storage, scalars, empty tensors, expanded ones", async () => {
  const some: Storages = { "7": { bytes: counting(12), kind: "ByteStorage" }, "8": { bytes: new Uint8Array(0) } };
  const id = storageId("7", some["7"]!);
  const file = torchZip(
    p.dict([
      ["transposed", tensor(id, [3, 4], { stride: [1, 3] })],
      ["columns", tensor(id, [3, 2], { stride: [4, 2], offset: 1 })],
      ["scalar", tensor(id, [], { offset: 11 })],
      ["empty", tensor(storageId("8", some["8"]!), [0, 5])],
      ["expanded", tensor(id, [2, 3], { stride: [0, 1], offset: 2 })],
    ]),
    some,
  );
  const model = await open(file);
  const read = async (name: string): Promise<number[]> => [...(await model.read(name))];
  assert.equal(await read("transposed"), [1, 4, 7, 10, 2, 5, 8, 11, 3, 6, 9, 12]);
  assert.equal(await read("columns"), [2, 4, 6, 8, 10, 12]);
  assert.equal(await read("scalar"), [12]);
  assert.equal(await read("empty"), []);
  assert.equal(await read("expanded"), [3, 4, 5, 3, 4, 5]);
});

test("before 1.6 a storage may be a view of another", async () => {
  const view = p.tuple(p.text("v"), p.int(2), p.int(3));
  const file = legacyFile(
    p.dict([
      ["x", tensor(storageId("0", storages["0"]!, view), [2], { offset: 1 })],
      ["y", tensor(storageId("0", storages["0"]!, p.NONE), [6])],
    ]),
    { "0": storages["0"]! },
  );
  const model = await open(file);
  sameBytes(await model.read("x"), counting(24).subarray(12, 20));
  sameBytes(await model.read("y"), counting(24));
});

test("subclasses of tensors, integers as keys, text of Python 2, bytes and NumPy scalars beside", async () => {
  const key = p.persistent(
    p.tuple(p.str("storage"), p.global("torch", "FloatStorage"), p.int(0), p.str("cpu"), p.int(6)),
  );
  const inner = p.tuple(key, p.int(0), p.tuple(p.int(6)), p.tuple(p.int(1)), p.FALSE, p.orderedDict([]));
  const image = p.reduce(
    p.global("torch._tensor", "_rebuild_from_type_v2"),
    p.global("torch._utils", "_rebuild_tensor_v2"),
    p.global("fastai.torch_core", "TensorImage"),
    inner,
    p.dict([]),
  );
  const bytes = p.reduce(p.global("_codecs", "encode"), p.text("\u0000ÿ"), p.text("latin1"));
  const dtype = p.build(
    p.reduce(p.global("numpy", "dtype"), p.text("f8"), p.FALSE, p.TRUE),
    p.tuple(p.int(3), p.text("<")),
  );
  const scalar = p.reduce(p.global("numpy._core.multiarray", "scalar"), dtype, bytes);
  const py2 = p.reduce(p.global("collections", "OrderedDict"), p.list(p.list(p.str("w"), image)));
  const model = await open(
    torchZip(
      p.dict([
        ["model", py2],
        ["lr", scalar],
      ]),
      { "0": storages["0"]! },
    ),
  );
  assert.equal([...model.tensors.keys()], ["w"]);
  sameBytes(await model.read("w"), counting(24));
});

test.run();
