/** Recipes on the command line. */

import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { memoryModel } from "../../src/base/memory-model.ts";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { openModel } from "../../src/index.ts";
import { modelCard } from "../../src/node/model-card.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";

const test = suite("recipes on the command line");
const cli = commandLine(test);
const { run, runJson } = cli;

const same = (x: string, y: string): boolean => cli.bytes(x).equals(cli.bytes(y));
const save = (name: string, text: string): void => writeFileSync(cli.path(name), text);
async function readTensors(name: string): Promise<Map<string, Buffer>> {
  const model = await openModel(new Uint8Array(cli.bytes(name)));
  const found = new Map<string, Buffer>();
  for (const tensor of model.tensors.keys()) found.set(tensor, Buffer.from(await model.read(tensor)));
  return found;
}

test("a recipe gives the bytes of the command that it stands for", async () => {
  save(
    "r.yaml",
    `models: [${JSON.stringify(A)}, ${JSON.stringify(B)}]\nblend: {method: slerp, lambda: .3}\noutput: r.safetensors\n`,
  );
  const { code, json } = await runJson("run", "r.yaml");
  assert.is(code, 0);
  assert.is(json.plan.blend.lambda, 0.3);
  assert.is((await run("merge", A, B, "-o", "m.safetensors", "--blend", "slerp", "--lambda", "0.3")).code, 0);
  assert.ok(same("r.safetensors", "m.safetensors"));
});

test("documents run in the order of need; what has no output is kept, and found by the next run", async () => {
  const models = `[${JSON.stringify(A)}, ${JSON.stringify(B)}]`;
  save(
    "two.yaml",
    `models: [left, ${JSON.stringify(B)}]\nblend: lerp\noutput: two.safetensors\n---\nname: left\nmodels: ${models}\nblend: {method: lerp, lambda: 0.25}\n`,
  );
  const first = await runJson("run", "two.yaml");
  assert.is(first.code, 0, JSON.stringify(first.json));
  assert.equal(
    first.json.documents.map(({ name }: { name?: string }) => name),
    ["left", undefined],
  );
  assert.ok(first.json.documents[0].plan !== undefined);
  const bytes = cli.bytes("two.safetensors");
  assert.equal(readdirSync(cli.path(".rebasin")).length, 1);
  const again = await runJson("run", "two.yaml", "--force");
  assert.is(again.json.documents[0].plan, undefined);
  assert.match(again.json.documents[0].kept, /\.rebasin.[0-9a-f]{64}\.safetensors$/);
  assert.ok(cli.bytes("two.safetensors").equals(bytes));
  // Another plan is another file of the cache.
  save("two.yaml", (await readText("two.yaml")).replace("0.25", "0.75"));
  assert.is((await run("run", "two.yaml", "--force", "--cache", ".rebasin")).code, 0);
  assert.equal(readdirSync(cli.path(".rebasin")).length, 2);
  assert.not(cli.bytes("two.safetensors").equals(bytes));
  assert.is((await run("merge", A, B, "-o", "left.safetensors", "--lambda", "0.75")).code, 0);
  assert.is((await run("merge", "left.safetensors", B, "-o", "both.safetensors")).code, 0);
  assert.equal(await readTensors("two.safetensors"), await readTensors("both.safetensors"));
  rmSync(cli.path(".rebasin"), { recursive: true });
});

const readText = async (name: string): Promise<string> => cli.bytes(name).toString("utf8");

test("--dry-run prints what each tensor is blended by, and writes nothing", async () => {
  save(
    "dry.yaml",
    `models: [${JSON.stringify(A)}, ${JSON.stringify(B)}]\nblend:\n  method: lerp\n  lambda: [0, 1]\noutput: dry.safetensors\n`,
  );
  const { json } = await runJson("run", "dry.yaml", "--dry-run");
  const lambdas = json.documents[0].tensors.map(
    ({ tensor, settings }: { tensor: string; settings: { lambda: number } }) => [tensor, settings.lambda],
  );
  assert.equal(
    lambdas.filter(([name]: [string]) => name.endsWith("weight")),
    [
      ["layers.0.weight", 0],
      ["layers.1.weight", 0.5],
      ["layers.2.weight", 1],
    ],
  );
  const { stdout } = await run("run", "dry.yaml", "--dry-run");
  assert.match(stdout, /^layers\.1\.weight +lambda 0\.5 *$/m);
  assert.not(existsSync(cli.path("dry.safetensors")));
});

