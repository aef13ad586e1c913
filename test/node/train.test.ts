/** Training networks on TensorFlow.js. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { cosineSchedule } from "../../src/run/schedule.ts";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { evaluateNetwork } from "../../src/run/tfjs/evaluate.ts";
import { createNetwork, type TfNetwork } from "../../src/run/tfjs/network.ts";
import { type EndedEpoch, type TrainOptions, trainNetwork } from "../../src/run/tfjs/train.ts";
import { rejects, sameBytes } from "../reference/expect-error.ts";
import { madeUpImages } from "../reference/image-sets.ts";

const test = suite("train");

test.before(startBackend);

const MLP: Architecture = { family: "mlp", widths: [27, 16, 12, 4] };
const VGG: Architecture = {
  family: "vgg",
  norm: "batch",
  input: [6, 6, 2],
  plan: [6, "pool", 8, "pool"],
  dense: [10, 3],
};
const RESNET: Architecture = { family: "resnet", norm: "layer", depth: 8, width: 4, channels: 3, classes: 3 };

const FEW: TrainOptions = { epochs: 3, batch: 16, optimizer: "sgd", learningRate: 0.05, momentum: 0.9, seed: 5 };

async function withNetwork<T>(model: Model, use: (network: TfNetwork) => Promise<T>): Promise<T> {
  const network = await createNetwork(model);
  try {
    return await use(network);
  } finally {
    network.dispose();
  }
}

async function trained(architecture: Architecture, data: Dataset, options: TrainOptions): Promise<Model> {
  return withNetwork(initialiseModel(architecture, 1), async (network) => {
    await trainNetwork(network, data, options);
    return network.toModel();
  });
}

async function bytesOf(model: Model): Promise<Uint8Array> {
  const parts: number[] = [];
  for (const name of model.tensors.keys()) for (const byte of await model.read(name)) parts.push(byte);
  return Uint8Array.from(parts);
}

async function digest(model: Model): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", (await bytesOf(model)) as BufferSource));
  return Array.from(hash.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

test("an MLP learns made-up images with SGD and with Adam", async () => {
  const data = madeUpImages(64, [3, 3, 3], 4);
  const adam: TrainOptions = { epochs: 16, batch: 16, optimizer: "adam", learningRate: 0.02, seed: 2 };
  const sgd: TrainOptions = {
    ...adam,
    optimizer: "sgd",
    learningRate: cosineSchedule({ peak: 0.2 }),
    momentum: 0.9,
    weightDecay: 1e-4,
  };
  for (const options of [adam, sgd]) {
    await withNetwork(initialiseModel(MLP, 1), async (network) => {
      const before = await evaluateNetwork(network, data);
      const epochs = await trainNetwork(network, data, options);
      const after = await evaluateNetwork(network, data);
      assert.equal(
        epochs.map(({ epoch }) => epoch),
        Array.from({ length: 16 }, (_, i) => i + 1),
      );
      assert.ok(after.loss < before.loss / 4, `loss ${before.loss} to ${after.loss}`);
      assert.ok(after.accuracy > 0.95, `accuracy ${after.accuracy}`);
      assert.ok(epochs.at(-1)!.loss < epochs[0]!.loss / 2);
    });
  }
});

test("a step of SGD goes down the gradient that finite differences of the loss give", async () => {
  // ReLUs bend, and a new ResNet has many that are about to.
  for (const [architecture, data, tolerance] of [
    [MLP, madeUpImages(6, [3, 3, 3], 4), 5e-3],
    [RESNET, madeUpImages(6, [8, 8, 3], 3), 5e-2],
  ] as const) {
    await withNetwork(initialiseModel(architecture, 3), async (network) => {
      const rate = 2 ** -6;
      const old = new Map([...network.variables].map(([name, v]) => [name, Float32Array.from(v.dataSync())]));
      await trainNetwork(network, data, { epochs: 1, batch: 6, optimizer: "sgd", learningRate: rate, seed: 1 });
      const moved = new Map([...network.variables].map(([name, v]) => [name, Float32Array.from(v.dataSync())]));
      // Along the gradient g the loss changes by |g|² a unit of the rate: one number tests all of them.
      const set = (t: number): void => {
        for (const [name, variable] of network.variables) {
          const values = old.get(name)!.map((value, i) => value + t * (moved.get(name)![i]! - value));
          tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
        }
      };
      let square = 0;
      for (const [name, values] of moved)
        for (const [i, value] of values.entries()) square += ((value - old.get(name)![i]!) / rate) ** 2;
      const h = 2 ** -9;
      set(h);
      const ahead = await evaluateNetwork(network, data);
      set(-h);
      const behind = await evaluateNetwork(network, data);
      const slope = (behind.loss - ahead.loss) / (2 * h * rate);
      assert.ok(Math.abs(slope / square - 1) < tolerance, `slope ${slope}, expected ${square}`);
      // And single entries of every tensor.
      const set1 = (name: string, i: number, delta: number): void => {
        set(0);
        const values = old.get(name)!.slice();
        values[i]! += delta;
        const variable = network.variables.get(name)!;
        tf.tidy(() => variable.assign(tf.tensor(values, variable.shape)));
      };
      for (const [name, values] of old) {
        const i = ((7 * values.length) % 11) % values.length;
        set1(name, i, 2 ** -9);
        const up = (await evaluateNetwork(network, data)).loss;
        set1(name, i, -(2 ** -9));
        const down = (await evaluateNetwork(network, data)).loss;
        const numeric = (up - down) * 2 ** 8;
        const gradient = (values[i]! - moved.get(name)![i]!) / rate;
        const error = Math.abs(numeric - gradient);
        assert.ok(error < 2e-2 * Math.sqrt(square / 10), `${name} ${i}: ${gradient}, expected ${numeric}`);
      }
    });
  }
});

test("training gives the same bytes in every runtime", async () => {
  const cosine = { ...FEW, learningRate: cosineSchedule({ peak: 0.1, warmup: 0.2 }), weightDecay: 5e-4 };
  const adam: TrainOptions = { epochs: 3, batch: 10, optimizer: "adam", learningRate: 0.003, seed: 6 };
  const digests = {
    mlp: await digest(await trained(MLP, madeUpImages(50, [3, 3, 3], 4), cosine)),
    "mlp, adam": await digest(await trained(MLP, madeUpImages(50, [3, 3, 3], 4), adam)),
    vgg: await digest(await trained(VGG, madeUpImages(40, [6, 6, 2], 3), cosine)),
    resnet: await digest(await trained(RESNET, madeUpImages(40, [8, 8, 3], 3), cosine)),
  };
  assert.equal(digests, {
    mlp: "c9b770506e543686",
    "mlp, adam": "73bad2ba901aa883",
    vgg: "ab55ca98de545c07",
    resnet: "41313b4b457cdac6",
  });
});

test("a training that goes on from a checkpoint gives the bytes of one that never stopped", async () => {
  const data = madeUpImages(40, [6, 6, 2], 3);
  for (const options of [
    { ...FEW, epochs: 4, learningRate: cosineSchedule({ peak: 0.1 }) },
    { epochs: 4, batch: 16, optimizer: "adam", learningRate: 0.01, seed: 3, weightDecay: 0.01 },
  ] as TrainOptions[]) {
    const checkpoints: Model[] = [];
    const onEpoch = async (epoch: EndedEpoch): Promise<void> => {
      checkpoints.push(await epoch.checkpoint());
    };
    const whole = await bytesOf(await trained(VGG, data, { ...options, onEpoch }));
    assert.is(checkpoints.length, 4);
    for (const epoch of [1, 3, 4]) {
      const seen: number[] = [];
      // Another start: everything has to come from the checkpoint.
      await withNetwork(initialiseModel(VGG, 99), async (network) => {
        const resume = checkpoints[epoch - 1]!;
        await trainNetwork(network, data, { ...options, resume, onEpoch: (each) => void seen.push(each.epoch) });
        sameBytes(await bytesOf(await network.toModel()), whole, `from epoch ${epoch}`);
      });
      assert.equal(
        seen,
        [1, 2, 3, 4].filter((each) => each > epoch),
      );
    }
  }
});

test("checkpoints of other trainings are refused, and change nothing", async () => {
  const data = madeUpImages(32, [3, 3, 3], 4);
  let checkpoint: Model | undefined;
  await trained(MLP, data, {
    ...FEW,
    onEpoch: async (epoch) => {
      checkpoint = await epoch.checkpoint();
    },
  });
  const resume = checkpoint!;
  await withNetwork(initialiseModel(MLP, 8), async (network) => {
    const before = await bytesOf(await network.toModel());
    const refuses = (options: Partial<TrainOptions>, message: RegExp): Promise<Error> =>
      rejects(() => trainNetwork(network, data, { ...FEW, resume, ...options }), RangeError, message);
    await refuses({ seed: 6 }, /^checkpoint of new mlp has seed 5, expected 6 as in this training$/);
    await refuses({ batch: 8 }, /has batch 16, expected 8/);
    await refuses({ optimizer: "adam", momentum: 0 }, /has tensor optimizer\.velocity\.layers\.0\.weight, expected/);
    await refuses({ momentum: 0 }, /has tensor optimizer\.velocity/);
    await refuses({ resume: await network.toModel() }, /has no tensor training\.position/);
    sameBytes(await bytesOf(await network.toModel()), before);
  });
  await withNetwork(initialiseModel({ ...MLP, widths: [27, 16, 13, 4] }, 8), async (network) => {
    await rejects(
      () => trainNetwork(network, data, { ...FEW, resume }),
      RangeError,
      /tensor network\.layers\.1\.weight is F32 \[16, 12\], expected F32 \[16, 13\]/,
    );
  });
});

test("a diverging training stops, naming epoch and step", async () => {
  const before = tf.memory().numTensors;
  const data = madeUpImages(48, [3, 3, 3], 4);
  await withNetwork(initialiseModel(MLP, 1), async (network) => {
    await rejects(
      () => trainNetwork(network, data, { ...FEW, learningRate: 1e30 }),
      RangeError,
      /^new mlp has loss (NaN|Infinity) at epoch 1 step \d, expected a finite one \(try a lower rate\)$/,
    );
  });
  assert.is(tf.memory().numTensors, before);
});

test("an aborted training rejects with the reason and leaves nothing behind", async () => {
  const before = tf.memory().numTensors;
  const data = madeUpImages(48, [3, 3, 3], 4);
  const controller = new AbortController();
  const seen: number[] = [];
  await withNetwork(initialiseModel(MLP, 1), async (network) => {
    const onProgress = ({ stage, done, total }: { stage: string; done: number; total?: number | undefined }): void => {
      assert.is(stage, "train");
      assert.is(total, 9);
      seen.push(done);
      if (done === 5) controller.abort(new Error("enough"));
    };
    await rejects(
      () => trainNetwork(network, data, { ...FEW, signal: controller.signal, onProgress }),
      Error,
      /^enough$/,
    );
  });
  assert.equal(seen, [1, 2, 3, 4, 5]);
  assert.is(tf.memory().numTensors, before);
});

test("epochs leave no tensors and no buffers", async () => {
  for (const [architecture, data] of [
    [MLP, madeUpImages(20, [3, 3, 3], 4)],
    [VGG, madeUpImages(20, [6, 6, 2], 3)],
    [RESNET, madeUpImages(20, [8, 8, 3], 3)],
  ] as const) {
    await withNetwork(initialiseModel(architecture, 1), async (network) => {
      const counts: string[] = [];
      const onEpoch = (): void => {
        const { numTensors, numDataBuffers, numBytes } = tf.memory();
        counts.push(`${numTensors} ${numDataBuffers} ${numBytes}`);
      };
      for (const optimizer of ["sgd", "adam"] as const) {
        counts.length = 0;
        await trainNetwork(network, data, { epochs: 4, batch: 8, optimizer, learningRate: 0.001, seed: 1, onEpoch });
        assert.equal(counts, Array(4).fill(counts[0]));
      }
    });
  }
});

test("bad options and data that do not fit are refused", async () => {
  const data = madeUpImages(8, [3, 3, 3], 4);
  await withNetwork(initialiseModel(MLP, 1), async (network) => {
    const refuses = (options: object, message: RegExp): Promise<Error> =>
      rejects(() => trainNetwork(network, data, { ...FEW, ...options }), RangeError, message);
    await refuses({ epochs: 0 }, /^epochs 0, expected a positive integer$/);
    await refuses({ batch: 1.5 }, /^batch 1\.5, expected a positive integer$/);
    await refuses({ optimizer: "lion" }, /^optimizer lion, expected sgd or adam$/);
    await refuses({ momentum: 1 }, /^momentum 1, expected/);
    await refuses({ optimizer: "adam" }, /^momentum 0\.9 with adam, expected it with sgd only$/);
    await refuses({ weightDecay: -1 }, /^weightDecay -1, expected/);
    await refuses({ learningRate: 0 }, /^learningRate 0, expected a positive number$/);
    await refuses({ seed: -1 }, /^seed -1, expected/);
    await rejects(() => trainNetwork(network, data, { ...FEW, lr: 1 } as TrainOptions), TypeError, /train option "lr"/);
    await rejects(
      () => trainNetwork(network, madeUpImages(8, [4, 4, 3], 4), FEW),
      RangeError,
      /made-up images has images of 4×4×3, which new mlp cannot take/,
    );
  });
});

test.run();
