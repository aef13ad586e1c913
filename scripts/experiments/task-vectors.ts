/** Fine-tunes, trained and merged by their task vectors: of one base, and across two, with and without alignment. */

import { keepModel } from "../../src/base/keep-model.ts";
import type { Model } from "../../src/base/model.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { firstImages, subset } from "../../src/data/select.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import type { Architecture } from "../../src/families/initialise.ts";
import { alignTasks, type TaskAlign, type TunedModel } from "../../src/many/align-tasks.ts";
import { blendModels } from "../../src/merge/blend-models.ts";
import type { BlendSettings } from "../../src/merge/blends/blend.ts";
import type { BlendName } from "../../src/merge/blends/blends.ts";
import { evaluateModel } from "../../src/run/models/evaluate-model.ts";
import { percent } from "./barrier-table.ts";
import { type Corruption, corrupted } from "./corruptions.ts";
import { type Images, type Lab, usualSizes } from "./lab.ts";
import { biasedHalves } from "./split-data.ts";
import type { Recipe } from "./train-kept.ts";

/** The share of training images that chooses scales. */
const HELD_OUT = 0.1;

/** Epochs of fine-tuning. */
export const TUNING: { readonly quick: number; readonly full: number } = { quick: 4, full: 10 };

interface Choice {
  readonly blend: BlendName;
  readonly settings: BlendSettings;
}

const BLENDS: readonly Choice[] = [
  { blend: "task_arithmetic", settings: {} },
  { blend: "ties", settings: { density: 0.2 } },
  { blend: "dare_linear", settings: { density: 0.5 } },
  { blend: "iso_c", settings: {} },
];
const SCALES = [0.2, 0.35, 0.5, 0.75, 1];

/** What models are judged on: pictures of each task. */
interface Sets {
  /** Held out of training: choose the scale. */
  readonly choosing: readonly Dataset[];
  readonly test: readonly Dataset[];
}

/** One blend, without and with alignment. */
interface Row {
  readonly blend: BlendName;
  readonly none: Scaled;
  readonly aligned: Scaled;
}

/** The best scale on held-out images, and what came of it on the test images: the mean over tasks. */
export interface Scaled {
  readonly scale: number;
  readonly accuracy: number;
}

export interface OneBase {
  readonly network: string;
  readonly base: number;
  readonly tuned: readonly number[];
  readonly mean: number;
  readonly rows: readonly Row[];
}

async function accuracyOn(lab: Lab, model: Model, sets: readonly Dataset[]): Promise<number> {
  let sum = 0;
  for (const data of sets) sum += (await evaluateModel(model, data, { signal: lab.signal })).accuracy;
  return sum / sets.length;
}

/** Every scale on the images that choose, the best on those that test. */
async function bestScale(lab: Lab, sets: Sets, modelAt: (scale: number) => Model): Promise<Scaled> {
  let best = { scale: 0, accuracy: -1 };
  for (const scale of SCALES) {
    const accuracy = await accuracyOn(lab, await keepModel(modelAt(scale)), sets.choosing);
    if (accuracy > best.accuracy) best = { scale, accuracy };
  }
  return { scale: best.scale, accuracy: await accuracyOn(lab, await keepModel(modelAt(best.scale)), sets.test) };
}

function recipeFor(lab: Lab, label: string, architecture: Architecture, data: Dataset, from?: Model): Recipe {
  const epochs = from === undefined ? usualSizes(lab).epochs : lab.quick ? TUNING.quick : TUNING.full;
  const training = { batch: 100, optimizer: "adam", learningRate: from === undefined ? 1e-3 : 3e-4 } as const;
  return { label, architecture, data, seed: lab.seed, epochs, ...training, ...(from === undefined ? {} : { from }) };
}

/** Training images, and others to choose by. */
export type Split = ReturnType<typeof split>;

export function split({ train, test }: Images): Images & { choosing: Dataset } {
  const kept = Math.floor(train.count * (1 - HELD_OUT));
  const rest = Int32Array.from({ length: train.count - kept }, (_, i) => kept + i);
  return { train: firstImages(train, kept), choosing: subset(train, rest), test };
}

const setsOf = (images: Split, corruptions: readonly Corruption[]): Sets => {
  const all = (data: Dataset): Dataset[] => [data, ...corruptions.map((each) => corrupted(data, each))];
  return { choosing: all(images.choosing), test: all(images.test) };
};

