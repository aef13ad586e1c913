import { writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openModelFile } from "../../src/node/open-model.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import * as p from "../reference/pickle-builder.ts";
import { legacyFile, type Storage, storageId, tensor, torchZip } from "../reference/torch-builder.ts";

const test = suite("PyTorch and NumPy files on the command line");
const cli = commandLine(test);
const { run, runJson } = cli;

const ok = async (...words: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...words);
  assert.is(code, 0, stderr);
  return stdout;
};

/** Every tensor as text, sorted by name. */
async function contentsOf(path: string, key?: string): Promise<[string, string][]> {
  const model = await openModelFile(path, { key });
  const found: [string, string][] = [];
  for (const name of [...model.tensors.keys()].sort())
    found.push([name, Buffer.from(await model.read(name)).toString("hex")]);
  await model.close?.();
  return found;
}

/** A checkpoint of the model at `path`: a state dict, a moving average of it, and an optimizer's state. */
async function checkpoint(path: string, write: typeof torchZip | typeof legacyFile = torchZip): Promise<Uint8Array> {
  const model = await openModelFile(path);
  const storages: Record<string, Storage> = {};
  const add = (bytes: Uint8Array): string => {
    const key = String(Object.keys(storages).length);
    storages[key] = { kind: "HalfStorage", bytes };
    return key;
  };
  const dict: [string, p.Opcodes][] = [];
  const average: [string, p.Opcodes][] = [];
  for (const [name, { shape }] of model.tensors) {
    const bytes = (await model.read(name)).slice();
    for (const list of [dict, average]) {
      const key = add(bytes);
      list.push([name, tensor(storageId(key, storages[key]!), shape)]);
    }
  }
  await model.close?.();
  const moment = tensor(storageId("0", storages["0"]!), [2, 3]);
  return write(
    p.dict([
      ["epoch", p.int(3)],
      ["model", p.orderedDict(dict)],
      ["ema", p.orderedDict(average)],
      ["optimizer", p.dict([["state", p.list(moment)]])],
    ]),
    storages,
  );
}

test("A as .pt and B as .npz merge as the safetensors do; the output is what its name says", async () => {
  await ok("convert", A, "a.pt");
  await ok("convert", B, "b.npz");
  const expected = await runJson("merge", A, B, "-o", "m.safetensors");
  for (const out of ["m.pt", "m.npz", "m2.safetensors"]) {
    const { json } = await runJson("merge", "a.pt", "b.npz", "-o", out);
    assert.is(json.objective, expected.json.objective);
    assert.equal(await contentsOf(cli.path(out)), await contentsOf(cli.path("m.safetensors")), out);
  }
  assert.match(await ok("merge", "a.pt", "b.npz", "-o", "m"), /^format +PyTorch \(\.pt/m);
  assert.equal(cli.bytes("m"), cli.bytes("m.pt"));
  assert.match(await ok("compare", "m.pt", "m.npz"), /^mergeable: the same 6 tensors/);
});

test("a checkpoint with several state dicts: listed, chosen by --key, written back with all else kept and called stale", async () => {
  for (const [kind, write] of [
    ["zip", torchZip],
    ["legacy", legacyFile],
  ] as const) {
    writeFileSync(cli.path(`a-${kind}.pt`), await checkpoint(A, write));
    writeFileSync(cli.path(`b-${kind}.pt`), await checkpoint(B, write));
    const [a, b, m] = [`a-${kind}.pt`, `b-${kind}.pt`, `m-${kind}.pt`];
    const { code, stderr } = await run("inspect", a);
    assert.is(code, 1);
    assert.match(
      stderr,
      /holds 2 state dicts: "model" \(6 tensors\), "ema" \(6 tensors\); expected one: choose with --key/,
    );
    const text = await ok("merge", a, b, "-o", m, "--key", "model");
    assert.match(text, /^note +kept from a-\w+\.pt and stale, as it fits the old weights: optimizer$/m);
    assert.match(text, /^note +kept from a-\w+\.pt as they were: ema$/m);
    await ok("merge", A, B, "-o", `${kind}.safetensors`);
    assert.equal(await contentsOf(cli.path(m), "model"), await contentsOf(cli.path(`${kind}.safetensors`)));
    assert.equal(await contentsOf(cli.path(m), "ema"), await contentsOf(cli.path(a), "ema"));
    assert.match(await ok("inspect", m, "--key", "model"), /^key +model$/m);
  }
});

test("apply, then apply --inverse, gives the file back, byte for byte", async () => {
  writeFileSync(cli.path("a.pt"), await checkpoint(A));
  writeFileSync(cli.path("b.pt"), await checkpoint(B));
  await ok("convert", B, "b.npz");
  await ok("match", "a.pt", "b.pt", "-o", "p.safetensors", "--key", "model");
  for (const [file, ...key] of [["b.pt", "--key", "model"], ["b.npz"]] as const) {
    const ending = file.slice(1);
    await ok("apply", file, "p.safetensors", "-o", `moved${ending}`, ...key);
    await ok("apply", `moved${ending}`, "p.safetensors", "-o", `back${ending}`, "--inverse", ...key);
    assert.not.ok(cli.bytes(`moved${ending}`).equals(cli.bytes(file)));
    assert.ok(cli.bytes(`back${ending}`).equals(cli.bytes(file)), file);
  }
});

test("damaged files and files under a wrong name fail in one line that names them", async () => {
  await ok("convert", A, "a.pt");
  writeFileSync(cli.path("cut.pt"), cli.bytes("a.pt").subarray(0, 5000));
  writeFileSync(cli.path("text.pt"), "hello");
  writeFileSync(cli.path("bits.npz"), cli.bytes("a.pt"));
  const cases: [string, RegExp][] = [
    ["cut.pt", /cut\.pt has no zip directory at its end, expected one: is the file complete\?/],
    ["text.pt", /text\.pt has no zip directory at its end/],
  ];
  for (const [file, message] of cases) {
    const { code, stderr } = await run("inspect", file);
    assert.is(code, 1);
    assert.match(stderr, message);
    assert.is(stderr.trim().split("\n").length, 1);
  }
  assert.match(await ok("inspect", "bits.npz"), /^format +(PyTorch|pytorch)/m);
});

test("a key is refused where no file has a use for it", async () => {
  const { code, stderr } = await run("inspect", A, "--key", "ema");
  assert.is(code, 2);
  assert.match(stderr, /--key with .*holds one model \(safetensors\), expected no --key/);
  const other = await run("compare", A, B, "--key-b", "ema");
  assert.is(other.code, 2);
});

test.run();
