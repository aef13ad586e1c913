/** The package as an edge worker gets it: by its `workerd` condition, used while a request is answered. */

import { encodeSafetensors, init, memorySink, openModel, rebasin } from "rebasin";
import { npz, pytorch, writeModel } from "rebasin/formats";
import { costMatrix, createKernels, solveAssignment } from "rebasin/kernels";
import scalar from "rebasin/rebasin.scalar.wasm";
import simd from "rebasin/rebasin.simd.wasm";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import a from "../fixtures/fmnist-mlp-small-a.safetensors";
import b from "../fixtures/fmnist-mlp-small-b.safetensors";

const test = suite("edge worker");
/** The declarations speak of the bundles in which these are strings. */
const [SIMD, SCALAR] = [simd, scalar] as unknown as [WebAssembly.Module, WebAssembly.Module];

/** As test/package/package.test.ts has it. */
const MERGED = "18e19839bbd0b539ff5952c23e057d29be0e78a846988142ee03dbc1eeb4f30a";

async function mergeDigest(options: { simd?: boolean; threads?: number }): Promise<string> {
  const { model } = await rebasin(a, b, options);
  const digest = await crypto.subtle.digest("SHA-256", (await encodeSafetensors(model)) as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

test("this host refuses to compile, so what works below was not compiled here", () => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  assert.ok(WebAssembly.validate(empty));
  assert.throws(() => new WebAssembly.Module(empty), /disallowed/);
});

test("merges two checkpoints to the digest of every runtime, asked for threads that it does not have or not", async () => {
  assert.is(await mergeDigest({}), MERGED);
  assert.is(await mergeDigest({ threads: 4 }), MERGED);
});

test("has the kernels", () => {
  assert.is(createKernels().simd, true);
  const cost = costMatrix(Float32Array.of(1, 0, 0, 1), Float32Array.of(0, 2, 3, 0), 2, 2);
  assert.equal([...solveAssignment(cost, 2, { maximize: true }).permutation], [1, 0]);
});

test("embeds the SIMD build alone, and says how to get the other", async () => {
  assert.throws(() => createKernels({ simd: false }), /^simd: false, expected the scalar build too \(init with/);
});

test("merges models of the formats that it imports, and writes the merge as A", async () => {
  const expected = await openModel(await encodeSafetensors((await rebasin(a, b)).model));
  for (const format of [pytorch, npz]) {
    const write = async (model: Awaited<ReturnType<typeof openModel>>): Promise<Uint8Array> => {
      const sink = memorySink();
      await writeModel(model, sink, { format: format.name });
      return sink.bytes();
    };
    const open = (bytes: Uint8Array) => openModel(bytes, { formats: [format] });
    const { model } = await rebasin(await open(await write(await openModel(a))), b);
    const merged = await open(await write(model));
    for (const name of expected.tensors.keys()) assert.equal(await merged.read(name), await expected.read(name));
  }
});

test("reads safetensors, and the formats that it imports", async () => {
  const bytes = Uint8Array.of(0x80, 2, 0x7d, 0x2e);
  await openModel(bytes, { name: "x" }).then(
    () => assert.unreachable("a pickle was read"),
    (error) => assert.match(error.message, /^x looks like .*, expected safetensors$/),
  );
  const expected = await openModel(a);
  const own = {
    ...{ name: "own", title: "a format of my own", endings: [".own"], fresh: false, keepsMetadata: false },
    recognises: (head: Uint8Array) => head[0] === 0x80,
    load: async () => ({ open: async () => expected }),
  };
  assert.is(await openModel(bytes, { formats: [own] }), expected);
});

test("init takes the exported wasm files", async () => {
  init({ module: SCALAR });
  assert.is(createKernels().simd, false);
  assert.throws(() => createKernels({ simd: true }), /expected the SIMD build/);
  assert.is(await mergeDigest({}), MERGED);
  init({ module: [SIMD, SCALAR] });
  assert.is(createKernels().simd, true);
  assert.is(await mergeDigest({}), MERGED);
  assert.is(await mergeDigest({ simd: false }), MERGED);
});

test.run();
