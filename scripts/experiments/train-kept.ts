/** Trains models once: finished ones and half-finished trainings are kept as safetensors, named by their recipe. */

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { keepModel } from "../../src/base/keep-model.ts";
import type { Model } from "../../src/base/model.ts";
import type { OnProgress } from "../../src/base/progress.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { type Architecture, initialiseModel } from "../../src/families/initialise.ts";
import { openModelFile } from "../../src/node/open-model.ts";
import { saveModel } from "../../src/node/save-model.ts";
import { cosineSchedule } from "../../src/run/schedule.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import { trainNetwork } from "../../src/run/tfjs/train.ts";

/** Everything that decides the bytes of a trained model. */
export interface Recipe {
  /** What messages call the model, as "A". */
  readonly label: string;
  readonly architecture: Architecture;
  readonly data: Dataset;
  /** Of the first values and of the order of images. */
  readonly seed: number;
  readonly epochs: number;
  readonly batch: number;
  readonly optimizer: "adam" | "sgd";
  /** Constant with Adam; with SGD the peak of a warm-up and a cosine. */
  readonly learningRate: number;
  readonly momentum?: number;
  readonly weightDecay?: number;
  /** What is trained further, instead of first values by the seed. */
  readonly from?: Model;
}

export interface Keeping {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  note(text: string): void;
}

/** The model after each of `epochs` (0: as it was initialised; the last is the recipe's own), in memory. */
export async function trainKept(
  recipe: Recipe,
  epochs: readonly number[],
  keeping: Keeping,
): Promise<Map<number, Model>> {
  const prefix = join(keeping.folder, await fileName(recipe, epochs));
  const pathOf = (epoch: number): string => `${prefix}-epoch-${epoch}.safetensors`;
  if (!epochs.every((epoch) => existsSync(pathOf(epoch))))
    await train(recipe, new Set(epochs), prefix, pathOf, keeping);
  const models = new Map<number, Model>();
  for (const epoch of epochs) models.set(epoch, await readWhole(pathOf(epoch), recipe.label));
  return models;
}

async function train(
  recipe: Recipe,
  wanted: ReadonlySet<number>,
  prefix: string,
  pathOf: (epoch: number) => string,
  { folder, signal, onProgress, note }: Keeping,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { label, architecture, data, seed, epochs, batch, optimizer, learningRate, momentum, weightDecay } = recipe;
  const initial = recipe.from ?? initialiseModel(architecture, seed);
  if (wanted.has(0)) await saveModel(initial, pathOf(0), { force: true });
  const started = `${prefix}-started.safetensors`;
  const resume = existsSync(started) ? await readWhole(started, `${label}'s checkpoint`) : undefined;
  const network = await createNetwork(initial);
  try {
    await trainNetwork(network, data, {
      epochs,
      batch,
      optimizer,
      seed,
      signal,
      onProgress,
      learningRate: optimizer === "sgd" ? cosineSchedule({ peak: learningRate }) : learningRate,
      ...(momentum === undefined ? {} : { momentum }),
      ...(weightDecay === undefined ? {} : { weightDecay }),
      ...(resume === undefined ? {} : { resume }),
      async onEpoch({ epoch, loss, accuracy, checkpoint }) {
        note(`${label}: epoch ${epoch} of ${epochs}, loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}`);
        if (wanted.has(epoch)) await saveModel(await network.toModel(), pathOf(epoch), { force: true });
        await saveModel(await checkpoint(), started, { force: true });
      },
    });
    rmSync(started, { force: true });
  } finally {
    network.dispose();
  }
}

async function readWhole(path: string, name: string): Promise<Model> {
  const file = await openModelFile(path);
  try {
    return { ...(await keepModel(file)), name };
  } finally {
    await file.close?.();
  }
}

/** What a trained model depends on, hashed; of the images all labels, and the pixels of the first and last. */
async function fileName({ label, data, from, ...recipe }: Recipe, epochs: readonly number[]): Promise<string> {
  const { count, height, width, channels } = data;
  const hash = createHash("sha256").update(JSON.stringify([recipe, epochs, count, height, width, channels]));
  hash.update(data.labels);
  const some = Math.min(count, 100);
  for (const start of [0, count - some]) hash.update(new Uint8Array(data.read(start, start + some).buffer));
  if (from !== undefined) for (const name of from.tensors.keys()) hash.update(await from.read(name));
  return `${label.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}-${hash.digest("hex").slice(0, 12)}`;
}
