/** `rebasin inspect`: groups by role, constants, drawings; and what `merge` then does with roles, heads and specs. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { A, commandLine } from "../reference/command-line.ts";
import { Weights } from "../reference/forward/sequences.ts";
import { NETWORKS, SEQUENCES } from "../reference/forward/transformers.ts";
import { residual } from "../reference/keras-cases.ts";
import { wholeKeras } from "../reference/keras-files.ts";
import { configOf, tensorsOf } from "../reference/keras-networks.ts";
import { toModel } from "../reference/networks.ts";
import {
  attribute,
  constant,
  floats,
  graph,
  node,
  onnxFile,
  part,
  raw,
  tensor,
  valueInfo,
  whole,
} from "../reference/onnx-builder.ts";
import { resnetOnnx, vggOnnx } from "../reference/onnx-networks.ts";
import { parseXml } from "../reference/xml.ts";

const test = suite("command line: inspect");
const cli = commandLine(test);
const { run, runJson, path } = cli;

const ok = async (...words: string[]): Promise<string> => {
  const { code, stdout, stderr } = await run(...words);
  assert.is(code, 0, stderr);
  return stdout;
};

/** Writes two small GPT-2s, with `config.json` beside the first only. */
async function writeGpt2s(): Promise<void> {
  for (const [at, name] of ["a", "b"].entries()) {
    const network = NETWORKS["GPT-2"]!;
    const weights = new Weights(new Map(), createRng(at));
    network.run(weights, SEQUENCES[0]!);
    mkdirSync(path(name));
    writeFileSync(path(`${name}/model.safetensors`), await encodeSafetensors(toModel(weights.tensors)));
    if (name === "a") writeFileSync(path("a/config.json"), JSON.stringify(network.config));
  }
}

test("layers of Keras files: class, what each reads, and every tensor once", async () => {
  for (const [style, file] of [
    ["keras2", "n.h5"],
    ["keras3", "n.keras"],
  ] as const) {
    const tensors = tensorsOf(residual, style, createRng(1));
    writeFileSync(path(file), wholeKeras(configOf(residual, style), tensors, style));
    const { layers, parameters } = (await runJson("inspect", file)).json;
    const listed = layers as { name: string; class: string; reads: string[]; tensors: string[]; parameters: number }[];
    assert.equal(
      listed.map((layer) => [layer.class, layer.name, layer.reads]),
      residual.layers.map(([kind, name, , reads]) => [kind, name, [...reads]]),
    );
    const own = listed.flatMap((layer) => layer.tensors);
    assert.equal(own.length, new Set(own).size);
    assert.is(own.length, tensors.size);
    assert.is(
      listed.reduce((sum, layer) => sum + layer.parameters, 0),
      parameters,
    );
    assert.match(await ok("inspect", file), /^layer +class +reads +tensors +parameters$/m);
  }
  assert.is((await runJson("inspect", A)).json.layers, null);
});

test("--svg draws a family's network, an ONNX model, and a checkpoint by another's graph", async () => {
  writeFileSync(path("r.onnx"), resnetOnnx());
  writeFileSync(path("g.onnx"), vggOnnx(1));
  writeFileSync(path("b.onnx"), vggOnnx(2));
  await ok("convert", "b.onnx", "b.safetensors");
  for (const [words, groups] of [
    [[A], ["P0", "P1"]],
    [["r.onnx"], ["S0"]],
    [["b.safetensors", "--graph", "g.onnx"], ["P0"]],
  ] as const) {
    assert.match(await ok("inspect", ...words, "--svg", "n.svg", "--force"), /^drawing +n\.svg$/m);
    const svg = readFileSync(path("n.svg"), "utf8");
    assert.is(parseXml(svg).name, "svg");
    for (const group of groups) assert.ok(svg.includes(`>${group}</tspan>`), `${words.join(" ")}: ${group}`);
  }
  const { code, stderr } = await run("inspect", A, "--svg", "n.svg");
  assert.is(code, 1);
  assert.match(stderr, /^rebasin: n\.svg already exists, [^\n]*--force[^\n]*\n$/);
});

test("--svg of names alone, of which the operations are unknown: one line with the way out", async () => {
  await writeGpt2s();
  const { code, stderr } = await run("inspect", "a", "--svg", "n.svg");
  assert.is(code, 2);
  assert.match(stderr, /^rebasin: --svg: a has no graph, expected a file that has one or --graph MODEL\.onnx/);
});

test("groups by role, with totals", async () => {
  await writeGpt2s();
  const text = await ok("inspect", "a");
  assert.match(text, /^role +permutation +size +tensors +inside$/m);
  assert.match(text, /^residual +R +12 +\d+$/m);
  assert.match(text, /^head-inner +\S+ +\d+ +\d+ +\S+$/m);
  const { json } = await runJson("inspect", "a");
  for (const role of ["ffn", "heads", "head-inner"]) {
    type Group = { role: string; size: number; inside?: string; tensors: string[] };
    const all = Object.entries<Group>(json.permutations);
    const own = all.filter(([, group]) => group.role === role);
    const units = own.reduce((sum, [, { size }]) => sum + size, 0);
    // Heads move the tensors of what is inside them.
    const inside = all.filter(([, group]) => own.some(([name]) => name === group.inside));
    const tensors = new Set([...own, ...inside].flatMap(([, group]) => group.tensors)).size;
    assert.ok(own.length > 1);
    assert.match(text, new RegExp(`^ +all ${own.length} +${units} +${tensors}$`, "m"));
  }
});

