/** `rebasin verify` and `merge --verify` of TensorFlow.js' and Keras' files, with the loaders beside the package. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRng } from "../../src/base/rng.ts";
import { dense, recurrent, residual } from "../reference/keras-cases.ts";
import { wholeKeras } from "../reference/keras-files.ts";
import { configOf, type KerasNetwork, tensorsOf } from "../reference/keras-networks.ts";
import { residualGraph } from "../reference/tfjs-graphs.ts";
import { path, runBeside, runJsonBeside, withPeers } from "./peer.ts";

const test = suite("rebasin verify with the loaders of TensorFlow.js");

function keras(name: string, network: KerasNetwork, seed: number): string {
  const style = name.endsWith(".h5") ? "keras2" : "keras3";
  writeFileSync(path(name), wholeKeras(configOf(network, style), tensorsOf(network, style, createRng(seed)), style));
  return path(name);
}

withPeers(test, "a folder of TensorFlow.js: a graph model", async () => {
  mkdirSync(path("graph"), { recursive: true });
  for (const [name, bytes] of Object.entries(residualGraph().files())) writeFileSync(join(path("graph"), name), bytes);
  const json = await runJsonBeside(0, "verify", path("graph"));
  assert.ok(json.kept && json.groups.length === 2);
  assert.ok(json.groups.every(({ shows }: { shows: boolean }) => shows));
  assert.is(json.runtime, "TensorFlow.js");
});

withPeers(test, "Keras: verify of .h5 and .keras, merge --verify", async () => {
  for (const name of ["a.h5", "a.keras"]) {
    const json = await runJsonBeside(0, "verify", keras(name, recurrent, 1), "--shape", "x=3x5x4");
    assert.ok(json.kept && json.groups.length === 2, JSON.stringify(json));
  }
  const [a, b] = [keras("r1.keras", residual, 1), keras("r2.keras", residual, 2)];
  const merged = await runJsonBeside(0, "merge", a, b, "-o", path("m.keras"), "--verify");
  assert.is(merged.verified.runtime, "TensorFlow.js");
  assert.ok(merged.verified.deviation < 1e-5);
});

withPeers(test, "a layer that TensorFlow.js lacks: one line with its name", async () => {
  const network: KerasNetwork = {
    layers: [
      ["InputLayer", "x", { batch_shape: [null, 4] }, []],
      dense("d1", "x", 4, 6),
      ["MyLayer", "mine", {}, ["d1"]],
      dense("d2", "mine", 6, 2),
    ],
    outputs: ["d2"],
  };
  const { code, stderr } = await runBeside("verify", keras("own.keras", network, 1));
  assert.is(code, 1);
  assert.match(stderr, /^rebasin: \S*own\.keras [^\n]*\n$/);
});

test.run();
