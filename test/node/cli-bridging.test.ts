/** Two files that differ a little, at the command line. */

import { writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { asUint16 } from "../../src/base/aligned.ts";
import { memoryModel, type TensorData } from "../../src/base/memory-model.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { A, B, commandLine } from "../reference/command-line.ts";

const test = suite("rebasin: files that differ a little");
const cli = commandLine(test);
const { run, runJson } = cli;

type Tensors = Map<string, TensorData>;

async function tensorsOf(path: string, prefix = ""): Promise<Tensors> {
  const model = await openModelFile(path);
  const tensors: Tensors = new Map();
  for (const [name, info] of model.tensors)
    tensors.set(prefix + name, { ...info, data: Uint8Array.from(await model.read(name)) });
  await model.close?.();
  return tensors;
}

const save = async (name: string, tensors: Tensors): Promise<void> =>
  writeFileSync(cli.path(name), await encodeSafetensors(memoryModel(tensors)));

/** Normal numbers of F16 as F32, bit by bit. */
function widened({ shape, data }: TensorData): TensorData {
  const bits = Uint32Array.from(asUint16(data), (half) => {
    const [sign, exponent, fraction] = [half >> 15, (half >> 10) & 31, half & 1023];
    if (exponent > 0) return ((sign << 31) | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
    const value = new Float32Array([(sign ? -1 : 1) * fraction * 2 ** -24]);
    return new Uint32Array(value.buffer)[0]!;
  });
  return { dtype: "F32", shape, data: new Uint8Array(bits.buffer) };
}

test("a prefix, another dtype and a counter: the merge of the plain pair, one line that says so; apply pairs the same way", async () => {
  const wrapped: Tensors = new Map(
    [...(await tensorsOf(B, "module."))].map(([name, tensor]) => [name, widened(tensor)]),
  );
  wrapped.set("n_averaged", { dtype: "I64", shape: [], data: new Uint8Array(8) });
  await save("b.safetensors", wrapped);
  const plain = await run("merge", A, B, "-o", "plain.safetensors", "--permutations-out", "p.safetensors");
  assert.is(plain.code, 0, plain.stderr);
  const { code, stdout } = await run("merge", A, "b.safetensors", "-o", "m.safetensors");
  assert.is(code, 0);
  const line = stdout.split("\n").find((each) => each.startsWith("bridged"))!;
  assert.match(
    line,
    /"module\." in names of B .*; 6 tensors F16 in A and F32 in B, .* written as F16; kept from B: n_averaged$/,
  );
  const [expected, merged] = [
    await tensorsOf(cli.path("plain.safetensors")),
    await tensorsOf(cli.path("m.safetensors")),
  ];
  assert.equal([...merged.keys()], [...expected.keys(), "n_averaged"]);
  for (const [name, { data }] of expected) assert.ok(Buffer.from(data).equals(merged.get(name)!.data), name);

  const missing = await run("merge", A, B, "-o", "r.safetensors", "--permutations", "none");
  assert.match(missing.stderr, /^rebasin: none: .*\(--permutations-out FILE writes what is found\)$/m);
  const read = await runJson("merge", A, "b.safetensors", "-o", "r.safetensors", "--permutations", "p.safetensors");
  assert.equal([read.code, read.json.notes.length, read.json.permutations.P0.size], [0, 3, 256]);
  for (const [name, { data }] of await tensorsOf(cli.path("r.safetensors")))
    assert.ok(Buffer.from(data).equals(merged.get(name)!.data), name);
  const compared = await runJson("compare", A, "b.safetensors");
  assert.equal([compared.code, compared.json.mergeable, compared.json.reasons], [0, true, []]);
  assert.equal(
    compared.json.notes.map(({ kind }: { kind: string }) => kind),
    ["names", "dtype", "kept"],
  );
  assert.is((await run("apply", "b.safetensors", "p.safetensors", "-o", "moved.safetensors")).code, 0);
  assert.is((await run("apply", "moved.safetensors", "p.safetensors", "-o", "back.safetensors", "--inverse")).code, 0);
  for (const [name, { data }] of await tensorsOf(cli.path("back.safetensors")))
    assert.ok(Buffer.from(data).equals(wrapped.get(name)!.data), name);
});

test("another head: refused with both shapes; --keep-a merges the rest; two networks in a file: --prefix-b", async () => {
  const other = await tensorsOf(B);
  other.set("layers.2.weight", { dtype: "F16", shape: [3, 256], data: new Uint8Array(3 * 256 * 2) });
  other.set("layers.2.bias", { dtype: "F16", shape: [3], data: new Uint8Array(6) });
  await save("head.safetensors", other);
  const refused = await run("merge", A, "head.safetensors", "-o", "m.safetensors");
  assert.is(refused.code, 1);
  assert.match(
    refused.stderr,
    /layers\.2\.weight has shape F16 \[3, 256\] in B, expected F16 \[10, 256\] .*--keep-a layers\.2\.\*/,
  );
  const kept = await runJson("merge", A, "head.safetensors", "-o", "m.safetensors", "--keep-a", "layers.2.*");
  assert.is(kept.code, 0);
  assert.equal(kept.json.notes[0].tensors, ["layers.2.weight", "layers.2.bias"]);
  const [ofA, merged] = [await tensorsOf(A), await tensorsOf(cli.path("m.safetensors"))];
  assert.ok(Buffer.from(ofA.get("layers.2.weight")!.data).equals(merged.get("layers.2.weight")!.data));
  const usage = await run("merge", A, "head.safetensors", "-o", "n.safetensors", "--keep-a", "x", "--data", "d");
  assert.is(usage.code, 2);

  await save("two.safetensors", new Map([...(await tensorsOf(B, "net.")), ...(await tensorsOf(B, "ema."))]));
  const both = await run("merge", A, "two.safetensors", "-o", "n.safetensors");
  assert.match(both.stderr, /under "net\." and "ema\.": choose by --prefix-b net\.$/m);
  const words = ["-o", "n.safetensors", "--dtype", "BF16"];
  assert.is((await run("merge", A, "two.safetensors", ...words, "--prefix-b", "ema")).code, 0);
  assert.is((await tensorsOf(cli.path("n.safetensors"))).get("layers.0.bias")!.dtype, "BF16");
  const named = ["two.safetensors", "two.safetensors", "-o", "o.safetensors", "--prefix-a", "net", "--prefix-b", "ema"];
  assert.is((await run("merge", ...named)).code, 0);
  assert.ok((await tensorsOf(cli.path("o.safetensors"))).has("net.layers.0.bias"), "A's names");

  assert.is((await run("match", ...named.slice(0, 2), "-o", "p.safetensors", ...named.slice(4))).code, 0);
  const applied = ["two.safetensors", "p.safetensors", "-o", "q.safetensors", "--prefix", "ema"];
  assert.is((await run("apply", ...applied)).code, 0);
  const names = [...(await tensorsOf(cli.path("q.safetensors"))).keys()];
  assert.ok(names.includes("ema.layers.0.bias") && names.every((name) => name.startsWith("ema.")), "full names");
});

test.run();
