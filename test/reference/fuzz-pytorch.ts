/** PyTorch's files to damage. */

import * as module_ from "../../src/formats/pytorch/pytorch-format.ts";
import { edited, type FuzzedFormat, type Random } from "./fuzz-files.ts";
import * as p from "./pickle-builder.ts";
import { counting } from "./safetensors-builder.ts";
import { legacyFile, module, parameter, type Storages, storageId, tarFile, tensor, torchZip } from "./torch-builder.ts";

const storages: Storages = {
  "0": { bytes: counting(24) },
  "1": { bytes: counting(16), kind: "LongStorage" },
  "2": { bytes: counting(8), kind: "UntypedStorage" },
};
const part = (key: string, shape: readonly number[], call = {}): p.Opcodes =>
  tensor(storageId(key, storages[key]!), shape, call);
const dict = p.orderedDict([
  ["fc.weight", part("0", [2, 3], { stride: [1, 2] })],
  ["fc.bias", parameter(part("0", [2], { offset: 4 }))],
  ["steps", part("1", [2])],
  ["half", part("2", [3], { dtype: "bfloat16", offset: 1 })],
]);
const checkpoint = p.dict([
  ["epoch", p.int(70_000)],
  ["loss", p.float(0.5)],
  ["big", p.long(2n ** 70n)],
  ["state_dict", p.build(dict, p.dict([["_metadata", p.orderedDict([])]]))],
  ["optimizer", p.dict([["state", p.dict([[p.int(0), part("1", [2])]])]])],
]);
const net = module({
  parameters: [["w", parameter(part("0", [6]))]],
  modules: [["sub", module({ buffers: [["steps", part("1", [2])]] })]],
});
const named = p.orderedDict([
  ["w", p.persistent(p.int(5))],
  ["v", p.persistent(p.int(6))],
]);
const tensors = { "5": { storage: "0", shape: [2, 3], stride: [1, 2] }, "6": { storage: "1", shape: [2] } };

const seeds: readonly Uint8Array[] = [
  torchZip(checkpoint, storages),
  torchZip(
    net,
    { "0": storages["0"]!, "1": storages["1"]! },
    { style: "plain", deflate: true, folder: "", zip64: false },
  ),
  torchZip(dict, storages, { byteorder: "big" }),
  legacyFile(checkpoint, storages),
  tarFile(named, { "0": storages["0"]!, "1": storages["1"]! }, tensors),
];

/** Pickles damaged by opcodes in sound containers; containers damaged anywhere. */
function structured(random: Random): Uint8Array {
  const object = [checkpoint, dict, net][random(3)]!;
  switch (random(4)) {
    case 0:
      return torchZip(edited(p.pickle(object), random), storages, { deflate: random(2) === 0 });
    case 1:
      return legacyFile(edited(object, random), storages);
    case 2:
      return tarFile(edited(named, random), storages, tensors);
    default:
      return edited(seeds[random(seeds.length)]!, random);
  }
}

export const fuzzedPytorch: FuzzedFormat = { file: "fuzz.pt", module: module_, seeds, structured };
