/** The straight-through estimator: never worse than its start, the same bytes again, and a stop that loses nothing. */

import * as tf from "@tensorflow/tfjs-core";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Model } from "../../src/base/model.ts";
import { createRng } from "../../src/base/rng.ts";
import type { StraightThroughOptions, Validation } from "../../src/by-data/straight-through/options.ts";
import { matchStraightThrough } from "../../src/by-data/straight-through/straight-through.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { permutationsFingerprint } from "../../src/perm/permutation-file.ts";
import { startBackend } from "../../src/run/tfjs/backend.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { trainNetwork } from "../../src/run/tfjs/train.ts";
import { rejects } from "../reference/expect-error.ts";
import { firstDifference } from "../reference/first-difference.ts";
import { madeUpImages } from "../reference/image-sets.ts";
import { plant } from "../reference/plant.ts";

const test = suite("straight-through");

test.before(startBackend);

const MLP: Architecture = { family: "mlp", widths: [48, 24, 16, 4] };
const IMAGES = madeUpImages(240, [4, 4, 3], 4);
const FEW: StraightThroughOptions = { steps: 12, batch: 40, validation: 60, validateEvery: 2, seed: 3 };

const models = new Map<string, Promise<Model>>();

function trained(architecture: Architecture, seed: number): Promise<Model> {
  const key = JSON.stringify([architecture, seed]);
  const model = models.get(key) ?? train(architecture, seed);
  models.set(key, model);
  return model;
}

async function train(architecture: Architecture, seed: number): Promise<Model> {
  const network = await createNetwork(initialiseModel(architecture, seed));
  try {
    await trainNetwork(network, IMAGES, { epochs: 4, batch: 20, optimizer: "adam", learningRate: 3e-3, seed });
    return await network.toModel();
  } finally {
    network.dispose();
  }
}

test("the kept permutations are those of the lowest loss on held-out images, the start among them", async () => {
  const [a, b] = [await trained(MLP, 1), await trained(MLP, 2)];
  const seen: Validation[] = [];
  const { permutations, report } = await matchStraightThrough(a, b, await detectSpec(a), IMAGES, {
    ...FEW,
    learningRate: 3,
    onValidation: (validation) => void seen.push(validation),
  });
  assert.ok(seen.length > 1);
  const lowest = Math.min(report.startLoss, ...seen.map(({ loss }) => loss));
  assert.is(report.loss, lowest);
  const step = report.startLoss === lowest ? 0 : seen.find(({ loss }) => loss === lowest)!.step;
  assert.is(report.keptStep, step);
  assert.is(report.steps, 12);
  assert.is(report.method, "straight-through");
  assert.equal([...permutations.keys()], ["P0", "P1"]);
});

test("a planted permutation, which loses nothing, is kept", async () => {
  const a = await trained(MLP, 1);
  const spec = await detectSpec(a);
  const { b, answer } = await plant(spec, a, createRng(5));
  const { permutations, report } = await matchStraightThrough(a, b, spec, IMAGES, { ...FEW, steps: 4 });
  assert.is(firstDifference(permutations, answer), null);
  assert.is(report.keptStep, 0);
});

test("cut in two by a checkpoint, it ends at the same permutations, in every runtime", async () => {
  const [a, b] = [await trained(MLP, 1), await trained(MLP, 2)];
  const spec = await detectSpec(a);
  const options = { ...FEW, learningRate: 3 };
  let half: Model | undefined;
  const whole = await matchStraightThrough(a, b, spec, IMAGES, {
    ...options,
    async onValidation({ step, checkpoint }) {
      if (step === 6) half = await checkpoint();
    },
  });
  const resumed = await matchStraightThrough(a, b, spec, IMAGES, { ...options, resume: half! });
  assert.is(firstDifference(resumed.permutations, whole.permutations), null);
  const { seconds: _, ...first } = whole.report;
  const { seconds: __, ...second } = resumed.report;
  assert.equal(second, first);
  assert.is(
    await permutationsFingerprint(whole.permutations),
    "90a99bc1582dc26dde100676055974324675a8f130522ac24b4d2a6e49bff484",
  );
});

