import { gunzipSync } from "fflate";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAxis } from "../../../src/axes/axis.ts";
import { FormatError } from "../../../src/base/errors.ts";
import { createRng } from "../../../src/base/rng.ts";
import { readKerasConfig } from "../../../src/formats/keras/graph/read-config.ts";
import { snakeCase } from "../../../src/formats/keras/graph/variables.ts";
import { graphOfConfig } from "../../../src/formats/keras/read-graph.ts";
import { openModel } from "../../../src/formats/open-model.ts";
import { readGraph } from "../../../src/formats/operator-graph.ts";
import { inferSpec } from "../../../src/infer/infer-spec.ts";
import { applyPermutations } from "../../../src/perm/apply-permutations.ts";
import { H5PY } from "../../reference/h5py-cases.ts";
import { attention, conv, dense, image, recurrent, residual, separable } from "../../reference/keras-cases.ts";
import { configOf, graphOf, type KerasNetwork, type KerasStyle, tensorsOf } from "../../reference/keras-networks.ts";
import { fromModel, toModel } from "../../reference/networks.ts";
import { type NdArray, ndArray } from "../../reference/operators/arrays.ts";
import { deviation, randomInput } from "../../reference/operators/graph-laws.ts";
import { runGraph } from "../../reference/operators/run-graph.ts";
import { randomPermutations } from "../../reference/plant.ts";

const test = suite("Keras graphs");

const STYLES: readonly KerasStyle[] = ["keras2", "keras3", "tfjs"];

async function axesOf(network: KerasNetwork, style: KerasStyle): Promise<Record<string, string>> {
  const tensors = tensorsOf(network, style, createRng(1));
  const { spec } = await inferSpec(graphOf(network, style, tensors), toModel(tensors));
  return Object.fromEntries([...spec.tensors].map(([name, { axes }]) => [name, axes.map(formatAxis).join(", ")]));
}

test("a residual network: what is added has one order, a flatten has channels last", async () => {
  assert.equal(await axesOf(residual, "keras3"), {
    "layers/conv2d/vars/0": "_, _, _, P0",
    "layers/conv2d/vars/1": "P0",
    "layers/conv2d_1/vars/0": "_, _, P0, P0",
    "layers/conv2d_1/vars/1": "P0",
    "layers/batch_normalization/vars/0": "P0",
    "layers/batch_normalization/vars/1": "P0",
    "layers/batch_normalization/vars/2": "P0",
    "layers/batch_normalization/vars/3": "P0",
    "layers/dense/vars/0": "16*P0, P1",
    "layers/dense/vars/1": "P1",
    "layers/dense_1/vars/0": "P1, _",
    "layers/dense_1/vars/1": "_",
  });
});

test("one network in the three forms has one spec", async () => {
  for (const network of [residual, separable]) {
    const [first, ...others] = await Promise.all(
      STYLES.map(async (style) => Object.values(await axesOf(network, style))),
    );
    for (const other of others) assert.equal(other, first);
  }
});

test("depthwise, separable and transposed convolutions, a value joined to itself", async () => {
  assert.equal(await axesOf(separable, "tfjs"), {
    "c1/kernel": "_, _, _, P0",
    "c1/bias": "P0",
    "dw/kernel": "_, _, P0, P1",
    "sep/depthwise_kernel": "_, _, P0*P1, _",
    "sep/pointwise_kernel": "_, _, P0*P1, P2",
    "sep/bias": "P2",
    "up/kernel": "_, _, P3, P2",
    "up/bias": "P3",
    "d1/kernel": "32*P3, _",
    "d1/bias": "_",
  });
});

const NETWORKS: readonly (readonly [string, KerasNetwork, readonly number[], least: number])[] = [
  ["residual", residual, [2, 8, 8, 3], 2],
  ["recurrent", recurrent, [2, 5, 4], 2],
  ["attention", attention, [2, 5, 4], 2],
];

for (const [name, network, shape, least] of NETWORKS) {
  test(`${name}: random permutations of every group keep the function`, async () => {
    for (const style of STYLES) {
      const rng = createRng(7);
      const tensors = tensorsOf(network, style, rng);
      const [graph, model] = [graphOf(network, style, tensors), toModel(tensors)];
      const { spec } = await inferSpec(graph, model);
      const permutations = randomPermutations(spec, model, rng);
      assert.ok(permutations.size >= least, `${permutations.size} permutations`);
      const moved = await fromModel(await applyPermutations(model, spec, permutations));
      const input = randomInput(shape, rng);
      const outputs = [tensors, moved].map((each) =>
        runGraph(
          graph,
          new Map([...each].map(([key, value]): [string, NdArray] => [key, ndArray(value.shape, value.data)])),
          new Map([["x", input]]),
        ),
      );
      const [before, after] = outputs.map((all) => all.flatMap(({ data }) => [...data]));
      assert.ok(deviation(before!, after!) < 1e-5, `${style}: ${deviation(before!, after!)}`);
    }
  });
}

test("files carry their graph: model_config of an .h5 file", async () => {
  const file = gunzipSync(Uint8Array.from(atob(H5PY.keras2!), (c) => c.charCodeAt(0)));
  const model = await openModel(file, { name: "a.h5" });
  const graph = (await readGraph(model))!;
  assert.equal(
    graph.operators.map(({ kind }) => kind),
    ["MatMul", "Add", "Relu", "MatMul", "Add", "Relu", "MatMul", "Add", "Softmax"],
  );
  assert.equal(graph.inputs, [{ name: "input", dtype: undefined, shape: [undefined, 4] }]);
  const { spec } = await inferSpec(graph, model);
  assert.equal(
    [...spec.tensors.values()].map(({ axes }) => axes.map(formatAxis).join()),
    ["_,P0", "P0", "P0,P1", "P1", "P1,_", "_"],
  );
  assert.is(
    await readGraph(await openModel(gunzipSync(Uint8Array.from(atob(H5PY.keras3!), (c) => c.charCodeAt(0))))),
    undefined,
  );
});

