import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { A, B, commandLine } from "../reference/command-line.ts";

const test = suite("folders on the command line");
const cli = commandLine(test);
const { run, runJson } = cli;

const ok = async (...words: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...words);
  assert.is(code, 0, stderr);
  return stdout;
};

/** Every tensor as text, sorted by name. */
async function contentsOf(path: string): Promise<[string, string][]> {
  const model: Model = await openModelFile(path);
  const found: [string, string][] = [];
  for (const name of [...model.tensors.keys()].sort())
    found.push([name, Buffer.from(await model.read(name)).toString("hex")]);
  await model.close?.();
  return found;
}

test("2 shards against 3 merge as the single files do, into shards as A's", async () => {
  await ok("convert", A, "a/", "--shard-size", "500kB");
  await ok("convert", B, "b/", "--shard-size", "132KB");
  assert.equal(readdirSync(cli.path("a")).filter((name) => name.endsWith(".safetensors")).length, 2);
  assert.equal(readdirSync(cli.path("b")).filter((name) => name.endsWith(".safetensors")).length, 3);
  writeFileSync(cli.path("a/config.json"), "{}");
  const { json } = await runJson("merge", "a", "b", "-o", "m", "--permutations-out", "p.safetensors");
  assert.equal(json.output, { path: "m", format: "folder" });
  const single = await runJson("merge", A, B, "-o", "m.safetensors", "--permutations-out", "q.safetensors");
  assert.is(json.objective, single.json.objective);
  assert.equal(cli.bytes("p.safetensors"), cli.bytes("q.safetensors"));
  assert.equal(await contentsOf(cli.path("m")), await contentsOf(cli.path("m.safetensors")));
  assert.equal(readdirSync(cli.path("m")).sort(), [...readdirSync(cli.path("a"))].sort());
  assert.is(statSync(cli.path("m")).mode & 0o777, 0o777 & ~process.umask());
  const card = readFileSync(cli.path("m/README.md"), "utf8");
  assert.match(card, /^---\ntags:\n- merge\n- rebasin\n---\n\n# m\n\n`rebasin merge` made this model from `a`, `b`/);
  assert.match(card, /\| `rebasin\.lambda` \| `0\.5` \|/);
});

test("apply, then apply --inverse, gives a folder's bytes back", async () => {
  await ok("convert", B, "b/", "--shard-size", "132KB");
  await ok("match", A, "b/model.safetensors.index.json", "-o", "p.safetensors");
  await ok("apply", "b", "p.safetensors", "-o", "moved");
  await ok("apply", "moved", "p.safetensors", "-o", "back/", "--inverse");
  for (const name of readdirSync(cli.path("b")).filter((file) => file !== "README.md")) {
    assert.equal(cli.bytes(join("back", name)), cli.bytes(join("b", name)), name);
    if (name.startsWith("model-00001")) assert.ok(!cli.bytes(join("moved", name)).equals(cli.bytes(join("b", name))));
  }
});

test("a single file in its own format is a copy", async () => {
  assert.is(await ok("convert", A, "copy.safetensors"), "converted  copy.safetensors\n");
  assert.equal(cli.bytes("copy.safetensors"), readFileSync(A));
  const said = await ok("convert", A, "copy");
  assert.match(said, /^converted {2}copy\nformat {5}safetensors, as its source: the name shows no format\n$/);
  assert.equal(cli.bytes("copy"), readFileSync(A));
  assert.match(
    (await run("convert", A, "copy.tflite")).stderr,
    /^rebasin: copy\.tflite ends in \.tflite, which is not written/,
  );
  assert.match(
    (await run("convert", A, "copy.onnx")).stderr,
    /^rebasin: copy\.onnx would be a new onnx file, expected \.safetensors, .*: onnx is written only into what was one/,
  );
});

test("without metadata, merge says nothing of how", async () => {
  await ok("merge", A, B, "-o", "m.safetensors", "--no-metadata");
  const models = [await openModelFile(cli.path("m.safetensors")), await openModelFile(A)];
  assert.equal(models[0]!.metadata, models[1]!.metadata);
  for (const model of models) await model.close?.();
});

test("outputs that are folders: never an input, never over files unless --force", async () => {
  await ok("convert", A, "a/", "--shard-size", "500kB");
  const fails = async (message: RegExp, ...words: string[]): Promise<void> => {
    const { code, stderr } = await run(...words);
    assert.is(code, 1, stderr);
    assert.match(stderr, message);
    assert.is(stderr.trim().split("\n").length, 1, stderr);
  };
  await fails(/a is the folder of input a or in it, expected another folder/, "merge", "a", B, "-o", "a", "--force");
  await fails(/a\/x is the folder of input a or in it/, "merge", "a", B, "-o", "a/x", "--force");
  const shard = "a/model-00001-of-00002.safetensors";
  await fails(/is in the folder of input a, expected another file/, "merge", "a", B, "-o", shard, "--force");
  const index = "a/model.safetensors.index.json";
  await fails(/is in the folder of input a/, "merge", index, B, "-o", shard, "--force");
  await fails(/no such directory/, "merge", "a", B, "-o", "none/m/");
  mkdirSync(cli.path("m"));
  await ok("merge", "a", B, "-o", "m");
  await fails(/m already holds \d+ files, expected a new or empty folder \(or --force\)/, "merge", "a", B, "-o", "m");
  writeFileSync(cli.path("m/notes.txt"), "mine");
  await ok("merge", "a", B, "-o", "m", "--force", "--lambda", "0.25", "--no-copy");
  assert.is(readFileSync(cli.path("m/notes.txt"), "utf8"), "mine");
  assert.equal(
    readdirSync(cli.folder).filter((name) => name.startsWith(".rebasin")),
    [],
  );
  assert.is((await run("convert", A, "x/", "--shard-size", "none")).code, 2);
  assert.not(existsSync(cli.path("x")));
});

test("inspect tells of shards, of a lone one, and of what is not read", async () => {
  await ok("convert", A, "a/", "--shard-size", "500kB");
  writeFileSync(cli.path("a/old.safetensors"), "old");
  const { json } = await runJson("inspect", "a");
  assert.is(json.format, "folder");
  assert.equal(json.details, { shards: "2 (safetensors)", "not read": "old.safetensors" });
  assert.equal(json.dtypes, { F16: { tensors: 6, bytes: 538_644 } });
  assert.is(json.parameters, 269_322);
  assert.is(json.metadata.format, "pt");
  const text = await ok("inspect", "a/model-00002-of-00002.safetensors");
  const { code, stderr } = await run("compare", "a/model-00002-of-00002.safetensors", A);
  assert.is(code, 1);
  assert.is(
    stderr,
    "a/model-00002-of-00002.safetensors is shard 2 of 2: the whole model opens by its folder or its index\n",
  );
  assert.match(text, /^shard {5}2 of 2: the whole model opens by its folder or its index$/m);
});

test.run();