test("bad recipes: one line with file, line and key, and no file", async () => {
  const models = `models: [${JSON.stringify(A)}, ${JSON.stringify(B)}]\n`;
  const fails = async (text: string, message: RegExp, ...words: string[]): Promise<void> => {
    save("bad.yaml", text);
    const { code, stderr, stdout } = await run("run", "bad.yaml", ...words);
    assert.is(code, 1, stderr);
    assert.is(stdout, "");
    assert.match(stderr, message);
    assert.is(stderr.trim().split("\n").length, 1);
  };
  await fails(
    `models: [${JSON.stringify(A)}, none.safetensors]\nblend: lerp\noutput: bad.safetensors\n`,
    /^rebasin: bad\.yaml:1 models\[1\]\.path is "none\.safetensors", which is not there, expected a model, or the name of another/,
  );
  await fails(
    `${models}blend:\n  method: lerp\n  lambda:\n    - {filter: attention, value: 1}\n    - {value: 0}\noutput: bad.safetensors\n`,
    /^rebasin: bad\.yaml:5 blend\.lambda\[0\]\.filter is "attention", expected part of a tensor's name/,
  );
  await fails(
    `${models}blend: lerp\noutput: bad.safetensors\nthreads: 2\n`,
    /^rebasin: bad\.yaml:4 threads is not known, expected one of name, format, models/,
  );
  await fails(
    `${models}output: bad.safetensors\n`,
    /^rebasin: bad\.yaml:2 output\.path is "bad\.safetensors", where a merge is written, expected a blend beside it, such as "lerp"/,
  );
  await fails(
    `merge_method: slerp\nbase_model: ${JSON.stringify(A)}\nslices:\n- sources:\n  - {model: ${JSON.stringify(A)}, layer_range: [0, 32]}\n  - {model: ${JSON.stringify(B)}, layer_range: [0, 32]}\nparameters: {t: 0.5}\noutput: bad.safetensors\n`,
    /^rebasin: bad\.yaml:5 slices\[0\]\.sources\[0\]\.layer_range ends at 32, expected 3: all layers of/,
  );
  assert.not(existsSync(cli.path("bad.safetensors")));
});

test("a folder's card has a table of settings where tensors differ, folded where it is long", async () => {
  const card = async (blend: string): Promise<string> => {
    save("card.yaml", `models: [${JSON.stringify(A)}, ${JSON.stringify(B)}]\nblend: ${blend}\noutput: card/\n`);
    const { code, stderr } = await run("run", "card.yaml", "--force");
    assert.is(code, 0, stderr);
    return readText("card/README.md");
  };
  assert.not.match(await card("lerp"), /Settings/);
  const text = await card("{method: lerp, lambda: [{filter: bias, value: 0.25}, {value: 0.5}]}");
  assert.match(
    text,
    /\n\nSettings of 6 tensors\n\n\| tensor \| lambda \|\n\|---\|---\|\n\| `layers\.0\.weight` \| 0\.5 \|\n/,
  );
  assert.match(text, /^\| `layers\.2\.bias` \| 0\.25 \|$/m);
  const settings = Array.from({ length: 30 }, (_, at) => ({ tensor: `a|b\`${at}`, settings: { lambda: at / 3 } }));
  const long = modelCard(
    { command: "merge", inputs: [], output: "m", settings: settings as never },
    { metadata: new Map() },
  );
  assert.match(long, /<details>\n<summary>Settings of 30 tensors<\/summary>\n\n\| tensor \| lambda \|/);
  assert.match(long, /^\| `a b 1` \| 0\.333333 \|$/m);
});

const DEPTH = 3;