test("models in models, layers that are called twice, Sequential models and operators of Keras 3", async () => {
  const inner = {
    class_name: "Sequential",
    config: {
      name: "block",
      layers: [
        { class_name: "InputLayer", config: { name: "i", batch_shape: [null, 4] } },
        { class_name: "Dense", config: { name: "a", activation: "relu" } },
        { class_name: "Dense", config: { name: "b" } },
      ],
    },
  };
  const call = (layer: string, node = 0): object => ({
    class_name: "__keras_tensor__",
    config: { keras_history: [layer, node, 0] },
  });
  const outer = {
    class_name: "Functional",
    config: {
      name: "net",
      input_layers: [["x", 0, 0]],
      output_layers: [["half", 0, 0]],
      layers: [
        { class_name: "InputLayer", name: "x", config: { batch_shape: [null, 4] }, inbound_nodes: [] },
        {
          ...inner,
          name: "block",
          inbound_nodes: [
            { args: [call("x")], kwargs: {} },
            { args: [call("block")], kwargs: {} },
          ],
        },
        {
          class_name: "Multiply",
          module: "keras.src.ops.numpy",
          name: "half",
          config: {},
          inbound_nodes: [{ args: [call("block", 1), 0.5], kwargs: {} }],
        },
      ],
    },
  };
  const names = [
    "layers/sequential/layers/dense/vars/0",
    "layers/sequential/layers/dense/vars/1",
    "layers/sequential/layers/dense_1/vars/0",
    "layers/sequential/layers/dense_1/vars/1",
  ];
  const graph = graphOfConfig(readKerasConfig(outer, "a.keras")!, names, "a.keras");
  assert.equal(
    graph.operators.map(({ kind }) => kind).join(" "),
    "MatMul Add Relu MatMul Add MatMul Add Relu MatMul Add Mul",
  );
  assert.is(graph.tensors.size, 4);
  const shapes = [[4, 6], [6], [6, 4], [4]];
  const { spec } = await inferSpec(graph, {
    tensors: new Map(names.map((name, k) => [name, { dtype: "F32", shape: shapes[k]! }])),
  });
  assert.equal(
    [...spec.tensors.values()].map(({ axes }) => axes.map(formatAxis).join()),
    ["_,P0", "P0", "P0,_", "_"],
  );
});

test("a layer that nobody knows keeps the order of what it reads", async () => {
  const network: KerasNetwork = {
    layers: [
      image,
      conv("c", "x", 3, 4),
      ["MyShuffle", "mine", {}, ["c"]],
      ["Flatten", "f", {}, ["mine"]],
      dense("d", "f", 256, 2, {}),
    ],
    outputs: ["d"],
  };
  const tensors = tensorsOf(network, "tfjs", createRng(1));
  const { spec, frozen } = await inferSpec(graphOf(network, "tfjs", tensors), toModel(tensors));
  assert.is(spec.tensors.get("c/kernel")!.axes.map(formatAxis).join(), "_,_,_,_");
  assert.match(frozen.find(({ tensor }) => tensor === "c/bias")!.reason, /keras\.MyShuffle/);
});

test("hostile: circles, layers and tensors that are missing, classes of their own", async () => {
  const tensors = tensorsOf(residual, "tfjs", createRng(1));
  interface Json {
    config: { layers: { name: string; inbound_nodes: unknown[] }[]; output_layers: unknown };
  }
  const read = (change: (json: Json) => void): unknown => {
    const json = JSON.parse(JSON.stringify(configOf(residual, "tfjs"))) as Json;
    change(json);
    return graphOfConfig(readKerasConfig(json, "a.keras")!, tensors.keys(), "a.keras");
  };
  const reading =
    (name: string, ...from: unknown[]) =>
    (json: Json): void => {
      json.config.layers.find((each) => each.name === name)!.inbound_nodes = [[from]];
    };
  const changes: readonly (readonly [(json: Json) => void, RegExp])[] = [
    [reading("c1", "sum", 0, 0, {}), /in a circle/],
    [reading("c2", "none", 0, 0, {}), /reads the layer "none", expected one of its layers/],
    [reading("c2", "c1", 3, 0, {}), /reads call 3 of the layer "c1", expected one of its 1/],
    [reading("c2", "c1", 0, 5, {}), /reads output 5 of the layer "c1"/],
    [(json) => json.config.layers.push(7 as never), /has the layer 7, expected one with a class/],
  ];
  for (const [change, message] of changes)
    assert.throws(
      () => read(change),
      (error: Error) =>
        error instanceof FormatError && /^a\.keras [^\n]*$/.test(error.message) && message.test(error.message),
      String(message),
    );
  tensors.delete("d1/kernel");
  assert.throws(() => read(() => {}), /a\.keras has no tensor "kernel" of the layer "d1", expected one/);
  assert.is(readKerasConfig({ class_name: "MyModel", config: { name: "net" } }, "a.keras"), undefined);
  assert.is(readKerasConfig(null, "a.keras"), undefined);
});

test("classes as Keras writes them in names of groups", () => {
  for (const [kind, group] of [
    ["Conv2D", "conv2d"],
    ["BatchNormalization", "batch_normalization"],
    ["Conv2DTranspose", "conv2d_transpose"],
    ["PReLU", "p_re_lu"],
    ["LSTM", "lstm"],
    ["DepthwiseConv2D", "depthwise_conv2d"],
  ] as const)
    assert.is(snakeCase(kind), group);
});

test.run();
