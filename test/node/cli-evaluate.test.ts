/** `rebasin evaluate`, and what commands that score models say of images that do not fit. */

import { writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import { A, B, commandLine } from "../reference/command-line.ts";
import { heavySuite } from "../reference/heavy-suite.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";

const test = heavySuite("rebasin evaluate");
const cli = commandLine(test, ["t10k"]);
const { run, runJson } = cli;
const DATA = ["--data", "data"];

test("loss, accuracy and calibration, as curve finds them for A", async () => {
  const { code, json } = await runJson("evaluate", A, ...DATA);
  assert.is(code, 0);
  assert.equal(Object.keys(json), ["model", "split", "images", "loss", "accuracy", "ece"]);
  assert.equal([json.model, json.split, json.images, json.accuracy], [A, "test", 1000, 0.897]);
  assert.ok(Math.abs(json.loss - 0.2961) < 5e-5, json.loss);
  const curve = await runJson("curve", A, B, ...DATA, "--points", "2");
  assert.is(json.ece, curve.json.test.calibration.a.error);
  assert.equal([curve.json.hints, curve.json.alignment.notes], [[], []]);
});

test("the text lists what running the network takes for granted", async () => {
  const { stdout } = await run("evaluate", A, ...DATA, "--limit", "100");
  assert.match(stdout, /^assumes .*\n(?: {10} .*\n)*images {5}100 test$/m);
});

test("--mean and --std come after --scale; a network that hardly knows the images gets a hint", async () => {
  // (v / 255 - 0.25) / 0.5 = (v / 127.5 - 0.5) / 1
  const one = await runJson("evaluate", A, ...DATA, "--mean", "0.25", "--std", "0.5", "--limit", "200");
  const two = await runJson("evaluate", A, ...DATA, "--scale", "127.5", "--mean", "0.5", "--limit", "200");
  assert.ok(Math.abs(one.json.loss - two.json.loss) < 1e-5);
  const wrong = await run("evaluate", A, ...DATA, "--mean", "40", "--limit", "200");
  assert.match(
    wrong.stdout,
    /^hint {7}it gets [\d.]+ % of the test images right, and guessing [\d.]+ %: other image size/m,
  );
  for (const [words, message] of [
    [["--mean", "x"], /--mean x, expected numbers by commas/],
    [["--std", "1,2"], /std has 2 numbers, expected 1, one for each channel/],
  ] as [string[], RegExp][])
    assert.match((await run("evaluate", A, ...DATA, ...words)).stderr, message);
});

test("labels that do not fit the outputs are refused", async () => {
  for (const [name, outputs] of [
    ["code", 784],
    ["few", 5],
  ] as const) {
    const model = toModel(mlpNetwork(createRng(1), [784, 8, outputs]).tensors);
    writeFileSync(cli.path(`${name}.safetensors`), await encodeSafetensors(model));
  }
  const coder = await run("evaluate", "code.safetensors", ...DATA);
  assert.is(coder.code, 1);
  assert.match(
    coder.stderr,
    /^rebasin: code\.safetensors has 784 outputs and data \(test\) labels of 10 classes, expected as many \(--classes 784/,
  );
  assert.match((await run("curve", "code.safetensors", "code.safetensors", ...DATA)).stderr, /has 784 outputs/);
  assert.is((await run("evaluate", "code.safetensors", ...DATA, "--classes", "784", "--limit", "9")).code, 0);
  assert.match(
    (await run("evaluate", "few.safetensors", ...DATA)).stderr,
    /has label \d at image \d+, expected less than the 5/,
  );
  assert.match(
    (await run("evaluate", A, ...DATA, "--classes", "3")).stderr,
    /has label 9, expected less than --classes 3/,
  );
});

test.run();
