import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import type { Model } from "../../../src/base/model.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { openPytorch } from "../../../src/formats/pytorch/open-pytorch.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { rejects, sameBytes } from "../../reference/expect-error.ts";
import * as p from "../../reference/pickle-builder.ts";
import { counting, utf8 } from "../../reference/safetensors-builder.ts";
import {
  legacyFile,
  module,
  parameter,
  type Storages,
  storageId,
  tarFile,
  tensor,
  torchZip,
} from "../../reference/torch-builder.ts";

const test = suite("PyTorch files");

const open = (bytes: Uint8Array, key?: string): Promise<Model> => openPytorch(bytesSource(bytes, "a.pt"), { key });

const storages: Storages = {
  "0": { bytes: counting(24) },
  "1": { bytes: counting(16), kind: "LongStorage" },
};
const weight = tensor(storageId("0", storages["0"]!), [2, 3]);
const steps = tensor(storageId("1", storages["1"]!), [2]);
const stateDict = p.orderedDict([
  ["fc.weight", weight],
  ["steps", steps],
]);

/** Name → [dtype, shape, bytes] of every tensor. */
async function contentsOf(model: Model): Promise<[string, string, readonly number[], number[]][]> {
  const all: [string, string, readonly number[], number[]][] = [];
  for (const [name, { dtype, shape }] of model.tensors) all.push([name, dtype, shape, [...(await model.read(name))]]);
  return all;
}

const EXPECTED = [
  ["fc.weight", "F32", [2, 3], [...counting(24)]],
  ["steps", "I64", [2], [...counting(16)]],
];

const withMetadata = p.build(
  stateDict,
  p.dict([["_metadata", p.orderedDict([["", p.dict([["version", p.int(1)]])]])]]),
);

/** One state dict, saved in every way. */
const WAYS: readonly (readonly [string, Uint8Array, string])[] = [
  ["bare", torchZip(stateDict, storages), ""],
  ["with _metadata, in a folder of another name", torchZip(withMetadata, storages, { folder: "my model/" }), ""],
  [
    "without a folder, packed again, deflated",
    torchZip(stateDict, storages, { folder: "", style: "plain", deflate: true }),
    "",
  ],
  ["little-endian by name", torchZip(stateDict, storages, { byteorder: "little" }), ""],
  [
    "a plain dictionary",
    torchZip(
      p.dict([
        ["fc.weight", weight],
        ["steps", steps],
      ]),
      storages,
    ),
    "",
  ],
  [
    "nested, with an optimizer and an epoch",
    torchZip(
      p.dict([
        ["epoch", p.int(7)],
        ["best", p.float(0.5)],
        ["state_dict", stateDict],
        ["optimizer", p.dict([["state", p.dict([["0", p.dict([["exp_avg", weight]])]])]])],
        ["lr_schedulers", p.list(p.dict([["x", steps]]))],
      ]),
      storages,
    ),
    "state_dict",
  ],
  [
    "Lightning, with a callback's tensor",
    torchZip(
      p.dict([
        ["pytorch-lightning_version", p.text("2.1")],
        ["callbacks", p.dict([["best", p.dict([["score", steps]])]])],
        ["state_dict", stateDict],
        ["optimizer_states", p.list(p.dict([["momentum", weight]]))],
      ]),
      storages,
    ),
    "state_dict",
  ],
  [
    "parts, nested",
    torchZip(
      p.dict([
        ["fc", p.dict([["weight", weight]])],
        ["steps", steps],
      ]),
      storages,
    ),
    "",
  ],
  [
    "a module",
    torchZip(
      module({
        modules: [
          [
            "fc",
            module({
              parameters: [
                ["weight", parameter(weight)],
                ["bias", p.NONE],
              ],
            }),
          ],
        ],
        buffers: [
          ["steps", steps],
          ["mask", weight],
        ],
        unsaved: ["mask"],
      }),
      storages,
    ),
    "",
  ],
  [
    "a module in a dictionary, beside None",
    torchZip(
      p.dict([
        [
          "model",
          module({
            modules: [["fc", module({ parameters: [["weight", parameter(weight)]] })]],
            buffers: [["steps", steps]],
          }),
        ],
        ["ema", p.NONE],
      ]),
      storages,
    ),
    "model",
  ],
  [
    "parameters",
    torchZip(
      p.orderedDict([
        ["fc.weight", parameter(weight)],
        ["steps", steps],
      ]),
      storages,
    ),
    "",
  ],
  [
    "an unknown dictionary class",
    torchZip(
      p.concatItems(p.newObject(p.global("my", "Dict")), [
        ["fc.weight", weight],
        ["steps", steps],
      ]),
      storages,
    ),
    "",
  ],
  ["before 1.6", legacyFile(stateDict, storages), ""],
  ["before 1.6, storages in another order", legacyFile(stateDict, storages, { keys: ["1", "0"] }), ""],
  [
    "0.1",
    tarFile(
      p.orderedDict([
        ["fc.weight", p.persistent(p.int(5))],
        ["steps", p.persistent(p.int(6))],
      ]),
      storages,
      { "5": { storage: "0", shape: [2, 3] }, "6": { storage: "1", shape: [2] } },
    ),
    "",
  ],
];
for (const [how, file, key] of WAYS) {
  test(`the same tensors: ${how}`, async () => {
    const model = await open(file);
    const sort = (all: unknown[][]): unknown[][] => [...all].sort((a, b) => String(a[0]).localeCompare(String(b[0])));
    assert.equal(sort(await contentsOf(model)), sort(EXPECTED));
    assert.is(new Map(model.origin!.details).get("key") ?? "", key);
    const other = await openModel(file, { name: "x.pt" });
    assert.equal([...other.tensors], [...model.tensors]);
  });
}

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

