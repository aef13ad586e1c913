import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAxis } from "../../src/axes/axis.ts";
import type { Spec } from "../../src/axes/types.ts";
import type { Model } from "../../src/base/model.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { openModel } from "../../src/formats/open-model.ts";
import { readGraph } from "../../src/formats/operator-graph.ts";
import { inferSpec } from "../../src/infer/infer-spec.ts";
import { onnxRunner } from "../../src/verify/onnx-runner.ts";
import { verifySpec } from "../../src/verify/verify-spec.ts";
import { mlpOnnx, onnxNetwork, resnetOnnx, vggOnnx } from "../reference/onnx-networks.ts";
import { onnxRuntime, withPeers } from "./peer.ts";

const test = suite("specs proved by onnxruntime");

const open = (bytes: Uint8Array): Promise<Model> => openModel(bytes, { name: "a.onnx" });

async function check(model: Model, spec: Spec): ReturnType<typeof verifySpec> {
  return verifySpec(model, spec, await onnxRunner(model, { runtime: onnxRuntime() }));
}

for (const [name, bytes] of [
  ["MLP", mlpOnnx()],
  ["VGG", vggOnnx()],
  ["ResNet", resnetOnnx()],
] as const)
  withPeers(test, `a right spec keeps the function, and every group shows: ${name}`, async () => {
    const model = await open(bytes);
    const found = await check(model, await detectSpec(model));
    assert.ok(found.kept, JSON.stringify(found));
    for (const { name: group, deviation, shows } of found.groups) {
      assert.ok(deviation < 1e-5, `${group} ${deviation}`);
      assert.ok(shows, group);
    }
    assert.ok(found.deviation > 0 && found.deviation < 1e-5);
    assert.equal(found.faults, []);
  });

withPeers(test, "a sigmoid close to 0 leaves few digits: what it is given is compared", async () => {
  const net = onnxNetwork(1);
  const hidden = net.add("MatMul", ["x", net.weight("up", [16, 64])]);
  const logits = net.add("MatMul", [net.add("Tanh", [hidden]), net.weight("down", [64, 3])]);
  const shifted = net.add("Add", [logits, net.weight("shift", [3], 0.01, -16)]);
  const model = await open(net.bytes({ x: ["n", 16] }, [net.add("Sigmoid", [shifted])]));
  const { spec } = await inferSpec((await readGraph(model))!, model);
  const found = await check(model, spec);
  assert.ok(found.kept && found.deviation < 1e-6, JSON.stringify(found));
  assert.ok(found.groups.every(({ shows }) => shows));
  assert.not((await check(model, broken(spec, "down", 0, "_"))).kept);
});

/** The spec with an axis of a tensor written otherwise. */
function broken(spec: Spec, tensor: string, axis: number, text: string): Spec {
  const before = spec.tensors.get(tensor)!;
  const axes = before.axes.map((each, i) => (i === axis ? parseAxis(text) : each));
  return { ...spec, tensors: new Map(spec.tensors).set(tensor, { ...before, axes }) };
}

/** Which network, tensor and axis, what the spec has there, and what it should have. */
const WRONG: readonly (readonly [Uint8Array, string, number, string, string])[] = [
  [mlpOnnx(), "layers.1.weight", 1, "_", "P0"],
  [mlpOnnx(), "layers.0.bias", 0, "_", "P0"],
  [mlpOnnx(), "layers.2.weight", 1, "_", "P1"],
  [mlpOnnx(1, [12, 12]), "layers.1.bias", 0, "P0", "_"],
  [mlpOnnx(1, [16, 16]), "layers.0.weight", 1, "P0", "_"],
  [vggOnnx(), "features.0.weight", 0, "_", "C0"],
  [vggOnnx(), "features.1.running_mean", 0, "_", "C0"],
  [vggOnnx(), "features.1.running_var", 0, "_", "C0"],
  [vggOnnx(), "features.1.weight", 0, "_", "C0"],
  [vggOnnx(), "features.4.weight", 1, "_", "C0"],
  [vggOnnx(), "classifier.1.weight", 1, "4*C1", "C1*4"],
  [vggOnnx(), "classifier.1.weight", 1, "_", "C1*4"],
  [vggOnnx(), "classifier.3.weight", 1, "_", "D0"],
  [vggOnnx(), "classifier.1.bias", 0, "_", "D0"],
  [resnetOnnx(), "layer1.0.conv2.weight", 0, "_", "P0"],
  [resnetOnnx(), "layer1.0.bn2.bias", 0, "_", "P0"],
  [resnetOnnx(), "layer2.0.downsample.0.weight", 1, "_", "P0"],
  [resnetOnnx(), "layer2.0.conv1.weight", 1, "_", "P0"],
  [resnetOnnx(), "fc.weight", 1, "_", "P3"],
  [resnetOnnx(), "bn1.weight", 0, "_", "P0"],
];

withPeers(test, "twenty wrong specs: each is caught, and the tensor and the axis are named", async () => {
  for (const [bytes, tensor, axis, is] of WRONG) {
    const model = await open(bytes);
    const right = await detectSpec(model);
    const expected = right.tensors
      .get(tensor)!
      .axes[axis]!.map((segment) => segment.join("*"))
      .join("|");
    const found = await check(model, broken(right, tensor, axis, is));
    const what = `${tensor} axis ${axis} as ${is}: ${JSON.stringify(found)}`;
    assert.not(found.kept, what);
    assert.ok(
      found.faults.some((fault) => fault.tensor === tensor && fault.axis === axis && fault.expected === expected),
      `${what}, expected ${expected}`,
    );
  }
});

test.run();
