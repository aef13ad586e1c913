import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FormatError } from "../../../src/base/errors.ts";
import { openPytorch } from "../../../src/formats/pytorch/open-pytorch.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { rejects } from "../../reference/expect-error.ts";
import * as p from "../../reference/pickle-builder.ts";
import { counting } from "../../reference/safetensors-builder.ts";
import {
  legacyFile,
  module,
  type Storages,
  storageId,
  tarFile,
  tensor,
  torchZip,
} from "../../reference/torch-builder.ts";

const test = suite("PyTorch files, hostile");

const open = async (bytes: Uint8Array, key?: string): Promise<void> => {
  const model = await openPytorch(bytesSource(bytes, "a.pt"), { key });
  for (const name of model.tensors.keys()) await model.read(name);
};
const cat = p.concatOps;

const storages: Storages = { "0": { bytes: counting(24) } };
const weight = tensor(storageId("0", storages["0"]!), [2, 3]);
const saved = (object: p.Opcodes, some: Storages = storages): Uint8Array => torchZip(object, some);
const one = (value: p.Opcodes): Uint8Array => saved(p.dict([["w", value]]));
const of = (call: Parameters<typeof tensor>[2], shape: readonly number[] = [2, 3]): Uint8Array =>
  one(tensor(storageId("0", storages["0"]!), shape, call));
const made = (name: string, ...args: p.Opcodes[]): Uint8Array => one(p.reduce(p.global("torch._utils", name), ...args));
const id = (...parts: p.Opcodes[]): Uint8Array => one(tensor(p.persistent(p.tuple(...parts)), [6]));

/** Doubles what it holds at every level: `levels` opcodes, 2^levels paths. */
function bomb(levels: number, core: p.Opcodes): p.Opcodes {
  let value = cat(core, p.binput(0));
  for (let i = 1; i <= levels; i++)
    value = cat(p.ops(0x7d), p.MARK, p.text("a"), value, p.text("b"), p.binget(i - 1), p.ops(0x75), p.binput(i));
  return value;
}

const TENSORS: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["quantised", made("_rebuild_qtensor"), /tensor "w" is quantised, expected plain numbers/],
  ["sparse", made("_rebuild_sparse_tensor"), /tensor "w" is sparse/],
  ["of a wrapper", made("_rebuild_wrapper_subclass"), /tensor "w" is of a wrapper class/],
  ["XLA", made("_rebuild_device_tensor_from_numpy"), /tensor "w" is saved as a NumPy array \(XLA\)/],
  ["of an unknown function", made("_rebuild_from_space"), /tensor "w" is made by "torch\._utils\._rebuild_from_space"/],
  ["a parameter of nothing", made("_rebuild_parameter"), /tensor "w" is None, expected a tensor$/],
  [
    "a subclass of nothing",
    one(p.reduce(p.global("torch._tensor", "_rebuild_from_type_v2"))),
    /is of a tensor class without arguments/,
  ],
  ["no storage", made("_rebuild_tensor_v2", p.int(1)), /has a number for its storage, expected a persistent id$/],
  ["conjugate", of({ properties: p.dict([["conj", p.TRUE]]) }), /tensor "w" is a conj view/],
  ["dtype of an attacker", of({ dtype: "system" }), /tensor "w" has for its dtype the class "torch\.system"/],
  ["dtype toString", of({ dtype: "toString" }), /tensor "w" has for its dtype the class "torch\.toString"/],
  [
    "complex128",
    id(p.text("storage"), p.global("torch", "ComplexDoubleStorage"), p.text("0"), p.text("cpu"), p.int(1)),
    /tensor "w" is stored as ComplexDoubleStorage, expected a dtype that safetensors has/,
  ],
  ["behind its storage", of({ offset: 1 }), /tensor "w" ends at byte 28 of its storage, expected at most 24$/],
  ["strides behind its storage", of({ stride: [4, 1] }), /tensor "w" ends at byte 28 of its storage/],
  ["an offset of 2^53", of({ offset: 2 ** 53 - 1 }), /of its storage, expected at most 24$/],
  [
    "2^60 elements, expanded",
    of({ stride: [0, 0] }, [2 ** 30, 2 ** 30]),
    /tensor "w" has shape .* expected less than 2\^53 bits$/,
  ],
  [
    "a gigabyte of one element",
    of({ stride: [0] }, [2 ** 28]),
    /tensor "w" repeats 4 bytes to 1073741824, expected at most 33554432/,
  ],
  ["negative sizes", of({ stride: [3, 1] }, [-2, 3]), /tensor "w" has no sound sizes, strides and offset/],
  ["fewer strides", of({ stride: [1] }), /tensor "w" has no sound sizes/],
  ["65 axes", of({}, new Array(65).fill(1)), /tensor "w" has 65 axes, expected at most 64$/],
  [
    "on the meta device",
    id(p.text("storage"), p.global("torch", "FloatStorage"), p.text("0"), p.text("meta"), p.int(6)),
    /tensor "w" is on the meta device/,
  ],
  ["a module for a storage", id(p.text("module"), p.global("a", "b")), /has a persistent id that is none of a storage/],
  [
    "a class that is no storage",
    id(p.text("storage"), p.global("os", "FloatStorage"), p.text("0"), p.text("cpu"), p.int(6)),
    /has a persistent id that is none of a storage/,
  ],
  [
    "a path for a key",
    id(p.text("storage"), p.global("torch", "FloatStorage"), p.text("../0"), p.text("cpu"), p.int(6)),
    /names a storage by "\.\.\/0", expected digits$/,
  ],
  [
    "a storage that is not there",
    id(p.text("storage"), p.global("torch", "FloatStorage"), p.text("9"), p.text("cpu"), p.int(6)),
    /is in entry "archive\/data\/9", which the file lacks$/,
  ],
  [
    "a storage of another size",
    id(p.text("storage"), p.global("torch", "FloatStorage"), p.text("0"), p.text("cpu"), p.int(7)),
    /has a storage of 28 bytes, but entry "archive\/data\/0" has 24$/,
  ],
  [
    "two sizes of one storage",
    saved(
      p.dict([
        ["a", weight],
        ["b", tensor(storageId("0", { bytes: counting(28) }), [7])],
      ]),
    ),
    /tensor "b" has a storage of 28 bytes, expected 24 as before$/,
  ],
  [
    "one name twice",
    saved(
      p.dict([
        ["a.b", weight],
        ["a", p.dict([["b", weight]])],
      ]),
    ),
    /has two tensors "a\.b", expected one$/,
  ],
  [
    "2^40 paths to a tensor",
    saved(
      p.dict([
        ["w", weight],
        ["v", weight],
        ["x", bomb(40, weight)],
      ]),
    ),
    /has too many parts, or parts that hold themselves/,
  ],
  [
    "2^40 paths to nothing",
    saved(
      p.dict([
        ["w", weight],
        ["v", weight],
        ["x", bomb(40, p.dict([]))],
      ]),
    ),
    /has too many parts/,
  ],
  [
    "a module in itself",
    saved(
      cat(
        module({ parameters: [["w", weight]] }),
        p.binput(3),
        p.dict([
          ["_parameters", p.dict([])],
          ["_modules", p.dict([["self", p.binget(3)]])],
        ]),
        p.ops(0x62),
      ),
    ),
    /has too many parts|holds no tensors/,
  ],
  [
    "a hundred thousand views of all",
    saved(
      p.dict(
        Array.from({ length: 3 }, (_, i) => [
          `${i}`,
          tensor(storageId("0", storages["0"]!), [2 ** 22, 2], { stride: [0, 1] }),
        ]),
      ),
    ),
    /has tensors of \d+ bytes, expected at most/,
  ],
  [
    "byteorder of neither kind",
    torchZip(p.dict([["w", weight]]), storages, { byteorder: "middle" }),
    /entry "archive\/byteorder" is "middle"/,
  ],
];
for (const [what, file, message] of TENSORS) {
  test(`refused: a tensor ${what}`, async () => {
    await rejects(() => open(file), FormatError, new RegExp(`^a\\.pt .*(${message.source})`));
  });
}

