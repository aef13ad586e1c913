/** examples/worker/ and the formats that it imports. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Worker } from "../../scripts/runtimes/workerd.mjs";
import { A, B, bundleWorker, checkProblem, form, post, start } from "./edge-worker.ts";

const test = suite("examples/worker, other formats");

let worker: Worker;
test.before(async () => {
  worker = await start(await bundleWorker("with-pytorch"), { MAX_BYTES: "2000000" });
});
test.after(() => worker?.stop());

test("takes PyTorch's files, together with safetensors, and refuses what their pickles have no room for", async () => {
  const { memoryModel, memorySink, openModel } = await import("rebasin");
  const { writeModel } = await import("rebasin/formats");
  const pt = async (bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> => {
    const sink = memorySink();
    await writeModel(await openModel(bytes), sink, { format: "pytorch" });
    return sink.bytes();
  };
  const tensorsOf = async (response: Response): Promise<[string, string][]> => {
    assert.is(response.status, 200);
    const model = await openModel(new Uint8Array(await response.arrayBuffer()));
    const names = [...model.tensors.keys()].sort();
    return Promise.all(
      names.map(async (name): Promise<[string, string]> => [name, Buffer.from(await model.read(name)).toString("hex")]),
    );
  };
  const expected = await tensorsOf(await post(worker, { body: form({ a: A, b: B }) }));
  for (const [a, b] of [
    [await pt(A), await pt(B)],
    [await pt(A), B],
    [A, await pt(B)],
  ] as const)
    assert.equal(await tensorsOf(await post(worker, { body: form({ a, b }) })), expected);
  const plain = await start(await bundleWorker(), {});
  try {
    const refused = await post(plain, { body: form({ a: A, b: await pt(B) }) });
    await checkProblem("without the format", refused, 422, /^b looks like a zip archive, .*expected safetensors$/);
    assert.match(await (await fetch(plain.url)).text(), /two files in, safetensors, the merged one/);
    assert.match(await (await fetch(worker.url)).text(), /two files in, safetensors or pytorch, the merged one/);
  } finally {
    plain.stop();
  }
  const data = new Uint8Array(0);
  const names = Array.from({ length: 5000 }, (_, i): [string, { dtype: "U8"; shape: number[]; data: Uint8Array }] => [
    `${i}`,
    { dtype: "U8", shape: [0], data },
  ]);
  const sink = memorySink();
  await writeModel(memoryModel(new Map(names)), sink, { format: "pytorch" });
  await checkProblem(
    "many",
    await post(worker, { body: form({ a: sink.bytes(), b: B }) }),
    422,
    /expected at most \d+/,
  );
});

test.run();
