import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../../src/base/model.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { open, write } from "../../../src/formats/safetensors/safetensors-format.ts";
import { bytesSource } from "../../../src/io/byte-source.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { entry, safetensorsFile, smallFile } from "../../reference/safetensors-builder.ts";

const test = suite("write-back");

async function written(model: Model, like = model.origin): Promise<Uint8Array> {
  const sink = memorySink();
  await write(model, sink, { like });
  return sink.bytes();
}

test("a safetensors file that is handed back is the same file, however its header is written", async () => {
  const odd = `{ "b" : {"shape":[2.0], "data_offsets":[3,5],"dtype":"U8"}, "__metadata__":{"k":"v"},${entry("a", "U8", "[3]", "[0,3]")}}   `;
  for (const file of [smallFile(), safetensorsFile(odd, 5)]) {
    const model = await openModel(file);
    assert.equal(await written(model), file);
    // Whatever order the tensors are handed back in.
    const reversed = { ...model, tensors: new Map([...model.tensors].reverse()) };
    assert.equal(await written(reversed), file);
  }
});

test("other bytes and other metadata go into the same container", async () => {
  const file = smallFile();
  const model = await openModel(file);
  const changed: Model = {
    ...model,
    metadata: new Map([["new", "entry"]]),
    read: async (name) => new Uint8Array(name === "a" ? 6 : 4).fill(9),
  };
  const back = await openModel(await written(changed));
  assert.equal([...back.tensors.keys()], ["a", "b.weight"]);
  assert.equal([...back.metadata], [["new", "entry"]]);
  assert.equal([...(await back.read("b.weight"))], [9, 9, 9, 9]);
});

test("other tensors than the container's make a new file", async () => {
  const model = await open(bytesSource(smallFile()), undefined, {});
  const fewer = { ...model, tensors: new Map([...model.tensors].slice(0, 1)) };
  assert.equal([...(await openModel(await written(fewer))).tensors.keys()], ["a"]);
});

test.run();
