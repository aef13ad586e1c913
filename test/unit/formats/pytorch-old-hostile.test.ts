import { suite } from "uvu";
import { FormatError } from "../../../src/base/errors.ts";
import { openPytorch } from "../../../src/formats/pytorch/open-pytorch.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { rejects } from "../../reference/expect-error.ts";
import * as p from "../../reference/pickle-builder.ts";
import { counting } from "../../reference/safetensors-builder.ts";
import { legacyFile, type Storages, storageId, tarEntry, tarFile, tensor } from "../../reference/torch-builder.ts";

const test = suite("PyTorch files before 1.6, hostile");

const open = async (bytes: Uint8Array, key?: string): Promise<void> => {
  const model = await openPytorch(bytesSource(bytes, "a.pt"), { key });
  for (const name of model.tensors.keys()) await model.read(name);
};

const storages: Storages = { "0": { bytes: counting(24) } };
const weight = tensor(storageId("0", storages["0"]!), [2, 3]);

const legacy = legacyFile(p.dict([["w", weight]]), storages);
const LEGACY: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    "cut in its storage",
    legacy.subarray(0, -1),
    /storage 0 ends at byte \d+, expected at most \d+ \(truncated file\?\)$/,
  ],
  [
    "another count before the bytes",
    legacy.slice().fill(9, legacy.length - 32, legacy.length - 31),
    /storage 0 has 9 elements, expected 6 as its tensors have$/,
  ],
  [
    "a storage without a place",
    legacyFile(p.dict([["w", weight]]), storages, { keys: [] }),
    /tensor "w" is in storage 0, which the file lacks$/,
  ],
  [
    "a storage twice",
    legacyFile(p.dict([["w", weight]]), storages, { keys: ["0", "0"] }),
    /has storage 0, which the list twice names$/,
  ],
  [
    "a storage of nobody",
    legacyFile(p.dict([["w", weight]]), { ...storages, "5": { bytes: counting(4) } }),
    /has storage 5, which nothing names$/,
  ],
  [
    "a view outside",
    legacyFile(
      p.dict([["w", tensor(storageId("0", storages["0"]!, p.tuple(p.text("v"), p.int(4), p.int(3))), [1])]]),
      storages,
    ),
    /has a view that is not inside its storage of 24 bytes/,
  ],
  ["only the magic number", legacy.subarray(0, 15), /from byte 15 pickle ends at byte 0, expected 1 more/],
];
for (const [what, file, message] of LEGACY) {
  test(`refused: before 1.6, ${what}`, async () => {
    await rejects(() => open(file), FormatError, new RegExp(`^a\\.pt .*(${message.source})`));
  });
}

const tar = (tensors: Parameters<typeof tarFile>[2], object = p.dict([["w", p.persistent(p.int(5))]])): Uint8Array =>
  tarFile(object, storages, tensors);
const sound = tar({ "5": { storage: "0", shape: [6] } });
const TAR: readonly (readonly [string, Uint8Array, RegExp])[] = [
  [
    "a tensor outside its storage",
    tar({ "5": { storage: "0", shape: [7] } }),
    /tensor 5 ends at byte 28 of its storage/,
  ],
  [
    "a tensor of no storage",
    tar({ "5": { storage: "1", shape: [6] } }),
    /describes no tensor, expected a storage, sizes and strides$/,
  ],
  [
    "a tensor that is not there",
    tar({ "6": { storage: "0", shape: [6] } }),
    /tensor "w" is a tensor that the archive lacks/,
  ],
  ["only one entry", p.concatOps(...tarEntry("sys_info", counting(3))), /lacks the entry "pickle"/],
  [
    "an entry twice",
    p.concatOps(...tarEntry("pickle", counting(3)), ...tarEntry("pickle", counting(3))),
    /has two entries "pickle"/,
  ],
  ["cut", sound.subarray(0, 1540), /ends at byte \d+, expected at most 1540$/],
  ["a changed header", sound.slice().fill(1, 1025, 1027), /has no tar header at byte 1024/],
];
for (const [what, file, message] of TAR) {
  test(`refused: tar, ${what}`, async () => {
    await open(sound);
    await rejects(() => open(file), FormatError, new RegExp(`^a\\.pt .*(${message.source})`));
  });
}

test.run();
