import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel, type TensorData } from "../../../src/base/memory-model.ts";
import type { Model } from "../../../src/base/model.ts";
import { createRng } from "../../../src/base/rng.ts";
import { writeFolder } from "../../../src/formats/folder/write-folder.ts";
import { FORMATS } from "../../../src/formats/formats.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { encodeSafetensors } from "../../../src/formats/safetensors/write-safetensors.ts";
import { writeModel } from "../../../src/formats/write-model.ts";
import { memorySink } from "../../../src/io/sink.ts";
import { rebasin } from "../../../src/plan/rebasin.ts";
import { memoryFiles, memoryFolder } from "../../reference/memory-files.ts";

const test = suite("across formats");

/** A network 5-7-3, and the same with other numbers. */
function network(seed: number): Model {
  const rng = createRng(seed);
  const tensors = new Map<string, TensorData>();
  for (const [name, shape] of [
    ["0.weight", [7, 5]],
    ["0.bias", [7]],
    ["2.weight", [3, 7]],
    ["2.bias", [3]],
  ] as const) {
    const values = Float32Array.from(
      { length: shape.reduce<number>((a, b) => a * b, 1) },
      () => rng.below(2 ** 20) / 2 ** 20 - 0.5,
    );
    tensors.set(name, { dtype: "F32", shape: [...shape], data: new Uint8Array(values.buffer) });
  }
  return memoryModel(tensors, { name: `network ${seed}`, metadata: new Map([["format", "pt"]]) });
}

/** The model after it was written in a format and opened again. */
async function through(model: Model, format: string): Promise<Model> {
  if (!format.startsWith("shards")) {
    const sink = memorySink();
    await writeModel(model, sink, { format });
    return openModel(sink.bytes(), { name: format });
  }
  const folder = memoryFolder();
  await writeFolder(model, folder, { shardBytes: 100, format: format.slice("shards ".length) });
  assert.ok(folder.files.size > 2);
  return openModel(memoryFiles(Object.fromEntries(folder.files)));
}

async function contentsOf(model: Model): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const name of [...model.tensors.keys()].sort())
    found[name] = [model.tensors.get(name), [...(await model.read(name))]];
  return found;
}

const WRITTEN = [
  ...FORMATS.filter(({ fresh }) => fresh).map(({ name }) => name),
  "shards safetensors",
  "shards pytorch",
];

for (const format of WRITTEN) {
  test(`${format}: the same model after a way through it, and back again the same file`, async () => {
    const model = network(1);
    const expected = await contentsOf(model);
    const opened = await through(model, format);
    assert.equal(await contentsOf(opened), expected);
    assert.equal(await contentsOf(await openModel(await encodeSafetensors(opened))), expected);
    if (format.startsWith("shards")) return;
    const [first, second] = [memorySink(), memorySink()];
    await writeModel(model, first, { format });
    await writeModel(await openModel(first.bytes()), second);
    assert.equal(second.bytes(), first.bytes());
  });
}

test("whatever the formats of A and B, the merge is the same, and is written as A", async () => {
  const [a, b] = [network(1), network(2)];
  const expected = await contentsOf((await rebasin(a, b)).model);
  for (const [i, ofA] of WRITTEN.entries()) {
    const ofB = WRITTEN[(i + 1) % WRITTEN.length]!;
    const [openedA, openedB] = [await through(a, ofA), await through(b, ofB)];
    const { model } = await rebasin(openedA, openedB);
    assert.equal(await contentsOf(model), expected, `${ofA} and ${ofB}`);
    assert.is(model.origin, openedA.origin);
    if (ofA.startsWith("shards")) continue;
    const sink = memorySink();
    await writeModel(model, sink);
    const back = await openModel(sink.bytes());
    assert.is(back.origin!.format, ofA);
    assert.equal(await contentsOf(back), expected);
  }
});

test("B's names may have the form of another format", async () => {
  const [a, b] = [network(1), network(2)];
  const expected = await contentsOf((await rebasin(a, b)).model);
  const named = (change: (name: string) => string): Model => ({
    ...b,
    tensors: new Map([...b.tensors].map(([name, info]) => [change(name), info])),
    read: (name) => b.read([...b.tensors.keys()].find((own) => change(own) === name)!),
  });
  for (const change of [
    (name: string) => `module.${name}`,
    (name: string) => name.replace(".", "/"),
    (name: string) => `['params']['${name.replace(".", "']['")}']`,
  ])
    assert.equal(await contentsOf((await rebasin(a, named(change))).model), expected);
});

test.run();