test("constants of an ONNX graph are counted, and listed with --all", async () => {
  const number = (name: string, value: number): Uint8Array =>
    constant(name, attribute("value", part(5, tensor("", 1, [], raw(floats(value))))));
  const sizes = constant(
    "sizes",
    attribute("value", part(5, tensor("", 7, [2], raw(new Uint8Array(BigInt64Array.of(0n, -1n).buffer))))),
  );
  const content = graph(
    [
      number("two", 2),
      sizes,
      node("Gemm", ["x", "w", "b"], ["h"], [attribute("transB", whole(3, 1), whole(20, 2))]),
      node("Mul", ["h", "two"], ["m"]),
      node("Reshape", ["m", "sizes"], ["y"]),
    ],
    [tensor("w", 1, [2, 3], raw(floats(1, 2, 3, 4, 5, 6))), tensor("b", 1, [2], raw(floats(1, 2)))],
    [[valueInfo("x", ["n", 3])], [valueInfo("y", ["n", 2])]],
  );
  writeFileSync(path("c.onnx"), onnxFile(content));
  const text = await ok("inspect", "c.onnx");
  assert.match(text, /^and 2 constants: integers and single numbers \(--all lists them\)$/m);
  assert.not.match(text, /^sizes /m);
  const all = await ok("inspect", "c.onnx", "--all");
  assert.match(all, /^two +F32/m);
  assert.match(all, /^sizes +I64/m);
  assert.not.match(all, /--all/);
  assert.is((await runJson("inspect", "c.onnx")).json.tensors.length, 4);
});

test("heads by --heads, --head-dim or config.json: the same groups; refused without", async () => {
  await writeGpt2s();
  const { json } = await runJson("inspect", "a");
  for (const words of [
    ["--heads", "3"],
    ["--head-dim", "4"],
  ])
    assert.equal((await runJson("inspect", "b", ...words)).json.permutations, json.permutations);
  const { code, stderr } = await run("merge", "a/model.safetensors", "b/model.safetensors", "-o", "m.safetensors");
  assert.is(code, 0, stderr);
  const lone = await run("inspect", "b", "--spec", "gpt2");
  assert.is(lone.code, 1);
  assert.match(lone.stderr, /^rebasin: b[^\n]*heads[^\n]*\n$/);
  const five = await run("merge", "b", "b", "-o", "n/", "--heads", "5");
  assert.is(five.code, 1);
  assert.match(five.stderr, /^rebasin: b[^\n]*5[^\n]*\n$/);
});

test("--only and --except take roles: what they leave out keeps its order", async () => {
  await writeGpt2s();
  const groups = (await runJson("inspect", "a")).json.permutations;
  const namesOf = (role: string): string[] => Object.keys(groups).filter((name) => groups[name].role === role);
  const moving = async (...words: string[]): Promise<string[]> => {
    const { json } = await runJson("merge", "a", "b", "-o", "m/", "--force", ...words);
    return Object.keys(json.permutations).filter((name) => json.permutations[name].moved > 0);
  };
  const some = await moving("--only", "ffn");
  assert.ok(some.length > 0 && some.every((name) => namesOf("ffn").includes(name)));
  const others = await moving("--except", "residual,head-inner");
  assert.ok(others.length > 0);
  for (const role of ["residual"]) for (const name of namesOf(role)) assert.not.ok(others.includes(name));
  const { code, stderr } = await run("merge", "a", "b", "-o", "m/", "--force", "--only", "ffm");
  assert.is(code, 1);
  assert.match(
    stderr,
    /^rebasin: permutation ffm is not in the spec, expected one of R, [^\n]*roles residual, heads, /,
  );
});

test("a spec of version 2 is written, read, and gives the same merge", async () => {
  await writeGpt2s();
  await ok("inspect", "a", "--spec-out", "s.json");
  assert.is(JSON.parse(readFileSync(path("s.json"), "utf8")).format, "rebasin-spec/2");
  await ok("merge", "a", "b", "-o", "m.safetensors", "--no-metadata");
  await ok("merge", "a", "b", "-o", "n.safetensors", "--no-metadata", "--spec", "s.json");
  assert.equal(cli.bytes("m.safetensors"), cli.bytes("n.safetensors"));
  await ok("match", "a", "b", "-o", "p.safetensors", "--spec", "s.json");
  await ok("apply", "b", "p.safetensors", "-o", "c/");
  await ok("apply", "c", "p.safetensors", "-o", "back/", "--inverse");
  assert.equal(cli.bytes("back/model.safetensors"), cli.bytes("b/model.safetensors"));
});

test.run();
