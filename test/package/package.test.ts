/** The packed and installed tarball, as a user's program sees it. Runs inside an empty project that has only `rebasin`. */

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  applyPermutations,
  detectSpec,
  encodeSafetensors,
  FormatError,
  matchWeights,
  mergeModels,
  openModel,
  parseSpec,
  rebasin,
  SpecError,
} from "rebasin";
import { averagePoolTo, readIdxImages } from "rebasin/data";
import { costMatrix, solveAssignment } from "rebasin/kernels";
import type { Executor } from "rebasin/measure";
import { openModel as openPath, rebasin as rebasinPaths, saveModel } from "rebasin/node";
import { suite } from "uvu";
import * as assert from "uvu/assert";

declare const __ROOT__: string;

const test = suite("package");
const PACKAGE = "node_modules/rebasin";
const A = "fixtures/fmnist-mlp-small-a.safetensors";
const B = "fixtures/fmnist-mlp-small-b.safetensors";

/** What is said without the optional peers. */
const ONE_LINE =
  /^TensorFlow\.js is not installed, .*npm install @tensorflow\/tfjs-core @tensorflow\/tfjs-backend-wasm$/;

/** SHA-256 of the merge of the two fixtures at λ = ½: the same in every runtime and build. */
const MERGED = "18e19839bbd0b539ff5952c23e057d29be0e78a846988142ee03dbc1eeb4f30a";

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

test("the one call merges two checkpoints to the digest, SIMD and scalar", async () => {
  for (const simd of [true, false]) {
    const { model, permutations, report } = await rebasin(readFileSync(A), readFileSync(B), { simd });
    assert.is(await sha256(await encodeSafetensors(model)), MERGED);
    assert.equal([...permutations.keys()], ["P0", "P1"]);
    assert.ok(permutations.get("P0") instanceof Int32Array);
    assert.ok(report.objective > report.identityObjective);
  }
});

test("threads load from the package and give the same bytes", async () => {
  for (const simd of [true, false]) {
    const { model, report } = await rebasin(readFileSync(A), readFileSync(B), { simd, threads: 3 });
    assert.is(report.threads, 3);
    assert.is(await sha256(await encodeSafetensors(model)), MERGED);
  }
});

test("step by step gives the same as the one call", async () => {
  const [a, b] = [await openModel(readFileSync(A)), await openModel(new Blob([readFileSync(B)]))];
  const spec = await detectSpec(a);
  const { permutations } = await matchWeights(a, b, spec);
  const once = await encodeSafetensors(await mergeModels(a, b, spec, permutations, { lambda: 1 }));
  const aligned = await encodeSafetensors(await applyPermutations(b, spec, permutations));
  assert.ok(once.length > aligned.length, "the merge has metadata of its own");
  assert.equal([...once.subarray(-1000)], [...aligned.subarray(-1000)]);
});

test("rebasin/node takes paths and writes files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rebasin-package-test-"));
  try {
    const { model } = await rebasinPaths(A, B);
    await saveModel(model, join(folder, "merged.safetensors"), { inputs: [A, B] });
    await model.close?.();
    assert.is(await sha256(readFileSync(join(folder, "merged.safetensors"))), MERGED);
    const read = await openPath(join(folder, "merged.safetensors"));
    assert.is(read.metadata.get("rebasin.method"), "frank-wolfe");
    await read.close?.();
    assert.equal(readdirSync(folder), ["merged.safetensors"]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("rebasin/kernels: costs and assignments on typed arrays", () => {
  const [a, b] = [Float32Array.of(1, 0, 0, 1), Float32Array.of(0, 2, 3, 0)];
  const cost = costMatrix(a, b, 2, 2);
  assert.equal([...cost], [0, 3, 2, 0]);
  const { permutation, objective, rowDuals, columnDuals } = solveAssignment(cost, 2, { maximize: true });
  assert.equal([...permutation], [1, 0]);
  assert.is(objective, 5);
  assert.is(
    [...rowDuals, ...columnDuals].reduce((sum, dual) => sum + dual, 0),
    5,
  );
});

test("rebasin/data reads images", async () => {
  const file = (name: string) => ({ name, bytes: readFileSync(join("fixtures", name)) });
  const images = file("t10k-images-1000-idx3-ubyte.gz");
  const data = await readIdxImages(images, file("t10k-labels-1000-idx1-ubyte.gz"));
  const { count, classes, height } = averagePoolTo(data, 14);
  assert.equal([count, classes, height], [1000, 10, 14]);
});

test("errors are exported and thrown", async () => {
  const error = await openModel(new Uint8Array(3)).then(
    () => null,
    (e) => e,
  );
  assert.instance(error, FormatError);
  assert.throws(
    () => parseSpec("{}"),
    (e: unknown) => e instanceof SpecError,
  );
});

test("importing compiles nothing, for `require` too", async () => {
  const command = JSON.parse(process.env.REBASIN_RUNTIME!) as string[];
  writeFileSync(
    "compiles-nothing.cjs",
    `for (const name of ["Module", "compile", "instantiate"]) WebAssembly[name] = function () { throw new Error("compiled"); };
    const { rebasin, init } = require("rebasin");
    const { createKernels } = require("rebasin/kernels");
    try { createKernels(); } catch (error) { console.log(typeof rebasin, typeof init, error.message); }`,
  );
  const [program, ...words] = [...command, "compiles-nothing.cjs"];
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(program!, words, (failure, output) => (failure ? reject(failure) : resolve(output)));
  });
  assert.is(stdout.trim(), "function function compiled");
});

