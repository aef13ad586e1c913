/** Activations that nobody but the user knows, and networks whose order only the user knows: they run as told. */

import { writeFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import { describeGraph } from "../../src/families/describe-graph.ts";
import { withNetworkNotes } from "../../src/families/network-notes.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write-safetensors.ts";
import type { Activation } from "../../src/graph/graph.ts";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { tfExecutor } from "../../src/run/tfjs/executor.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { commandLine } from "../reference/command-line.ts";
import { gelu, loopExecutor } from "../reference/loop-executor.ts";
import { near } from "../reference/near.ts";
import { mlpNetwork, toModel } from "../reference/networks.ts";
import { gaussianArray } from "../reference/random.ts";
import { RUN_CASES } from "../reference/run-cases.ts";
import { randomTask } from "../reference/run-tasks.ts";

const test = suite("activation functions");
const cli = commandLine(test, ["t10k", "train"]);
const { run, runJson } = cli;
test.before(startBackend);

const OTHERS: readonly Activation[] = ["gelu", "tanh", "silu"];
const DATA = ["--data", "data", "--limit", "60"];
const ORDER = ["--order", "zig,bop,kex"];

test("GELU is what its paper says, by known values", () => {
  for (const [x, y] of [
    [0, 0],
    [1, 0.8413447460685429],
    [-1, -0.15865525393145707],
    [3, 2.9959503],
  ] as const)
    assert.ok(Math.abs(gelu(x) - y) < 1e-7, `${x}`);
});

for (const activation of OTHERS)
  for (const name of ["mlp", "vgg with LayerNorm", "resnet with BatchNorm", "pre-activation resnet"]) {
    test(`${name} with ${activation}: TensorFlow.js gives the values of plain loops`, async () => {
      const reference = RUN_CASES.get(name)!();
      const model = withNetworkNotes(toModel(reference.tensors), { activation });
      const { operations, assumptions } = await describeGraph(model);
      assert.not(operations.some(({ output, kind }) => kind.op === "relu" || output.endsWith("relu")));
      const words = { relu: "", gelu: "GELU (by erf)", tanh: "tanh", silu: "SiLU" }[activation];
      assert.ok(assumptions!.includes(`activations are ${words}`), String(assumptions));
      const task = randomTask(reference, 3, 4);
      const input = { shape: [3, reference.side, reference.side, 1], data: task.data.read(0, 3) };
      const keep = new Set(operations.map(({ output }) => output));
      const runs = [];
      for (const executor of [loopExecutor(), tfExecutor]) {
        const network = await executor.open(model);
        runs.push(await network.run(new Map([["input", input]]), keep));
        network.dispose();
      }
      for (const value of keep) near(runs[1]!.get(value)!.data, runs[0]!.get(value)!.data, value);
    });
  }

for (const activation of OTHERS)
  test(`${activation} has a gradient, which is the slope`, async () => {
    const model = toModel(mlpNetwork(createRng(6), [9, 12, 7, 4]).tensors);
    const network = await createNetwork(withNetworkNotes(model, { activation }));
    const images = tf.tensor4d(gaussianArray(54, createRng(3)), [6, 3, 3, 1]);
    const loss = (): tf.Scalar => tf.sum(tf.square(network.runTraining(images))) as tf.Scalar;
    const list = [...network.variables.values()];
    const { grads } = tf.tidy(() => tf.variableGrads(loss, list));
    const all = list.map((variable) => grads[variable.name]!);
    const slope = all.reduce((sum, each) => sum + tf.tidy(() => tf.sum(tf.square(each)).dataSync()[0]!), 0);
    const step = 1e-3 / Math.sqrt(slope);
    const lossAt = (by: number): number =>
      tf.tidy(() => {
        for (const variable of list) variable.assign(tf.add(variable, tf.mul(grads[variable.name]!, by)));
        return loss().dataSync()[0]!;
      });
    const above = lossAt(step);
    const measured = (above - lossAt(-2 * step)) / (2 * step);
    assert.ok(Math.abs(measured / slope - 1) < 0.02, `slope ${measured}, expected ${slope}`);
    tf.dispose([images, ...all]);
    network.dispose();
  });

/** A network whose words are unknown, as a file. */
async function unknownFile(seed: number): Promise<string> {
  const tensors = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [i, word] of ["zig", "bop", "kex"].entries()) {
    const [ins, outs] = [[784, 12, 12][i]!, [12, 12, 10][i]!];
    const rng = createRng(10 * seed + i);
    const data = gaussianArray(ins * outs, rng).map((value) => value / Math.sqrt(ins));
    tensors.set(`${word}.weight`, { shape: [outs, ins], data: Float32Array.from(data) });
    tensors.set(`${word}.bias`, { shape: [outs], data: new Float32Array(outs) });
  }
  const model: Model = toModel(tensors);
  writeFileSync(cli.path(`${seed}.safetensors`), await encodeSafetensors(model));
  return `${seed}.safetensors`;
}

