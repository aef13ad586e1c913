/** What examples/worker/ takes of memory, which it counts, and what it refuses because it would take too much. */

import { join } from "node:path";
import type { Model, Spec } from "rebasin";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { A, B, bundleWorker, checkProblem, digestOf, form, MERGED, post, start } from "./edge-worker.ts";

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
    const worker = await start(await bundleWorker("measured"), {});
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

const order = (unit: number, count: number): number => (unit * 7 + 3) % count;

test(`merged and refused one after another: still within ${LIMIT / 1e6} MB`, async () => {
  const worker = await start(await bundleWorker("measured"), {});
  try {
    // A small file with a large permutation leaves much memory of wasm; then large files come.
    for (const [sizes, status] of [
      [[100, 2500, 100, 10], 200],
      [[784, 1024, 1024, 1024, 1024, 1024, 10], 200],
      [[1000, 3000, 10], 422],
      [[1000, 3000, 10], 422],
      [[100, 2500, 100, 10], 200],
      [[784, 1024, 1024, 1024, 1024, 1024, 10], 200],
    ] as const) {
      const [a, b] = [await network(sizes, order, 2), await network(sizes, order, 3)];
      const response = await post(worker, { body: form({ a, b }) });
      await response.arrayBuffer();
      assert.is(response.status, status, sizes.join("-"));
    }
    const { memory } = await (await fetch(`${worker.url}health`)).json();
    console.log(`one after another: ${JSON.stringify(memory)}`);
    assert.ok(memory.peak < LIMIT, `${memory.peak} bytes`);
  } finally {
    worker.stop();
  }
});

/** What the worker estimates a merge to take beside the files. */
async function estimator(): Promise<(model: Model, spec: Spec) => number> {
  const { build } = await import("esbuild");
  await bundleWorker();
  const outfile = join(process.cwd(), "worker/memory.mjs");
  await build({ entryPoints: ["worker/src/memory.ts"], outfile, bundle: true, format: "esm", external: ["rebasin"] });
  const { checkMemory } = await import(outfile);
  return (model, spec) => {
    try {
      checkMemory(model, spec, 0);
    } catch (error) {
      return Number(/about (\d+) bytes/.exec((error as Error).message)?.[1]);
    }
    return 0;
  };
}

test("the estimate is never below what a matching takes", async () => {
  const { matchWeights, memoryModel, parseSpec } = await import("rebasin");
  const estimate = await estimator();
  const cases: Record<string, [shape: number[], axes: string[]][]> = {
    wide: [
      [
        [1200, 10],
        ["P", "_"],
      ],
      [
        [10, 1200],
        ["_", "P"],
      ],
      [[10], ["_"]],
    ],
    convolution: [
      [
        [256, 128, 3, 3],
        ["P", "Q", "_", "_"],
      ],
      [
        [128, 3, 11, 11],
        ["Q", "_", "_", "_"],
      ],
    ],
    flattened: [
      [
        [32, 3, 3, 3],
        ["P", "_", "_", "_"],
      ],
      [
        [100, 32 * 49],
        ["Q", "P*49"],
      ],
    ],
    "of three dimensions": [
      [
        [60, 60, 60],
        ["P", "Q", "R"],
      ],
    ],
    "hardly moving": [
      [
        [300_000, 2],
        ["_", "P"],
      ],
    ],
    "a permutation of one unit": [
      [
        [1, 300_000],
        ["P", "_"],
      ],
    ],
    "partly fixed": [
      [
        [1000, 500],
        ["P|998", "_"],
      ],
      [[2], ["P"]],
    ],
    fixed: [[[1_000_000], ["_"]]],
  };
  for (const dtype of ["F32", "F16", "F64"] as const)
    for (const [what, tensors] of Object.entries(cases)) {
      const size = { F32: 4, F16: 2, F64: 8 }[dtype];
      const named = tensors.map(([shape, axes], i) => ({ name: `t${i}`, shape, axes }));
      const spec = parseSpec({
        format: "rebasin-spec/1",
        tensors: Object.fromEntries(named.map(({ name, axes }) => [name, { axes }])),
      });
      const model = memoryModel(
        new Map(
          named.map(({ name, shape }) => {
            const data = new Uint8Array(size * shape.reduce((all, length) => all * length, 1));
            return [name, { dtype, shape, data }];
          }),
        ),
      );
      const { report } = await matchWeights(model, model, spec);
      const need = estimate(model, spec);
      assert.ok(need >= report.memoryBytes, `${what} ${dtype}: ${need}, takes ${report.memoryBytes}`);
    }
});

test("small files with very many tensors, cells or permutations are refused, and the worker goes on", async () => {
  const { encodeSafetensors, memoryModel } = await import("rebasin");
  const many = (count: number, shape: number[]) => {
    const info = { dtype: "F32" as const, shape, data: new Uint8Array(4 * shape.reduce((all, size) => all * size, 1)) };
    return encodeSafetensors(
      memoryModel(new Map(Array.from({ length: count }, (_, i) => [`layers.${i}.weight`, info]))),
    );
  };
  const names = Array.from({ length: 300 }, (_, i) => `P${i}`);
  const tensors = new Map([["w", { dtype: "F32" as const, shape: [300, 300], data: new Uint8Array(360_000) }]]);
  for (const name of names) tensors.set(name, { dtype: "F32", shape: [1], data: new Uint8Array(4) });
  const axes = Object.fromEntries(names.map((name) => [name, { axes: [name] }]));
  const segments = names.join("|");
  const spec = { format: "rebasin-spec/1", tensors: { ...axes, w: { axes: [segments, segments] } } };
  const worker = await start(await bundleWorker(), {});
  try {
    const refused = async (what: string, file: Uint8Array<ArrayBuffer>, detail: RegExp, more = {}): Promise<void> =>
      checkProblem(what, await post(worker, { body: form({ a: file, b: file, ...more }) }), 422, detail);
    await refused(
      "a chain",
      await many(20_000, [1, 1]),
      /19999 of them, and 20000 tensors\), expected at most 68000000/,
    );
    await refused("headers", await many(150_000, [0]), /headers of \d+ bytes\), expected at most 68000000/);
    await refused("cells", await encodeSafetensors(memoryModel(tensors)), /300 of them/, {
      spec: JSON.stringify(spec),
    });
    assert.is(await digestOf(await post(worker, { body: form({ a: A, b: B }) })), MERGED);
  } finally {
    worker.stop();
  }
});

test.run();
