/** `rebasin verify` without the peer for ONNX: families run on TensorFlow.js. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { residual } from "../reference/keras-cases.ts";
import { wholeKeras } from "../reference/keras-files.ts";
import { configOf, tensorsOf } from "../reference/keras-networks.ts";
import { branchedOnnx, mlpOnnx } from "../reference/onnx-networks.ts";
import { residualGraph } from "../reference/tfjs-graphs.ts";

const test = suite("rebasin verify");
const line = commandLine(test);

test("a family's spec is proved on TensorFlow.js, group by group", async () => {
  const { code, json } = await line.runJson("verify", A);
  assert.is(code, 0);
  assert.ok(json.kept && json.deviation < 1e-5);
  assert.is(json.runtime, "TensorFlow.js");
  assert.ok(json.groups.length > 0);
  for (const { shows, deviation } of json.groups) assert.ok(shows && deviation < 1e-5);
});

test("a wrong spec: exit code 1, and the tensor with what it should be", async () => {
  await line.run("inspect", A, "--spec-out", "spec.json");
  const spec = JSON.parse(String(line.bytes("spec.json")));
  const [name] = Object.keys(spec.tensors).filter((tensor) => tensor.endsWith("bias"));
  const right = spec.tensors[name!];
  spec.tensors[name!] = Array.isArray(right) ? ["_"] : { ...right, axes: ["_"] };
  writeFileSync(line.path("wrong.json"), JSON.stringify(spec));
  const { code, stdout } = await line.run("verify", A, "--spec", "wrong.json");
  assert.is(code, 1);
  assert.match(stdout, new RegExp(`wrong +${name} axis 0 is "_", expected "P0" \\(group P0\\)`));
  assert.match(stdout, /outputs +CHANGED: all groups together change them by/);
});

test("an ONNX model without onnxruntime-web: one line that says what to install", async () => {
  writeFileSync(line.path("m.onnx"), mlpOnnx());
  const { code, stderr } = await line.run("verify", "m.onnx");
  assert.is(code, 1);
  assert.match(stderr, /^rebasin: onnxruntime-web is not installed, .*npm install onnxruntime-web\n$/);
});

test("models of Keras and TensorFlow.js without their loaders: one line that says what to install", async () => {
  const tensors = tensorsOf(residual, "keras3", createRng(1));
  writeFileSync(line.path("m.keras"), wholeKeras(configOf(residual, "keras3"), tensors, "keras3"));
  for (const [name, bytes] of Object.entries(residualGraph().files())) {
    mkdirSync(line.path("graph"), { recursive: true });
    writeFileSync(line.path(`graph/${name}`), bytes);
  }
  for (const [model, peer] of [
    ["m.keras", "layers"],
    ["graph", "converter"],
  ]) {
    const { code, stderr } = await line.run("verify", model!);
    assert.is(code, 1);
    assert.match(
      stderr,
      new RegExp(`^rebasin: @tensorflow/tfjs-${peer} is not installed, .*@tensorflow/tfjs-${peer}\n$`),
    );
  }
});

test("inspect says the spec of an ONNX model's own graph; --graph carries it over to a checkpoint", async () => {
  writeFileSync(line.path("m.onnx"), mlpOnnx());
  const { json } = await line.runJson("inspect", "m.onnx");
  assert.equal([json.family, json.basis, json.assumptions], ["mlp", "graph", []]);
  await line.run("convert", "m.onnx", "m.safetensors");
  const other = await line.runJson("inspect", "m.safetensors", "--graph", "m.onnx", "--spec-out", "g.json");
  assert.is(other.code, 0);
  assert.ok(String(line.bytes("g.json")).includes("layers.1.weight"));
  const wrong = await line.run("inspect", A, "--graph", "m.onnx");
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, /m\.onnx has tensors that .* does not have/);
});

test("two ONNX models that no family knows are merged by their own graph", async () => {
  writeFileSync(line.path("a.onnx"), branchedOnnx(1));
  writeFileSync(line.path("b.onnx"), branchedOnnx(2));
  const { code, json } = await line.runJson("merge", "a.onnx", "b.onnx", "-o", "m.onnx");
  assert.is(code, 0, JSON.stringify(json));
  assert.equal(
    Object.values(json.permutations as Record<string, { size: number }>).map(({ size }) => size),
    [4, 5],
  );
  const merged = await line.runJson("inspect", "m.onnx");
  assert.is(merged.json.basis, "graph");
});

test("--graph serves match, merge, many and plans: checkpoints of a network that no family knows", async () => {
  for (const [name, seed] of [
    ["g", 1],
    ["a", 2],
    ["b", 3],
  ] as const) {
    writeFileSync(line.path(`${name}.onnx`), branchedOnnx(seed));
    await line.run("convert", `${name}.onnx`, `${name}.safetensors`);
  }
  const words = ["a.safetensors", "b.safetensors", "--graph", "g.onnx"];
  const direct = await line.runJson("merge", "a.onnx", "b.onnx", "-o", "m.onnx");
  const { code, json } = await line.runJson("merge", ...words, "-o", "m.safetensors");
  assert.is(code, 0, JSON.stringify(json));
  assert.equal(json.permutations, direct.json.permutations);
  assert.is((await line.run("match", ...words, "-o", "p.safetensors")).code, 0);
  assert.is((await line.run("many", ...words, "-o", "n.safetensors")).code, 0);
  assert.is((await line.run("merge", "a.safetensors", "b.safetensors", "-o", "x.safetensors")).code, 1);
  const wrong = await line.run("merge", "a.safetensors", "b.safetensors", "-o", "x.safetensors", "--graph", "a.pt");
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, /--graph a\.pt, expected an ONNX file/);
});

test("merge --verify runs B before and after; with a wrong spec nothing is written", async () => {
  const { code, json } = await line.runJson("merge", A, B, "-o", "m.safetensors", "--verify");
  assert.is(code, 0, JSON.stringify(json));
  assert.ok(json.verified.deviation < 1e-5);
  assert.is(json.verified.runtime, "TensorFlow.js");
  await line.run("inspect", A, "--spec-out", "spec.json");
  const text = String(line.bytes("spec.json"));
  const [name] = Object.keys(JSON.parse(text).tensors).filter((tensor) => tensor.endsWith("0.bias"));
  const spec = JSON.parse(text);
  const right = spec.tensors[name!];
  spec.tensors[name!] = Array.isArray(right) ? ["_"] : { ...right, axes: ["_"] };
  writeFileSync(line.path("wrong.json"), JSON.stringify(spec));
  const words = ["merge", A, B, "-o", "w.safetensors", "--spec", "wrong.json", "--verify"];
  const wrong = await line.run(...words);
  assert.is(wrong.code, 1);
  assert.match(wrong.stderr, /computes something else when its units are renumbered: outputs change by/);
  assert.not(existsSync(line.path("w.safetensors")));
});

test("options that do not fit are refused", async () => {
  for (const [words, message] of [
    [["--shape", "x"], /--shape x, expected NAME=1x3x224x224/],
    [["--value", "x=a"], /--value x=a, expected NAME=16000/],
    [["--value", "x=1"], /which has no graph, expected a model with one or --graph/],
    [["--shape", "x=1x2"], /--shape 1x2 of images, expected NAME=HEIGHTxWIDTHxCHANNELS/],
  ] as const) {
    const { code, stderr } = await line.run("verify", A, ...words);
    assert.is(code, 2);
    assert.match(stderr, message);
  }
});

test.run();
