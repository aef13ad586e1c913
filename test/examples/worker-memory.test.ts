/** Two networks of 20 MB through examples/worker/, which counts the memory that it takes. */

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bundleWorker, form, post, start } from "./edge-worker.ts";

const test = suite("examples/worker memory");

/** Of wasm pages and array buffers together, in one isolate of 128 MB. */
const LIMIT = 110_000_000;

/** Numbers around 0, always the same. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
}

/** A dense network as a safetensors file. Its units are numbered by `order`, so that two files differ in that and in noise. */
async function network(sizes: readonly number[], order: (unit: number, count: number) => number, seed: number) {
  const { encodeSafetensors, memoryModel } = await import("rebasin");
  const [weight, noise] = [numbers(1), numbers(seed)];
  const tensors = new Map<string, { dtype: "F32"; shape: number[]; data: Uint8Array }>();
  for (let at = 1; at < sizes.length; at++) {
    const [rows, columns] = [sizes[at]!, sizes[at - 1]!];
    const rowOf = (row: number): number => (at < sizes.length - 1 ? order(row, rows) : row);
    const columnOf = (column: number): number => (at > 1 ? order(column, columns) : column);
    const values = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        values[rowOf(row) * columns + columnOf(column)] = weight() + 0.1 * noise();
    const bias = new Float32Array(rows);
    for (let row = 0; row < rows; row++) bias[rowOf(row)] = weight();
    tensors.set(`layers.${at - 1}.weight`, {
      dtype: "F32",
      shape: [rows, columns],
      data: new Uint8Array(values.buffer),
    });
    tensors.set(`layers.${at - 1}.bias`, { dtype: "F32", shape: [rows], data: new Uint8Array(bias.buffer) });
  }
  return encodeSafetensors(memoryModel(tensors));
}

for (const [what, sizes] of Object.entries({
  "five hidden layers of 1,024 units": [784, 1024, 1024, 1024, 1024, 1024, 10],
  "sixteen of 544": [784, ...Array.from({ length: 16 }, () => 544), 10],
})) {
  test(`${what}: merged within ${LIMIT / 1e6} MB`, async () => {
    const a = await network(sizes, (unit) => unit, 2);
    const b = await network(sizes, (unit, count) => (unit * 7 + 3) % count, 3);
    assert.ok(a.length > 19_500_000 && a.length < 21_000_000, `${a.length} bytes`);
    const worker = await start(await bundleWorker(), { MEASURE: "1" });
    try {
      const response = await post(worker, { body: form({ a, b }) });
      const merged = new Uint8Array(await response.arrayBuffer());
      assert.is(response.status, 200, new TextDecoder().decode(merged.subarray(0, 500)));
      assert.is(Number(response.headers.get("content-length")), merged.length);
      const { memory } = await (await fetch(`${worker.url}health`)).json();
      console.log(`${what}: ${JSON.stringify(memory)}`);
      assert.ok(memory.peak > a.length + b.length, "counts the files at least");
      assert.ok(memory.peak < LIMIT, `${memory.peak} bytes`);
    } finally {
      worker.stop();
    }
  });
}

test.run();