test("names from a file are shown without what a terminal would act on", async () => {
  const clear = "\u001b[2J";
  for (const file of [
    of({ dtype: clear }),
    saved(p.dict([[clear, p.reduce(p.global("torch._utils", `_rebuild_${clear}`))]])),
  ]) {
    const error = await rejects(() => open(file), FormatError, /^a\.pt tensor /);
    assert.not.match(error.message, /\p{Cc}/u);
  }
});

test("an index may be limited: pickles of every age, zip directories", async () => {
  const long = "w".repeat(600);
  const zip = saved(p.dict([[long, weight]]));
  const files: [Uint8Array, number, RegExp][] = [
    [zip, 100, /^a\.pt zip directory has \d+ bytes, expected at most 100$/],
    [zip, 400, /^a\.pt entry "archive\/data\.pkl" has \d+ bytes, expected at most 400$/],
    [legacyFile(p.dict([[long, weight]]), storages), 400, /pickle has more than 400 bytes, expected at most that$/],
    [
      tarFile(p.dict([[long, p.persistent(p.int(5))]]), storages, { "5": { storage: "0", shape: [6] } }),
      400,
      /^a\.pt entry "pickle" pickle has more than 400 bytes, expected at most that$/,
    ],
  ];
  for (const [file, maxIndexBytes, message] of files) {
    await rejects(() => openPytorch(bytesSource(file, "a.pt"), { maxIndexBytes }), FormatError, message);
    await openPytorch(bytesSource(file, "a.pt"), { maxIndexBytes: 2000 });
  }
});

test("quantised, sparse and odd tensors elsewhere in the file do not matter; nor do dictionaries in themselves", async () => {
  const other = p.dict([["q", p.reduce(p.global("torch._utils", "_rebuild_qtensor"))]]);
  const self = cat(p.ops(0x7d), p.binput(9), p.text("me"), p.binget(9), p.ops(0x73));
  await open(
    saved(
      p.dict([
        ["state_dict", p.dict([["w", weight]])],
        ["optimizer", other],
        ["config", self],
        ["more", bomb(40, p.dict([]))],
      ]),
    ),
  );
});

test.run();
