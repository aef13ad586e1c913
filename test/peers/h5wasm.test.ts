/** HDF5 datasets that only HDF5's own library reads, with h5wasm beside the package, as a user has it. */

import { readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openModel } from "../../src/formats/open-model.ts";
import { fromModel } from "../reference/networks.ts";
import { h5wasm, path, runBeside, withPeers } from "./peer.ts";

const test = suite("HDF5 by h5wasm");

/** Filters of HDF5: nbit, and scale and offset with four digits behind the point. */
const [NBIT, SCALE_OFFSET] = [5, 6];

/** A file with the layers of an MLP 6-8-3, and what the library itself reads back of it. */
async function packedFile(
  filter: number,
  options: number[],
): Promise<{ bytes: Uint8Array; read: Map<string, readonly number[]> }> {
  const { File, FS } = await h5wasm();
  const file = new File("w.h5", "w");
  const shapes = { "a/kernel": [6, 8], "a/bias": [8], "b/kernel": [8, 3], "b/bias": [3] };
  for (const group of ["a", "b"]) file.create_group(group);
  for (const [name, shape] of Object.entries(shapes)) {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i + shape.length));
    const chunks = shape.map((size) => Math.ceil(size / 2));
    file.create_dataset({ name, data, shape, dtype: "<f4", chunks, compression: filter, compression_opts: options });
  }
  file.close();
  const again = new File("w.h5", "r");
  const read = new Map(
    Object.keys(shapes).map((name) => [name, [...(again.get(name) as { value: Float32Array }).value]] as const),
  );
  again.close();
  const bytes = Uint8Array.from(FS.readFile("w.h5"));
  FS.unlink("w.h5");
  return { bytes, read };
}

for (const [name, filter, options] of [
  ["nbit", NBIT, []],
  ["scale and offset", SCALE_OFFSET, [0, 4]],
] as const)
  withPeers(test, `${name}: every tensor is what the library reads`, async () => {
    const { bytes, read } = await packedFile(filter, [...options]);
    writeFileSync(path(`${filter}.h5`), bytes);
    const { code, stderr } = await runBeside("convert", path(`${filter}.h5`), path(`${filter}.safetensors`));
    assert.is(code, 0, stderr);
    const model = await openModel(readFileSync(path(`${filter}.safetensors`)), { name: "w.safetensors" });
    const values = [...(await fromModel(model))].map(([key, { data }]) => [key, [...data]]);
    assert.equal(new Map(values as [string, number[]][]), read);
  });

withPeers(test, "a damaged chunk: one line that names the dataset", async () => {
  const { bytes } = await packedFile(SCALE_OFFSET, [0, 4]);
  const model = Uint8Array.from(bytes);
  // Nodes of trees of chunks begin so.
  const head = [...new TextEncoder().encode("TREE"), 1];
  for (let at = 0; at < model.length; at++) if (head.every((byte, i) => model[at + i] === byte)) model[at] = 0;
  writeFileSync(path("d.h5"), model);
  const { code, stderr } = await runBeside("convert", path("d.h5"), path("d.safetensors"));
  assert.is(code, 1);
  assert.match(stderr, /^rebasin: [^\n]*d\.h5 dataset "a\/bias" cannot be read by h5wasm, expected sound chunks\n$/);
});

withPeers(test, "a file that it reads is only read: writing back is refused before anything is written", async () => {
  const { bytes } = await packedFile(NBIT, []);
  writeFileSync(path("r.h5"), bytes);
  const { code, stderr } = await runBeside("convert", path("r.h5"), path("out.h5"));
  assert.is(code, 1);
  assert.match(stderr, /nbit/);
});

test.run();