test("protocols 4 and 5: frames, short text, stack globals", async () => {
  const storage = p.persistent(
    p.tuple(
      p.shortText("storage"),
      p.concatOps(p.shortText("torch"), p.shortText("FloatStorage"), p.ops(0x93)),
      p.shortText("0"),
      p.shortText("cpu"),
      p.int(6),
    ),
  );
  const call = p.concatOps(p.shortText("torch._utils"), p.shortText("_rebuild_tensor_v2"), p.ops(0x93));
  const args = p.tuple(storage, p.int(0), p.tuple(p.int(6)), p.tuple(p.int(1)), p.FALSE, p.dict([]));
  const object = p.concatOps(p.ops(0x7d, 0x94), p.shortText("w"), call, args, p.ops(0x52, 0x73));
  const model = await open(torchZip(p.framed(object), { "0": storages["0"]! }));
  sameBytes(await model.read("w"), counting(24));
});

test("TorchScript is read by its attributes", async () => {
  const script = (name: string, state: p.Pairs): p.Opcodes =>
    p.build(p.newObject(p.global("__torch__", name)), p.dict(state));
  const object = script("Net", [
    ["training", p.TRUE],
    [
      "fc",
      script("Linear", [
        ["weight", weight],
        ["in_features", p.int(3)],
      ]),
    ],
  ]);
  const file = torchZip(object, storages, { extra: [{ name: "archive/constants.pkl", content: p.pickle(p.tuple()) }] });
  const model = await open(file);
  assert.equal([...model.tensors.keys()], ["fc.weight"]);
  assert.equal(model.origin!.details[0], ["container", "TorchScript"]);
});

test("a tensor saved alone, and a list of tensors", async () => {
  assert.equal([...(await open(torchZip(weight, storages))).tensors.keys()], ["tensor"]);
  assert.equal([...(await open(torchZip(p.list(weight, steps), storages))).tensors.keys()], ["0", "1"]);
});

test("names are any text: __proto__, dots, other scripts", async () => {
  const names = ["__proto__", "constructor", "a.b", "층"];
  const model = await open(torchZip(p.dict(names.map((name) => [name, weight])), storages));
  assert.equal([...model.tensors.keys()], names);
  sameBytes(await model.read("__proto__"), counting(24));
});

const both = torchZip(
  p.dict([
    ["model", stateDict],
    ["ema", p.dict([["fc.weight", weight]])],
    ["optimizer", p.dict([["m", weight]])],
  ]),
  storages,
);

test("several state dicts: listed; chosen by key; dots go down; the root is all of them", async () => {
  await rejects(
    () => open(both),
    FormatError,
    /^a\.pt holds 2 state dicts: "model" \(2 tensors\), "ema" \(1 tensor\); expected one: choose with --key \(option key\)$/,
  );
  assert.equal([...(await open(both, "ema")).tensors.keys()], ["fc.weight"]);
  assert.equal(new Map((await open(both, "ema")).origin!.details).get("other state dicts"), "model");
  assert.equal([...(await open(both, ".")).tensors.keys()], ["model.fc.weight", "model.steps", "ema.fc.weight"]);
  await rejects(
    () => open(both, "x"),
    FormatError,
    /^a\.pt has no state dict "x", expected one of "model" \(2 tensors\), "ema"/,
  );
  const deep = torchZip(
    p.dict([
      [
        "nets",
        p.dict([
          ["g", stateDict],
          ["d", stateDict],
        ]),
      ],
    ]),
    storages,
  );
  assert.equal([...(await open(deep, "nets.d")).tensors.keys()], ["fc.weight", "steps"]);
  assert.equal([...(await open(deep, "nets")).tensors.keys()], ["g.fc.weight", "g.steps", "d.fc.weight", "d.steps"]);
  const list = torchZip(p.list(stateDict, stateDict), storages);
  await rejects(() => open(list), FormatError, /^a\.pt holds 2 state dicts: "0" \(2 tensors\), "1" \(2 tensors\)/);
  const parts = torchZip(
    p.dict([
      ["encoder", stateDict],
      ["decoder", p.dict([["w", weight]])],
    ]),
    storages,
  );
  assert.equal([...(await open(parts)).tensors.keys()], ["encoder.fc.weight", "encoder.steps", "decoder.w"]);
});

test("what is no file of torch.save is named", async () => {
  const cases: [Uint8Array, RegExp][] = [
    [p.pickle(p.dict([["a", p.int(1)]])), /^a\.pt is a pickle of a dictionary, expected a file of torch\.save$/],
    [utf8("PYTORCH1........"), /^a\.pt is of a preview of PyTorch 1\.0/],
    [torchZip(p.dict([["epoch", p.int(3)]]), {}), /^a\.pt holds no tensors, expected a PyTorch checkpoint$/],
    [
      torchZip(stateDict, storages, { extra: [{ name: "archive/.data/extern_modules", content: counting(1) }] }),
      /^a\.pt is a torch\.package archive/,
    ],
    [
      torchZip(stateDict, storages, { extra: [{ name: "other/data.pkl", content: counting(1) }] }),
      /^a\.pt has 2 entries data\.pkl/,
    ],
  ];
  for (const [file, message] of cases) await rejects(() => open(file), FormatError, message);
});

test.run();
