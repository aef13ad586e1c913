/** Fresh models, and schedules of learning rates. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cosPi } from "../../src/base/exact-math.ts";
import type { Model } from "../../src/base/model.ts";
import { describeGraph } from "../../src/families/describe-graph.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { cosineSchedule } from "../../src/run/schedule.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { fmnistResnet20, fmnistVgg, mlp } from "../reference/architectures.ts";
import { sameBytes } from "../reference/expect-error.ts";

const test = suite("initialise");

const VGG: Architecture = {
  family: "vgg",
  norm: "batch",
  input: [28, 28, 1],
  plan: [32, 32, "pool", 64, 64, "pool", 128, "pool"],
  dense: [256, 10],
};
const RESNET: Architecture = { family: "resnet", norm: "layer", depth: 20, width: 32, channels: 1, classes: 10 };

function shapesOf({ tensors }: Pick<Model, "tensors">): string[] {
  // A counter is a scalar in PyTorch, and has one element in files of old versions.
  return [...tensors]
    .map(([name, { dtype, shape }]) => `${name} ${dtype} ${name.endsWith("tracked") ? "" : shape}`)
    .sort();
}

test("names and shapes are those of PyTorch models", () => {
  assert.equal(
    shapesOf(initialiseModel({ family: "mlp", widths: [784, 512, 10] }, 1)),
    shapesOf({ tensors: mlp([784, 512, 10]) }),
  );
  assert.equal(shapesOf(initialiseModel(VGG, 1)), shapesOf({ tensors: fmnistVgg() }));
  assert.equal(shapesOf(initialiseModel(RESNET, 1)), shapesOf({ tensors: fmnistResnet20() }));
});

test("every architecture runs, and is what it says", async () => {
  const small: [Architecture, [number, number, number], number][] = [
    [{ family: "mlp", widths: [12, 6, 5] }, [2, 2, 3], 5],
    [{ family: "mlp", widths: [12, 7, 6, 5, 4] }, [4, 3, 1], 4],
    [{ family: "vgg", norm: "layer", input: [5, 6, 2], plan: [3, 4, "pool", 5], dense: [3] }, [5, 6, 2], 3],
    [{ family: "vgg", norm: "batch", input: [8, 8, 1], plan: [3, "pool", 4, "pool"], dense: [7, 6, 3] }, [8, 8, 1], 3],
    [{ family: "resnet", norm: "batch", depth: 8, width: 4, channels: 3, classes: 6 }, [8, 8, 3], 6],
    [{ family: "resnet", norm: "layer", depth: 14, width: 3, channels: 1, classes: 2 }, [9, 7, 1], 2],
  ];
  for (const [architecture, size, classes] of small) {
    const model = initialiseModel(architecture, 3);
    const { operations } = await describeGraph(model);
    const count = (op: string): number => operations.filter(({ kind }) => kind.op === op).length;
    if (architecture.family !== "mlp")
      assert.is(count(`${architecture.norm}-norm`), count("conv"), JSON.stringify(architecture));
    if (architecture.family === "resnet") {
      assert.is(count("add"), (architecture.depth - 2) / 2);
      assert.is(count("conv"), architecture.depth + 1); // two shortcuts for the dense tensor
    }
    const network = await createNetwork(model);
    const images = tf.ones<tf.Rank.R4>([2, ...size]);
    const { logits } = network.run(images);
    assert.equal(logits.shape, [2, classes]);
    assert.ok(logits.dataSync().every(Number.isFinite));
    tf.dispose([images, logits]);
    network.dispose();
  }
});

test("the same seed gives the same bytes, another others; values fill their bounds", async () => {
  const [a, b, c] = [1, 1, 2].map((seed) => initialiseModel(VGG, seed)) as [Model, Model, Model];
  for (const name of a.tensors.keys()) sameBytes(await a.read(name), await b.read(name), name);
  const name = "features.3.weight";
  const values = new Float32Array((await a.read(name)).slice().buffer);
  const bound = 1 / Math.sqrt(32 * 9);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  assert.ok(largest <= bound && largest > 0.99 * bound, `${largest} of ${bound}`);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean) < bound / 20, `mean ${mean}`);
  assert.ok((await c.read(name)).some((byte, i) => byte !== new Uint8Array(values.buffer)[i]));
});

test("impossible architectures are refused", () => {
  const refuses = (architecture: object, message: RegExp): void => {
    assert.throws(
      () => initialiseModel(architecture as Architecture, 1),
      (error: Error) => {
        assert.instance(error, RangeError);
        assert.match(error.message, message);
        return true;
      },
    );
  };
  refuses({ family: "mlp", widths: [3, 2] }, /^mlp widths are \[3, 2\], expected at least 3$/);
  refuses({ family: "mlp", widths: [3, 0, 2] }, /^mlp widths are \[3, 0, 2\], expected positive integers$/);
  refuses({ family: "gpt" }, /^family gpt, expected mlp, vgg or resnet$/);
  refuses({ ...VGG, norm: "group" }, /^norm group, expected batch or layer$/);
  refuses({ ...VGG, plan: ["pool", 3] }, /expected a convolution before each pool$/);
  refuses({ ...VGG, plan: [3, "pool", "pool"] }, /expected a convolution before each pool$/);
  refuses({ ...VGG, plan: [] }, /^vgg plan's channels are \[\], expected at least 1$/);
  refuses({ ...VGG, input: [1, 9, 1] }, /leaves nothing of 1×9 images, expected fewer pools$/);
  refuses({ ...RESNET, depth: 18 }, /^resnet depth 18, expected 6n \+ 2/);
  refuses({ ...RESNET, width: 1.5 }, /expected positive integers$/);
  assert.throws(() => initialiseModel({ ...RESNET, widht: 3 } as Architecture, 1), /resnet option "widht"/);
});

test("cosPi is the cosine, to the last bits", () => {
  for (let i = 0; i <= 1000; i++) {
    const x = i / 1000;
    assert.ok(
      Math.abs(cosPi(x) - Math.cos(Math.PI * x)) < 4e-16,
      `${x}: ${cosPi(x)}, expected ${Math.cos(Math.PI * x)}`,
    );
  }
  assert.is(cosPi(0), 1);
  assert.is(cosPi(1), -1);
});

test("a cosine schedule rises to its peak and falls to its end", () => {
  const schedule = cosineSchedule({ peak: 2, warmup: 0.25, end: 0.1 });
  assert.is(schedule(0), 0);
  assert.is(schedule(0.125), 1);
  assert.is(schedule(0.25), 2);
  assert.ok(Math.abs(schedule(0.625) - 1.1) < 1e-15);
  assert.ok(Math.abs(schedule(1) - 0.2) < 1e-15);
  for (let i = 26; i < 100; i++) assert.ok(schedule(i / 100) < schedule((i - 1) / 100));
  assert.is(cosineSchedule({ peak: 2, warmup: 0 })(0), 2);
  assert.throws(() => cosineSchedule({ peak: 0 }), /^peak 0, expected a positive number$|peak 0/);
  assert.throws(() => cosineSchedule({ peak: 1, warmup: 1 }), /warmup 1, expected a fraction/);
  assert.throws(() => cosineSchedule({ peak: 1, end: 2 }), /end 2, expected a fraction/);
  assert.throws(() => cosineSchedule({ peak: 1, warmUp: 0.1 } as never), /cosineSchedule option "warmUp"/);
});

test.run();
