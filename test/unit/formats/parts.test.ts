/** A part of a tensor is the same bytes as of the whole one, in every format; where a file has it as it is, no more is read. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readPart } from "../../../src/base/model.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { type ByteSource, bytesSource } from "../../../src/io/byte-source.ts";
import { sameBytes } from "../../reference/expect-error.ts";
import { array, map, smallFlax } from "../../reference/flax-builder.ts";
import { kerasFile, weightsFile } from "../../reference/keras-builder.ts";
import * as p from "../../reference/pickle-builder.ts";
import { counting } from "../../reference/safetensors-builder.ts";
import { legacyFile, type Storages, storageId, tensor, torchZip } from "../../reference/torch-builder.ts";

const test = suite("formats: parts of tensors");

const LARGE = 200_000;
const storages: Storages = {
  "0": { bytes: counting(96) },
  "1": { bytes: Uint8Array.from({ length: LARGE }, (_, i) => i * 7 + (i >> 8)) },
};
const view = (shape: readonly number[], call = {}): p.Opcodes => tensor(storageId("0", storages["0"]!), shape, call);
const dict = p.orderedDict([
  ["plain", view([4, 6])],
  ["transposed", view([6, 4], { stride: [1, 6] })],
  ["behind", view([3, 2], { offset: 5 })],
  ["empty", view([0, 3])],
  ["large", tensor(storageId("1", storages["1"]!), [LARGE / 4])],
]);
const large = array("float32", [LARGE / 4], storages["1"]!.bytes);

/** And whether a part of tensor `large` is read alone. */
const FILES: readonly (readonly [string, Uint8Array, boolean?])[] = [
  ["PyTorch", torchZip(dict, storages), true],
  ["PyTorch, deflated", torchZip(dict, storages, { style: "plain", deflate: true }), false],
  ["PyTorch, big-endian", torchZip(dict, storages, { byteorder: "big" }), false],
  ["PyTorch before 1.6", legacyFile(dict, storages), true],
  ["Flax", map({ params: map({ large }) }), true],
  ["Flax, in chunks", smallFlax()],
  ["Keras", kerasFile()],
  ["HDF5", weightsFile({ style: "latest" })],
];

function watched(bytes: Uint8Array): { source: ByteSource; read: () => number } {
  let sum = 0;
  const inner = bytesSource(bytes, "file");
  const slice: ByteSource["slice"] = (start, end, signal) => {
    sum += end - start;
    return inner.slice(start, end, signal);
  };
  return { source: { ...inner, slice }, read: () => sum };
}

for (const [name, bytes, isAlone] of FILES)
  test(name, async () => {
    const { source, read } = watched(bytes);
    const model = await openModel(source);
    for (const [tensorName, info] of model.tensors) {
      const whole = Uint8Array.from(await model.read(tensorName));
      const middle = whole.length >> 1;
      for (const part of [
        [0, whole.length],
        [0, middle],
        [middle, whole.length],
        [middle >> 1, middle],
      ] as const)
        sameBytes(
          Uint8Array.from(await readPart(model, tensorName, part, info, undefined, new Uint8Array(part[1] - part[0]))),
          whole.subarray(...part),
        );
    }
    if (isAlone === undefined) return;
    const before = read();
    const largest = [...model.tensors.keys()].find((own) => own.endsWith("large"))!;
    const some = await model.read(largest, undefined, undefined, [400, 800]);
    assert.is(some.length === 400, isAlone);
    assert.is(read() - before < 1000, isAlone);
  });

test.run();
