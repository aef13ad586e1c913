/** Parts of a file's tensors are parts of what is read whole. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../../src/base/memory-model.ts";
import { type Model, readPart } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { tensorBytes } from "../../../src/base/tensor-bytes.ts";
import { openFlax } from "../../../src/formats/flax/open-flax.ts";
import { openHdf5Model } from "../../../src/formats/keras/open-hdf5.ts";
import { openNpz } from "../../../src/formats/npz/open-npz.ts";
import { openOnnx } from "../../../src/formats/onnx/open-onnx.ts";
import { openPytorch } from "../../../src/formats/pytorch/open-pytorch.ts";
import { writeModel } from "../../../src/formats/write-model.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rejects } from "../../reference/expect-error.ts";
import { smallFlax } from "../../reference/flax-builder.ts";
import { weightsFile } from "../../reference/keras-builder.ts";
import { smallOnnx } from "../../reference/onnx-builder.ts";
import { gaussianArray } from "../../reference/random.ts";

const test = suite("formats in parts");

/** Resolves to how many tensors gave parts. */
async function partsOf(model: Model): Promise<number> {
  let gave = 0;
  for (const [name, info] of model.tensors) {
    const whole = Uint8Array.from(await model.read(name));
    const length = tensorBytes(info);
    for (const part of [
      [0, 4],
      [length - 4, length],
      [0, length],
      [1, length - 1],
    ] as const) {
      if (part[1] > length || part[0] > part[1] || part[0] < 0) continue;
      const bytes = await readPart(model, name, part, info);
      assert.equal(Uint8Array.from(bytes), whole.subarray(...part), `${name}, ${part}`);
    }
    if (length > 4 && (await model.read(name, undefined, undefined, [0, 4])).length === 4) gave++;
  }
  return gave;
}

async function fileOf(format: string): Promise<Uint8Array> {
  const tensors = new Map(
    [[5, 3], [7], [2, 3, 4]].map((shape, at) => {
      const values = gaussianArray(
        shape.reduce((x, y) => x * y),
        createRng(at),
      );
      return [`t${at}`, { dtype: "F32" as const, shape, data: new Uint8Array(values.buffer) }];
    }),
  );
  const sink = memorySink();
  await writeModel(memoryModel(tensors), sink, { format });
  return sink.bytes();
}

test("PyTorch and NumPy", async () => {
  assert.is(await partsOf(await openPytorch(bytesSource(await fileOf("pytorch"), "a.pt"))), 3);
  assert.is(await partsOf(await openNpz(bytesSource(await fileOf("npz"), "a.npz"))), 3);
});

test("ONNX, Flax, HDF5", async () => {
  assert.ok((await partsOf(await openOnnx(bytesSource(smallOnnx(), "a.onnx"), undefined))) > 0);
  assert.ok((await partsOf(await openFlax(bytesSource(smallFlax(), "a.msgpack")))) > 0);
  assert.ok((await partsOf(await openHdf5Model(bytesSource(Uint8Array.from(weightsFile()), "a.h5")))) > 0);
});

test("a damaged array of NumPy is refused in parts, too", async () => {
  const bytes = Uint8Array.from(await fileOf("npz"));
  const model = await openNpz(bytesSource(bytes, "a.npz"));
  // The last byte of the first array, before the next entry's header.
  const at = bytes.findIndex((_, i) => i >= 128 && bytes[i] === 0x50 && bytes[i + 1] === 0x4b) - 1;
  bytes[at]! ^= 1;
  await rejects(() => model.read("t0", undefined, undefined, [0, 4]), Error, /CRC .*damaged/);
});

test.run();