async function rowsOf(
  lab: Lab,
  base: Model,
  tuned: readonly TunedModel[],
  aligned: TaskAlign,
  sets: Sets,
): Promise<Row[]> {
  const spec = await detectSpec(base);
  const parts = async (align: TaskAlign) => (await alignTasks(tuned, base, spec, { align, signal: lab.signal })).parts;
  const [there, moved] = [await parts("none"), await parts(aligned)];
  const rows: Row[] = [];
  for (const { blend, settings } of BLENDS) {
    const at = (models: typeof there) => (taskScale: number) =>
      blendModels(models, { blend, base, settings: { ...settings, taskScale }, seed: lab.seed });
    const row = { blend, none: await bestScale(lab, sets, at(there)), aligned: await bestScale(lab, sets, at(moved)) };
    lab.note(`${blend}: ${percent(row.none.accuracy)} as they are, ${percent(row.aligned.accuracy)} aligned`);
    rows.push(row);
  }
  return rows;
}

/** Fine-tunes of one base: on two halves of the classes, and on two corruptions. */
export async function oneBase(lab: Lab, network: string, architecture: Architecture, images: Split): Promise<OneBase> {
  const corruptions = ["inverted", "noisy"] as const;
  const { train } = images;
  const base = await lab.trained(recipeFor(lab, `${network} base`, architecture, train));
  const shares = [...biasedHalves(train, lab.seed), ...corruptions.map((each) => corrupted(train, each))];
  const models: Model[] = [];
  for (const [i, data] of shares.entries())
    models.push(await lab.trained(recipeFor(lab, `${network} tuned ${i + 1}`, architecture, data, base)));
  const sets = setsOf(images, corruptions);
  const tuned = [];
  for (const model of models) tuned.push(await accuracyOn(lab, model, sets.test));
  return {
    network,
    base: await accuracyOn(lab, base, sets.test),
    tuned,
    mean: await accuracyOn(lab, await keepModel(blendModels(models)), sets.test),
    rows: await rowsOf(
      lab,
      base,
      models.map((model) => ({ model })),
      "force",
      sets,
    ),
  };
}

/** One seed and task: what a fine-tune of another base adds to this one. Accuracies are means over plain and changed images. */
export interface TwoBases {
  readonly seed: number;
  readonly task: Corruption;
  readonly base: number;
  /** A's own task vector, for comparison. */
  readonly own: Scaled;
  readonly none: Scaled;
  readonly aligned: Scaled;
}

export async function twoBases(
  lab: Lab,
  architecture: Architecture,
  images: Split,
  tasks: readonly Corruption[],
): Promise<TwoBases[]> {
  const { train } = images;
  const trained = (label: string, seed: number, data: Dataset, from?: Model): Promise<Model> =>
    lab.trained({ ...recipeFor(lab, label, architecture, data, from), seed });
  const [a, b] = [await trained("bases A", lab.seed, train), await trained("bases B", lab.seed + 100, train)];
  const spec = await detectSpec(a);
  const found: TwoBases[] = [];
  for (const task of tasks) {
    const data = corrupted(train, task);
    const own = await trained(`bases A ${task}`, lab.seed, data, a);
    const other = { model: await trained(`bases B ${task}`, lab.seed + 100, data, b), base: b };
    const sets = setsOf(images, [task]);
    const added = async (one: TunedModel, align: TaskAlign): Promise<Scaled> => {
      const { parts } = await alignTasks([one], a, spec, { align, signal: lab.signal });
      return bestScale(lab, sets, (taskScale) =>
        blendModels(parts, { blend: "task_arithmetic", base: a, settings: { taskScale } }),
      );
    };
    const one = {
      ...{ seed: lab.seed, task, base: await accuracyOn(lab, a, sets.test), own: await added({ model: own }, "none") },
      ...{ none: await added(other, "none"), aligned: await added(other, "bases") },
    };
    const [base, none, aligned] = [one.base, one.none.accuracy, one.aligned.accuracy].map(percent);
    lab.note(`${task}, seed ${lab.seed}: ${base} without, ${none} as it is, ${aligned} moved`);
    found.push(one);
  }
  return found;
}