test("npx rebasin --help works from the installed package", async () => {
  const command = JSON.parse(process.env.REBASIN_RUNTIME!) as string[];
  const [program, ...words] = [...command, join(PACKAGE, "dist/cli.js"), "--help"];
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(program!, words, (failure, output) => (failure ? reject(failure) : resolve(output)));
  });
  assert.match(stdout, "Usage: rebasin COMMAND");
  assert.ok(existsSync("node_modules/.bin/rebasin") || existsSync("node_modules/.bin/rebasin.cmd"));
  assert.match(readFileSync(join(PACKAGE, "dist/cli.js"), "utf8"), /^#!\/usr\/bin\/env node\n/);
});

/** Entries that need no TensorFlow.js to be loaded. */
const WITHOUT_PEERS = ["rebasin/graph", "rebasin/by-data", "rebasin/measure", "rebasin/repair", "rebasin/verify"];

test("entries around networks are imported without TensorFlow.js, and export what they should", async () => {
  const listed = readFileSync(join(__ROOT__, "test/node/public-names.txt"), "utf8").split(/\n(?=rebasin)/);
  for (const entry of WITHOUT_PEERS) {
    const [, ...names] = listed
      .find((part) => part.startsWith(`${entry}\n`))!
      .trimEnd()
      .split(/\n {2}/);
    const values = names.filter((name) => !name.startsWith("type "));
    assert.ok(values.length > 4, entry);
    assert.equal(Object.keys(await import(entry)).sort(), values.sort(), entry);
  }
});

test("without its peers, importing rebasin/tf fails with one line that says what to install", async () => {
  for (let again = 0; again < 2; again++) {
    const error = await import("rebasin/tf").then(
      () => null,
      (e) => e,
    );
    assert.instance(error, Error);
    assert.match(error.message, ONE_LINE);
  }
});

test("what would run on TensorFlow.js says the same, and runs on an executor of one's own", async () => {
  const { describeGraph, linearOperations, tapsOf, valueShapes } = await import("rebasin/graph");
  const { matchActivations } = await import("rebasin/by-data");
  const { barrier, evaluateModel, sampleCurves, tensorSimilarities } = await import("rebasin/measure");
  const [a, b] = [await openModel(readFileSync(A)), await openModel(readFileSync(B))];
  const file = (name: string) => ({ name, bytes: readFileSync(join("fixtures", name)) });
  const data = await readIdxImages(file("t10k-images-1000-idx3-ubyte.gz"), file("t10k-labels-1000-idx1-ubyte.gz"));
  const spec = await detectSpec(a);
  for (const run of [() => evaluateModel(a, data), () => matchActivations(a, b, spec, data)]) {
    const error = await run().then(
      () => null,
      (e) => e,
    );
    assert.match(error.message, ONE_LINE);
  }
  const graph = await describeGraph(a);
  assert.is((await linearOperations(graph)).length, 3);
  assert.equal(valueShapes(graph, a.tensors, [28, 28, 1]).get(graph.output), [10]);
  assert.equal((await tapsOf(graph, spec, a)).get("P0"), [{ value: "layers.0.relu", block: 1 }]);
  // Knows no model: unit c of the first says something about each image, and what unit c of the second says, c + 1 of the first does.
  let opened = 0;
  const executor: Executor = {
    async open() {
      const first = opened++;
      const value = (name: string, rows: number) => {
        const [length] = valueShapes(graph, a.tensors, [28, 28, 1]).get(name)!;
        const says = (row: number, unit: number) => Math.sin((row + 1) * (((unit + first) % length) + 1));
        const said = Array.from({ length: rows * length }, (_, i) => says(Math.floor(i / length), i % length));
        return { shape: [rows, length], data: Float32Array.from(said) };
      };
      return {
        inputs: ["input"],
        values: graph.operations.map(({ output }) => output),
        async run(inputs, keep) {
          const rows = inputs.get("input")!.shape[0]!;
          return new Map([...keep].map((name) => [name, value(name, rows)]));
        },
        async load() {},
        dispose() {},
      };
    },
  };
  const { permutations } = await matchActivations(a, b, spec, data, { executor, batch: 1000 });
  for (const p of permutations.values())
    assert.equal(
      [...p],
      Array.from(p, (_, i) => (i + p.length - 1) % p.length),
    );
  const own = () => ({ loss: 1, accuracy: 0.5 });
  const curves = await sampleCurves({ a, b, spec, permutations }, new Map([["own", own]]), { points: 2 });
  assert.is(barrier(curves.get("own")!.aligned).maxAboveChord, 0);
  assert.is((await tensorSimilarities({ a, b: a, spec, permutations })).length, a.tensors.size);
});

test("without its optional peers, rebasin curve says in one line what to install", async () => {
  const command = JSON.parse(process.env.REBASIN_RUNTIME!) as string[];
  const [program, ...words] = [...command, join(PACKAGE, "dist/cli.js"), "curve", A, B, "--data", "fixtures"];
  const outcome = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(program!, words, (failure, _, stderr) => resolve({ code: failure?.code, stderr }));
  });
  assert.is(outcome.code, 1);
  assert.match(outcome.stderr, /^rebasin: .*npm install @tensorflow\/tfjs-core @tensorflow\/tfjs-backend-wasm\n$/);
});

test.run();
