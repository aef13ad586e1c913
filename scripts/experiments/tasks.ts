/** Fine-tunes merged by their task vectors: of one base, and across two bases, with and without alignment. */

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
import { barChart } from "../../src/report/bar-chart.ts";
import { evaluateModel } from "../../src/run/models/evaluate-model.ts";
import { percent } from "./barrier-table.ts";
import { type Corruption, corrupted } from "./corruptions.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Images, type Lab, mlpFor, usualSizes } from "./lab.ts";
import { biasedHalves } from "./split-data.ts";
import type { Recipe } from "./train-kept.ts";

/** Seeds of the second table. */
const SEEDS = 3;
/** The share of training images that chooses scales. */
const HELD_OUT = 0.1;

const TUNING = { quick: 4, full: 10 };

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
interface Scaled {
  readonly scale: number;
  readonly accuracy: number;
}

interface OneBase {
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
function split({ train, test }: Images): Images & { choosing: Dataset } {
  const kept = Math.floor(train.count * (1 - HELD_OUT));
  const rest = Int32Array.from({ length: train.count - kept }, (_, i) => kept + i);
  return { train: firstImages(train, kept), choosing: subset(train, rest), test };
}

const setsOf = (images: ReturnType<typeof split>, corruptions: readonly Corruption[]): Sets => {
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
async function oneBase(
  lab: Lab,
  network: string,
  architecture: Architecture,
  images: ReturnType<typeof split>,
): Promise<OneBase> {
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

/** One seed: what a fine-tune of another base adds to this one. Accuracies are means over plain and changed images. */
interface TwoBases {
  readonly seed: number;
  readonly base: number;
  /** The scale of A's own task vector, for comparison. */
  readonly own: Scaled;
  readonly none: Scaled;
  readonly aligned: Scaled;
}

async function twoBases(lab: Lab, architecture: Architecture, images: ReturnType<typeof split>): Promise<TwoBases> {
  const { train } = images;
  const trained = (label: string, seed: number, data: Dataset, from?: Model): Promise<Model> =>
    lab.trained({ ...recipeFor(lab, label, architecture, data, from), seed });
  const task = corrupted(train, "inverted");
  const [a, b] = [await trained("bases A", lab.seed, train), await trained("bases B", lab.seed + 100, train)];
  const ownTuned = await trained("bases A tuned", lab.seed, task, a);
  const tuned = await trained("bases B tuned", lab.seed + 100, task, b);
  const sets = setsOf(images, ["inverted"]);
  const spec = await detectSpec(a);
  const added = async (one: TunedModel, align: TaskAlign): Promise<Scaled> => {
    const { parts } = await alignTasks([one], a, spec, { align, signal: lab.signal });
    return bestScale(lab, sets, (taskScale) =>
      blendModels(parts, { blend: "task_arithmetic", base: a, settings: { taskScale } }),
    );
  };
  const found = {
    seed: lab.seed,
    base: await accuracyOn(lab, a, sets.test),
    own: await added({ model: ownTuned }, "none"),
    none: await added({ model: tuned, base: b }, "none"),
    aligned: await added({ model: tuned, base: b }, "bases"),
  };
  lab.note(
    `seed ${lab.seed}: ${percent(found.base)} without, ${percent(found.none.accuracy)} as it is, ${percent(found.aligned.accuracy)} moved`,
  );
  return found;
}

/** Mean and standard error. */
export function meanAndError(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (values.length - 1) / values.length) };
}

async function run(lab: Lab): Promise<Outcome> {
  const all = await lab.images();
  const images = split(all);
  const { units, hidden } = usualSizes(lab);
  const { height, width, channels, classes } = images.train;
  const mlp = mlpFor(images.train, units, hidden);
  const c = lab.quick ? 8 : 16;
  const plan = [c, "pool", 2 * c, "pool", 4 * c] as const;
  const vgg: Architecture = {
    family: "vgg",
    norm: "layer",
    input: [height, width, channels],
    plan,
    dense: [8 * c, classes],
  };
  const ofOne = [await oneBase(lab, "perceptron", mlp, images), await oneBase(lab, "VGG", vgg, images)];
  const ofTwo: TwoBases[] = [];
  for (let i = 0; i < SEEDS; i++) ofTwo.push(await twoBases({ ...lab, seed: lab.seed + 1000 * i }, mlp, images));
  const gains = ofTwo.map(({ none, aligned }) => aligned.accuracy - none.accuracy);
  const { mean, error } = meanAndError(gains);
  const rows = ofOne.flatMap((each) => each.rows);
  const gained = meanAndError(rows.map(({ none, aligned }) => aligned.accuracy - none.accuracy));
  return {
    explanation:
      "Table 1: four fine-tunes of one base, on two biased halves of the images, on inverted and on noisy images, are merged by their differences from the base, as they are and with every fine-tune aligned to the base. Table 2: what a fine-tune of another base, trained apart, learnt of inverted images is added to a base as it is, and moved by the alignment of the two bases. Accuracies are means over plain and changed test images; scales are chosen on held-out training images.",
    claim: "a task vector helps another base once it is moved by the alignment of the bases (TransFusion, Theseus).",
    held: mean >= 2 * error && mean > 0,
    finding: `across bases alignment adds ${percent(mean)} (standard error ${percent(error)}, ${SEEDS} seeds); between fine-tunes of one base ${percent(gained.mean)} on average over ${rows.length} merges.`,
    settings: {
      ...describeImages(all),
      perceptron: `${hidden}×${units}`,
      VGG: plan.join("-"),
      "fine-tuning epochs": lab.quick ? TUNING.quick : TUNING.full,
    },
    figures: { oneBase: ofOne, twoBases: ofTwo },
    sections: [
      {
        heading: "Fine-tunes of one base",
        charts: await Promise.all(ofOne.map(oneChart)),
        tables: ofOne.map(oneTable),
      },
      { heading: "Across two bases", charts: [await twoChart(ofTwo)], tables: [twoTable(ofTwo)] },
    ],
  };
}

const ACCURACY = { label: "right answers (%)" };

const oneChart = ({ network, rows }: OneBase): Promise<string> => {
  const bars = rows.map(({ blend, none, aligned }) => ({
    name: blend,
    values: [100 * none.accuracy, 100 * aligned.accuracy],
  }));
  return barChart({ series: ["as they are", "aligned"], rows: bars, x: ACCURACY }, { title: network });
};

const twoChart = (all: readonly TwoBases[]): Promise<string> => {
  const rows = all.map(({ seed, base, own, none, aligned }) => ({
    name: `seed ${seed}`,
    values: [base, own.accuracy, none.accuracy, aligned.accuracy].map((value) => 100 * value),
  }));
  const series = ["base A", "its own task vector", "B's as it is", "B's, moved"];
  return barChart({ series, rows, x: ACCURACY }, { title: "Base A with a task vector added" });
};

const shown = ({ accuracy, scale }: Scaled): string => `${percent(accuracy)} at ${scale}`;

const oneTable = ({ network, base, tuned, mean, rows }: OneBase) => ({
  caption: `${network}: base ${percent(base)}, fine-tunes ${tuned.map(percent).join(", ")}, their mean ${percent(mean)}`,
  header: ["blend", "as they are", "aligned to the base"],
  rows: rows.map(({ blend, none, aligned }) => [blend, shown(none), shown(aligned)]),
});

const twoTable = (all: readonly TwoBases[]) => ({
  caption: "Accuracy of base A with a task vector added",
  header: ["seed", "base A", "its own task vector", "B's as it is", "B's, moved"],
  rows: all.map(({ seed, base, own, none, aligned }) => [
    String(seed),
    percent(base),
    shown(own),
    shown(none),
    shown(aligned),
  ]),
});

export const tasks: Experiment = {
  name: "tasks",
  title: "Fine-tunes merged by their task vectors",
  summary:
    "task arithmetic, TIES, DARE and Iso-C of fine-tunes of one base, and task vectors across two bases, aligned or not",
  needsData: true,
  run,
};
