import { suite } from "uvu";
import * as assert from "uvu/assert";
import { resolveSpec } from "../../../src/axes/resolve-spec.ts";
import { SpecError } from "../../../src/base/errors.ts";
import type { TensorInfo } from "../../../src/base/model.ts";
import { detectSpec } from "../../../src/families/detect-spec.ts";
import { rejects } from "../../reference/expect-error.ts";
import { IMAGE_NETWORKS } from "../../reference/forward/image-networks.ts";
import { RECURRENT_NETWORKS } from "../../reference/forward/recurrent.ts";
import { KERAS_RECURRENT_NETWORKS } from "../../reference/forward/recurrent-keras.ts";
import type { SequenceNetwork } from "../../reference/forward/sequence-network.ts";
import type { TensorMap } from "../../reference/forward/sequences.ts";
import {
  createTensors,
  detectIn,
  findsPlanted,
  hasRoles,
  infosOf,
  keepsFunction,
  refusesOthers,
} from "../../reference/table-laws.ts";

import { TORCHVISION } from "../../reference/torchvision-shapes.ts";

const test = suite("recurrent and convolutional families by tables");

for (const [name, network] of Object.entries({
  ...RECURRENT_NETWORKS,
  ...IMAGE_NETWORKS,
  ...KERAS_RECURRENT_NETWORKS,
})) {
  const needed = name in RECURRENT_NETWORKS ? /bias_ih_l\d$|weight_ih_l1$/ : /(bn2|norm.?2|0\.1|block\.2)\.bias$/;
  test(`${name}: the function stays, whatever moves`, () => keepsFunction(network));
  test(`${name}: planted permutations are found`, () => findsPlanted(network));
  // The family `resnet` is no table.
  if (network.family === "resnet") continue;
  test(`${name}: every permutation has a role, every unit of them is used`, () => hasRoles(network));
  // Layers of Keras may lack a bias.
  if (name in KERAS_RECURRENT_NETWORKS) continue;
  test(`${name}: tensors that no table knows, and missing ones, are refused by name`, () =>
    refusesOthers(network, needed));
}

/** What moves on each axis of one tensor. */
async function namesOf(
  name: string,
  change: (tensors: TensorMap) => void = () => {},
  networks: Readonly<Record<string, SequenceNetwork>> = { ...RECURRENT_NETWORKS, ...IMAGE_NETWORKS },
): Promise<string[]> {
  const network = networks[name]!;
  const tensors = createTensors(network, 1);
  change(tensors);
  const spec = await detectIn(network, tensors);
  return resolveSpec(spec, infosOf(tensors)).permutations.map((each) => `${each.name} ${each.role} ${each.size}`);
}

test("units of all gates have one order", async () => {
  assert.equal(await namesOf("LSTM"), ["H0 recurrent 9", "H1 recurrent 9"]);
});

test("embeddings that may be tied to the head keep its order", async () => {
  assert.equal(await namesOf("LSTM, words, perhaps tied"), ["H1 recurrent 9", "H0 recurrent 9"]);
  assert.equal((await namesOf("GRU, bidirectional, words"))[0], "E embedding 7");
});

test("heads that do not read the last layer alone, and two modules, are refused", async () => {
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  await rejects(
    () => namesOf("LSTM", (tensors) => tensors.set("fc.weight", zeros(4, 18))),
    SpecError,
    /fc\.weight reads 18 units, expected the 9 of the last recurrent layer/,
  );
  await rejects(
    () => namesOf("LSTM", (tensors) => tensors.set("gru.weight_hh_l0", zeros(27, 9))),
    SpecError,
    /recurrent layers in 2 modules, expected one/,
  );
  await rejects(() => namesOf("LSTM", (tensors) => tensors.delete("fc.weight")), SpecError, /has no head/);
  await rejects(
    () => namesOf("LSTM", (tensors) => tensors.set("lstm.weight_hh_l0", zeros(18, 9))),
    SpecError,
    /weight_hh_l0 has 2 rows for each unit, expected 1, 3 or 4/,
  );
});

test("layers of Keras: what names and shapes do not show is refused", async () => {
  const zeros = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const named = (name: string, change: (tensors: TensorMap) => void): Promise<string[]> =>
    namesOf(name, change, KERAS_RECURRENT_NETWORKS);
  for (const [name, change, message] of [
    [
      "Keras 3 GRU, reset before",
      (all: TensorMap) => {
        for (const [at, shape] of [[9, 36], [9, 36], [36]].entries())
          all.set(`layers/lstm/cell/vars/${at}`, zeros(...shape));
      },
      /has 2 kinds of recurrent layers \((gru, lstm|lstm, gru)\) and 1 dense ones, expected one kind/,
    ],
    [
      "Keras LSTM",
      (all: TensorMap) => all.set("dense/dense/kernel:0", zeros(18, 4)),
      /dense\/dense\/kernel:0 reads 18 units, expected the 9 of the layer before it/,
    ],
    [
      "Keras LSTM",
      (all: TensorMap) => all.set("lstm/lstm/lstm_cell/recurrent_kernel:0", zeros(9, 18)),
      /has 2 columns for each unit, expected a kernel and 1, 3 or 4/,
    ],
    ["Keras LSTM", (all: TensorMap) => all.delete("dense/dense/kernel:0"), /and 0 dense ones, expected one kind/],
    ["Keras LSTM", (all: TensorMap) => all.set("lstm/odd", zeros(3)), /table lacks lstm\/odd/],
    [
      "Keras LSTM, bidirectional, words",
      (all: TensorMap) => all.set("embedding_1/embedding_1/embeddings:0", zeros(11, 7)),
      /expected one table of embeddings/,
    ],
  ] as const)
    await rejects(() => named(name, change), SpecError, message);
  // Dropout's generator of random numbers is no weight.
  const moved = await named("Keras 3 GRU, reset before", (all) =>
    all.set("layers/dropout/seed_generator/vars/0", zeros(2)),
  );
  assert.equal(moved, ["H0 recurrent 9", "H1 recurrent 9"]);
});

test("convolutions that read a part of the channels are refused", async () => {
  const part = { shape: [10, 5, 1, 1], data: new Float32Array(50) };
  await rejects(
    () =>
      namesOf("MobileNetV2", (tensors) => tensors.set("features.2.conv.0.0.weight", { ...part, shape: [25, 2, 1, 1] })),
    SpecError,
    /features\.2\.conv\.0\.0\.weight reads 2 of 5 channels, expected one or all/,
  );
});

for (const { family, shapes, parameters } of TORCHVISION)
  test(`${family} in its real size has every name and shape of torchvision`, async () => {
    const count = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
    const trained = [...shapes].filter(([name]) => !/running_|num_batches/.test(name));
    assert.is(
      trained.map(([, shape]) => count(shape)).reduce((a, b) => a + b),
      parameters,
    );
    const tensors = new Map([...shapes].map(([name, shape]): [string, TensorInfo] => [name, { dtype: "F32", shape }]));
    const spec = await detectSpec({ tensors });
    assert.is(spec.family, family);
    assert.is(resolveSpec(spec, tensors).tensors.length, shapes.size);
  });

test.run();