test("a network that needs --order runs in evaluate, curve, contour and repairs; its merge says so itself", async () => {
  const [a, b] = [await unknownFile(1), await unknownFile(2)];
  const refused = await run("evaluate", a, ...DATA);
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /zig\.weight is named after "zig"; if it is a plain chain, give --assume chain/);
  const own = await runJson("evaluate", a, ...DATA, ...ORDER);
  assert.is(own.code, 0);
  assert.equal((await runJson("evaluate", a, ...DATA, "--assume", "chain")).json, own.json);
  const curve = await runJson("curve", a, b, ...DATA, ...ORDER, "--points", "3", "--threads", "2", "--html", "c.html");
  assert.is(curve.code, 0);
  assert.ok(Math.abs(curve.json.test.naive.loss[0] - own.json.loss) < 1e-6);
  assert.match(
    cli.bytes("c.html").toString(),
    /What this rests on[\s\S]*no skip connections[\s\S]*activations are ReLU/,
  );
  const text = await run("contour", a, b, ...DATA, ...ORDER, "--points", "2", "--html", "p.html");
  assert.is(text.code, 0, text.stderr);
  assert.match(text.stdout, /\nbasis {6}chain\nassumes {4}no skip connections\n[\s\S]* activations are ReLU\n/);
  assert.match(cli.bytes("p.html").toString(), /activations are ReLU/);
  for (const method of [
    ["--method", "frank-wolfe", "--starts", "2"],
    ["--method", "straight-through", "--steps", "2", "--batch", "20"],
  ]) {
    const { code, stderr } = await run("match", a, b, "-o", "p.safetensors", "--force", ...DATA, ...ORDER, ...method);
    assert.is(code, 0, stderr);
  }
  const repair = ["--repair", "repair", "--repair-images", "60", "--force-repair"];
  const merged = await run("merge", a, b, "-o", "m.safetensors", "--data", "data", ...ORDER, ...repair);
  assert.is(merged.code, 0, merged.stderr);
  assert.is((await run("evaluate", "m.safetensors", ...DATA)).code, 0);
});

test("--activation is what runs, and what curve says", async () => {
  const [a, b] = [await unknownFile(1), await unknownFile(2)];
  const losses = new Set<number>();
  for (const activation of ["relu", ...OTHERS]) {
    const words = [...DATA, ...ORDER, "--activation", activation];
    losses.add((await runJson("evaluate", a, ...words)).json.loss);
  }
  assert.is(losses.size, 4);
  const words = [...DATA, ...ORDER, "--activation", "gelu", "--points", "2"];
  const { code, stdout, stderr } = await run("curve", a, b, ...words, "--method", "activations");
  assert.is(code, 0, stderr);
  assert.match(stdout, /\nassumes {4}no skip connections\n[\s\S]* activations are GELU \(by erf\)\n/);
  assert.is((await run("evaluate", a, ...DATA, "--activation", "swish")).code, 2);
});

test.run();