test("networks with BatchNorm and with residual streams", async () => {
  const architectures: Architecture[] = [
    { family: "vgg", norm: "batch", input: [4, 4, 3], plan: [6, "pool", 8, "pool"], dense: [4] },
    { family: "resnet", norm: "layer", depth: 8, width: 4, channels: 3, classes: 4 },
  ];
  for (const architecture of architectures) {
    const [a, b] = [await trained(architecture, 1), await trained(architecture, 2)];
    const { report } = await matchStraightThrough(a, b, await detectSpec(a), IMAGES, { ...FEW, steps: 2 });
    assert.ok(report.loss <= report.startLoss && Number.isFinite(report.loss));
  }
});

test("a checkpoint with a bit that flipped, or with steps that are none, is refused", async () => {
  const [a, b] = [await trained(MLP, 1), await trained(MLP, 2)];
  const spec = await detectSpec(a);
  let checkpoint: Model | undefined;
  const options = { ...FEW, learningRate: 3 };
  await matchStraightThrough(a, b, spec, IMAGES, {
    ...options,
    async onValidation(event) {
      checkpoint ??= await event.checkpoint();
    },
  });
  const whole = checkpoint!;
  const resume = (name: string, change: (bytes: Uint8Array) => void): Promise<unknown> => {
    const read: Model["read"] = async (tensor) => {
      const bytes = (await whole.read(tensor)).slice();
      if (tensor === name) change(bytes);
      return bytes;
    };
    return matchStraightThrough(a, b, spec, IMAGES, { ...options, resume: { ...whole, read } });
  };
  const names = [...whole.tensors.keys()];
  for (const name of names)
    await rejects(
      () =>
        resume(name, (bytes) => {
          bytes[0]! ^= 1;
        }),
      RangeError,
      name === "training.position" ? /checkpoint of/ : /is damaged \(its digest is another\), expected it as it was/,
    );
  for (const step of [Number.NaN, 1e15, -5, 0.5])
    await rejects(
      () => resume("training.position", (bytes) => new DataView(bytes.buffer).setFloat64(8, step, true)),
      RangeError,
      /has step \S+, expected a whole number from 0 to 1000000000/,
    );
  await resume("none", () => {});
});

test("nothing stays allocated, also when it fails", async () => {
  const [a, b] = [await trained(MLP, 1), await trained(MLP, 2)];
  const spec = await detectSpec(a);
  const before = tf.memory().numTensors;
  await matchStraightThrough(a, b, spec, IMAGES, { ...FEW, steps: 2 });
  const stop = new AbortController();
  const onValidation = (): void => stop.abort(new Error("enough"));
  const aborted = { ...FEW, learningRate: 3, signal: stop.signal, onValidation };
  await rejects(() => matchStraightThrough(a, b, spec, IMAGES, aborted), Error, /^enough$/);
  assert.is(tf.memory().numTensors, before);
});

test("bad options and a diverging run get one clear line", async () => {
  const [a, b] = [await trained(MLP, 1), await trained(MLP, 2)];
  const spec = await detectSpec(a);
  const run = (options: StraightThroughOptions) => matchStraightThrough(a, b, spec, IMAGES, { ...FEW, ...options });
  await rejects(() => run({ steps: 0 }), RangeError, /^steps 0, expected a positive integer$/);
  await rejects(() => run({ momentum: 1 }), RangeError, /^momentum 1, expected a number from 0 to below 1$/);
  await rejects(
    () => run({ validation: 240 }),
    RangeError,
    /has 240 images, expected more than the 240 to validate by$/,
  );
  const nan = { ...a, read: async () => new Uint8Array(0) };
  await rejects(() => matchStraightThrough(nan, b, spec, IMAGES, FEW), RangeError, /bytes, expected/);
});

test.run();