/** A model with names as Llama's, of which every value is `value`. */
async function saveLlama(name: string, value: number): Promise<void> {
  const parts = [
    "self_attn.q_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
    "input_layernorm",
  ];
  const names = [
    "model.embed_tokens.weight",
    ...Array.from({ length: DEPTH }, (_, i) => parts.map((part) => `model.layers.${i}.${part}.weight`)).flat(),
    ...["model.norm.weight", "lm_head.weight"],
  ];
  const data = new Uint8Array(new Float32Array(8 * 8).fill(value).buffer);
  const tensors = new Map(names.map((tensor) => [tensor, { dtype: "F32" as const, shape: [8, 8], data }]));
  writeFileSync(cli.path(name), await encodeSafetensors(memoryModel(tensors)));
}

test("a model in place of a recipe is no text", async () => {
  const { code, stderr } = await run("run", A);
  assert.is(code, 1);
  assert.match(stderr, /^rebasin: \S+\.safetensors is no text, expected a recipe or a plan: YAML or JSON\n$/);
});

test("mergekit's file of two Llama-shaped models, with gradients and filters, runs: each tensor is as its settings state", async () => {
  await saveLlama("zero.safetensors", 0);
  await saveLlama("one.safetensors", 1);
  await saveLlama("three.safetensors", 3);
  save(
    "llama.yaml",
    `merge_method: task_arithmetic
base_model: zero.safetensors
models:
  - model: one.safetensors
    parameters:
      weight:
        - { filter: self_attn, value: [0, 0.5, 1] }
        - { filter: mlp, value: 1 }
        - { value: 0.25 }
  - model: three.safetensors
    parameters: { weight: [1, 0] }
parameters: { lambda: 0.5 }
dtype: float32
`,
  );
  const { code, stderr } = await run("run", "llama.yaml", "-o", "llama.safetensors");
  assert.is(code, 0, stderr);
  const made = await readTensors("llama.safetensors");
  const valueIn = (name: string): number => made.get(name)!.readFloatLE(0);
  for (let i = 0; i < DEPTH; i++) {
    const three = 3 * (1 - i / (DEPTH - 1));
    const near = (part: string, value: number): void =>
      assert.ok(Math.abs(valueIn(`model.layers.${i}.${part}.weight`) - value) < 1e-6, `${part} ${i}`);
    near("self_attn.q_proj", 0.5 * (i / 2 + three));
    near("mlp.up_proj", 0.5 * (1 + three));
    near("input_layernorm", 0.5 * (0.25 + three));
  }
  // Outside of blocks, gradients are at their first value.
  for (const name of ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"])
    assert.is(valueIn(name), 0.5 * (0.25 + 3));
  const { json } = await runJson("run", "llama.yaml", "--dry-run");
  const settings = new Map<string, { weights: number[] }>(
    json.documents[0].tensors.map(({ tensor, settings: own }: { tensor: string; settings: { weights: number[] } }) => [
      tensor,
      own,
    ]),
  );
  for (const [name, { weights }] of settings)
    assert.ok(Math.abs(valueIn(name) - 0.5 * (weights[0]! + 3 * weights[1]!)) < 1e-6, name);
  assert.is(settings.size, made.size);
});

test("a model's own parameters and the blend's meet in one merge", async () => {
  const [one, two, three] = [1, 2, 3].map((seed) => toModel(mlpNetwork(createRng(seed)).tensors));
  for (const [name, model] of [
    ["one", one],
    ["two", two],
    ["three", three],
  ] as const)
    writeFileSync(cli.path(`${name}.safetensors`), await encodeSafetensors(model!));
  save(
    "own.yaml",
    "models:\n- {path: one.safetensors, parameters: {weight: [{filter: layers.0, value: 1}, {value: 0}]}}\n- two.safetensors\n- three.safetensors\nalign: false\nblend: {method: linear, weight: 0, normalize: false}\noutput: own.safetensors\n",
  );
  const { code, stderr } = await run("run", "own.yaml");
  assert.is(code, 0, stderr);
  const [made, from] = [await readTensors("own.safetensors"), await readTensors("one.safetensors")];
  assert.equal(made.get("layers.0.weight"), from.get("layers.0.weight"));
  assert.ok(made.get("layers.1.weight")!.every((byte) => byte === 0 || byte === 0x80));
});

test.run();
