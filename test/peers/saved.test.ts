/** Models of TensorFlow.js and Keras run by their own networks, on TensorFlow.js' loaders. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAxis } from "../../src/axes/axis.ts";
import { createRng } from "../../src/base/rng.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { readGraph } from "../../src/formats/operator-graph.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import { openSaved } from "../../src/run/saved/open-saved.ts";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { savedRunner } from "../../src/verify/saved-runner.ts";
import { verifySpec } from "../../src/verify/verify-spec.ts";
import { rejects } from "../reference/expect-error.ts";
import { recurrent, residual, separable } from "../reference/keras-cases.ts";
import { wholeKeras } from "../reference/keras-files.ts";
import { configOf, graphOf, type KerasNetwork, tensorsOf } from "../reference/keras-networks.ts";
import { checkLayers } from "../reference/layer-laws.ts";
import { memoryFiles } from "../reference/memory-files.ts";
import { ndArray } from "../reference/operators/arrays.ts";
import { deviation, randomInput } from "../reference/operators/graph-laws.ts";
import { runGraph } from "../reference/operators/run-graph.ts";
import { residualGraph } from "../reference/tfjs-graphs.ts";
import { tfLoaders, withPeers } from "./peer.ts";

const test = suite("models run by their own networks");

withPeers(
  test,
  "random models of layers: read as TensorFlow.js computes them, and permutations keep the function",
  async () => {
    await startBackend();
    let [moved, compared] = [0, 0];
    for (let seed = 0; seed < 40; seed++) {
      const { off, apart, parts } = await checkLayers({ tf, tfl: tfLoaders().layers }, seed);
      if (off !== undefined) moved++;
      if (apart !== undefined) compared++;
      assert.ok(
        apart === undefined || apart < 1e-4,
        `model ${seed} (${parts.join(", ")}) is read wrong, off by ${apart}`,
      );
      assert.ok(off === undefined || off < 1e-4, `model ${seed} (${parts.join(", ")}) is off by ${off}`);
    }
    assert.ok(moved > 15, `${moved} models had permutations`);
    assert.ok(compared > 25, `${compared} models ran in plain loops`);
  },
);

withPeers(test, "random models of layers: no axis is frozen on which two units could change places", async () => {
  await startBackend();
  for (let seed = 300; seed < 306; seed++) {
    const { stuck, parts } = await checkLayers({ tf, tfl: tfLoaders().layers }, seed, 10);
    assert.equal(stuck, [], `model ${seed} (${parts.join(", ")})`);
  }
});

const CASES: readonly (readonly [string, KerasNetwork, readonly number[]])[] = [
  ["residual", residual, [2, 8, 8, 3]],
  ["separable", separable, [2, 8, 8, 3]],
  ["recurrent", recurrent, [2, 5, 4]],
];

for (const [name, network, shape] of CASES)
  for (const style of ["keras2", "keras3"] as const)
    withPeers(test, `Keras, ${name}, ${style}: computes what plain loops do, and every group shows`, async () => {
      const rng = createRng(5);
      const tensors = tensorsOf(network, style, rng);
      const file = wholeKeras(configOf(network, style), tensors, style);
      const model = await openModel(file, { name: style === "keras2" ? "a.h5" : "a.keras" });
      const input = randomInput(shape, rng);
      const saved = await openSaved(model, tfLoaders());
      assert.equal(
        saved.inputs.map(({ dtype, shape: own }) => [dtype, own?.slice(1)]),
        [["float32", shape.slice(1)]],
      );
      const value = { dtype: "float32", shape, data: Float32Array.from(input.data) };
      const [output] = await saved.run(new Map([[saved.inputs[0]!.name, value]]));
      saved.dispose();
      const arrays = new Map([...tensors].map(([key, { shape: own, data }]) => [key, ndArray(own, data)] as const));
      const [expected] = runGraph(graphOf(network, style, tensors), arrays, new Map([["x", input]]));
      assert.ok(deviation([...expected!.data], [...output!]) < 1e-5);
      const { spec } = await inferSpec((await readGraph(model))!, model);
      const found = await verifySpec(model, spec, await savedRunner(model, tfLoaders()));
      assert.ok(found.kept && found.deviation > 0, JSON.stringify(found));
      assert.ok(found.groups.every(({ shows }) => shows));
    });

withPeers(test, "a graph model: fused operators, a norm by itself, a flatten", async () => {
  const model = await residualGraph().open();
  const { spec } = await inferSpec((await readGraph(model))!, model);
  const right = await verifySpec(model, spec, await savedRunner(model, tfLoaders()));
  assert.ok(right.kept && right.groups.every(({ shows }) => shows), JSON.stringify(right));
  const before = spec.tensors.get("bn/mean")!;
  const wrong = { ...spec, tensors: new Map(spec.tensors).set("bn/mean", { ...before, axes: [parseAxis("_")] }) };
  const { kept, faults } = await verifySpec(model, wrong, await savedRunner(model, tfLoaders()));
  assert.not(kept);
  assert.equal(faults, [{ group: "P0", tensor: "bn/mean", axis: 0, is: "_", expected: "P0" }]);
});

const dense = (config: object, kind = "Dense"): KerasNetwork => ({
  layers: [
    ["InputLayer", "x", { batch_shape: [null, 4] }, []],
    [kind, "odd", { units: 3, ...config }, ["x"], { kernel: [4, 3], bias: [3] }],
  ],
  outputs: ["odd"],
});

withPeers(test, "what the package lacks, or would pass over: one line that names the layer", async () => {
  for (const [network, message] of [
    [dense({}, "MyDense"), /^a\.keras layer "odd" \(MyDense\) is of no class that @tensorflow\/tfjs-layers has/],
    [
      dense({ activation: "leaky_relu" }),
      /layer "odd" \(Dense\) has the activation "leaky_relu", expected a usual one/,
    ],
    [dense({ activation: "hard_sigmoid" }), /has the activation "hard_sigmoid"/],
    [dense({ activation: { class_name: "MyActivation", config: {} } }), /has the activation "MyActivation"/],
    [dense({ lift: 3 }), /layer "odd" \(Dense\) has lift 3, expected what @tensorflow\/tfjs-layers has/],
    [dense({ filters: 3, kernel_size: [1], groups: 2 }, "Conv1D"), /layer "odd" \(Conv1D\) has (units|groups)/],
    [dense({ keepdims: true }, "GlobalAveragePooling1D"), /has (units|keepdims)/],
  ] as const) {
    const tensors = tensorsOf(network, "keras3", createRng(1));
    const model = await openModel(wholeKeras(configOf(network, "keras3"), tensors, "keras3"), { name: "a.keras" });
    await rejects(() => openSaved(model, tfLoaders()), RangeError, message);
  }
});

withPeers(test, "a layer that a model of TensorFlow.js has and the package lacks", async () => {
  const [topology, weights] = [residualGraph().files(), new Uint8Array(16)];
  const json = JSON.parse(new TextDecoder().decode(topology["model.json"]));
  const layer = { class_name: "MyLayer", config: { name: "mine", batch_input_shape: [null, 2] } };
  const modelTopology = { class_name: "Sequential", config: { name: "net", layers: [layer] } };
  const weightsManifest = [{ paths: ["w.bin"], weights: [{ name: "mine/w", shape: [4], dtype: "float32" }] }];
  const text = JSON.stringify({ ...json, format: "layers-model", modelTopology, weightsManifest });
  const model = await openModel(new TextEncoder().encode(text), {
    name: "model.json",
    files: memoryFiles({ "w.bin": weights }),
  });
  await rejects(
    () => openSaved(model, tfLoaders()),
    RangeError,
    /^model\.json layer "mine" \(MyLayer\) is of no class/,
  );
});

withPeers(test, "files of weights alone have no network", async () => {
  const tensors = tensorsOf(residual, "keras3", createRng(1));
  const model = { ...(await openModel(wholeKeras({ class_name: "Mine", config: {} }, tensors, "keras3"))), name: "m" };
  await rejects(() => openSaved(model, tfLoaders()), RangeError, /^m has no layers in its file/);
  await rejects(() => savedRunner(model, tfLoaders()), RangeError, /^m has no network in its file/);
});

test.run();
