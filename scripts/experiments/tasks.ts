/** Fine-tunes merged by their task vectors: of one base, and across two bases, with and without alignment. */

import type { Architecture } from "../../src/families/initialise.ts";
import { barChart } from "../../src/report/bar-chart.ts";
import { percent } from "./barrier-table.ts";
import type { Corruption } from "./corruptions.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Lab, mlpFor, usualSizes } from "./lab.ts";
import { type OneBase, oneBase, type Scaled, split, TUNING, type TwoBases, twoBases } from "./task-vectors.ts";

/** Seeds of the second table. */
const SEEDS = 3;

/** What fine-tunes of the second table are trained for. */
const TASKS: readonly Corruption[] = ["inverted", "noisy", "turned"];

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
  for (let i = 0; i < SEEDS; i++)
    ofTwo.push(...(await twoBases({ ...lab, seed: lab.seed + 1000 * i }, mlp, images, TASKS)));
  const gains = TASKS.map((task) => {
    const all = ofTwo.filter((each) => each.task === task);
    return { task, ...meanAndError(all.map(({ none, aligned }) => aligned.accuracy - none.accuracy)) };
  });
  const rows = ofOne.flatMap((each) => each.rows);
  const gained = meanAndError(rows.map(({ none, aligned }) => aligned.accuracy - none.accuracy));
  return {
    explanation:
      "Table 1: four fine-tunes of one base, on two biased halves of the images, on inverted and on noisy images, are merged by their differences from the base, as they are and with every fine-tune aligned to the base. Table 2: what a fine-tune of another base, trained apart, learnt of inverted, noisy or turned images is added to a base as it is, and moved by the alignment of the two bases. Accuracies are means over plain and changed test images; scales are chosen on held-out training images.",
    claim: "a task vector helps another base once it is moved by the alignment of the bases (TransFusion, Theseus).",
    held: gains.every(({ mean, error }) => mean > 0 && mean >= 2 * error),
    finding: `across bases alignment adds, mean and standard error of ${SEEDS} seeds: ${gains.map(({ task, mean, error }) => `${task} ${percent(mean)}, ${percent(error)}`).join("; ")}. Between fine-tunes of one base ${percent(gained.mean)} on average over ${rows.length} merges.`,
    settings: {
      ...describeImages(all),
      perceptron: `${hidden}×${units}`,
      VGG: plan.join("-"),
      "fine-tuning epochs": lab.quick ? TUNING.quick : TUNING.full,
    },
    figures: { oneBase: ofOne, twoBases: ofTwo, gains },
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
  const rows = all.map(({ seed, task, base, own, none, aligned }) => ({
    name: `${task}, seed ${seed}`,
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
  header: ["task", "seed", "base A", "its own task vector", "B's as it is", "B's, moved"],
  rows: all.map(({ seed, task, base, own, none, aligned }) => [
    task,
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
