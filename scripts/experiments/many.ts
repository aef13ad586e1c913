/** Many perceptrons into one, each trained on a random half of the images (paper, Section 5.5). */

import { keepModel } from "../../src/base/keep-model.ts";
import type { Model } from "../../src/base/model.ts";
import { createRng, randomPermutation } from "../../src/base/rng.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { firstImages, subset } from "../../src/data/select.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import type { ManyReport } from "../../src/many/align-many.ts";
import { mergeMany } from "../../src/many/merge-many.ts";
import { barChart } from "../../src/report/bar-chart.ts";
import { reliabilityChart } from "../../src/report/reliability-chart.ts";
import { type Answered, answersTable, ensembleOf, judge, logitsOf, plainMean } from "./answers.ts";
import { nats, percent } from "./barrier-table.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Lab, mlpRecipe } from "./lab.ts";

/** The paper: 32 models of 3×512, 100 epochs. */
const SIZES = {
  quick: { models: 8, units: 256, hidden: 2, epochs: 24 },
  full: { models: 12, units: 512, hidden: 3, epochs: 25 },
};
/** With `quick`: few images are soon known by heart, which is when a calibration shows anything. */
const QUICK_IMAGES = 5000;
const STRATEGIES = ["merge-many", "cycle-consistent"] as const;

function randomHalf(data: Dataset, seed: number): Dataset {
  return subset(data, randomPermutation(data.count, createRng(seed)).subarray(0, Math.ceil(data.count / 2)));
}

async function trainAll(lab: Lab, train: Dataset, sizes: (typeof SIZES)["quick"]): Promise<Model[]> {
  const models: Model[] = [];
  for (let i = 0; i < sizes.models; i++) {
    const half = randomHalf(train, lab.seed + i);
    models.push(await lab.trained(mlpRecipe(lab, half, { ...sizes, label: `model ${i + 1}`, offset: i })));
  }
  return models;
}

async function run(lab: Lab): Promise<Outcome> {
  const all = await lab.images();
  const images = lab.quick ? { ...all, train: firstImages(all.train, QUICK_IMAGES) } : all;
  const { test } = images;
  const sizes = lab.quick ? SIZES.quick : SIZES.full;
  const models = await trainAll(lab, images.train, sizes);
  const said = [];
  for (const model of models) said.push(await logitsOf(lab, model, test));
  const individuals = said.map((one, i) => judge(models[i]!.name, one, test));
  const merged: Answered[] = [];
  const reports: ManyReport[] = [];
  for (const strategy of STRATEGIES) {
    const { signal, onProgress, seed } = lab;
    const { model, report } = await mergeMany(models, await detectSpec(models[0]!), {
      strategy,
      seed,
      signal,
      onProgress,
    });
    merged.push(judge(strategy, await logitsOf(lab, await keepModel(model), test), test));
    reports.push(report);
    lab.note(`${strategy}: ${report.rounds} rounds, test loss ${merged.at(-1)!.loss.toFixed(4)}`);
  }
  const naive = judge("naive mean", await logitsOf(lab, await plainMean(models), test), test);
  const ensemble = judge("ensemble", ensembleOf(said), test);
  const network = { models: sizes.models, network: `${sizes.hidden}×${sizes.units}`, epochs: sizes.epochs };
  return outcomeOf({ individuals, merged, naive, ensemble }, reports, { ...describeImages(images), ...network });
}

interface Judged {
  readonly individuals: readonly Answered[];
  readonly merged: readonly Answered[];
  readonly naive: Answered;
  readonly ensemble: Answered;
}

const won = (better: boolean): string => (better ? "better" : "not better");

const meanOf = (all: readonly Answered[], value: (one: Answered) => number): number =>
  all.reduce((sum, one) => sum + value(one), 0) / all.length;

async function outcomeOf(
  { individuals, merged, naive, ensemble }: Judged,
  reports: readonly ManyReport[],
  settings: Outcome["settings"],
): Promise<Outcome> {
  const [many] = merged as [Answered];
  const loss = meanOf(individuals, (one) => one.loss);
  const error = meanOf(individuals, ({ calibration }) => calibration.error);
  const signs = {
    lossBelowNaive: many.loss < naive.loss,
    lossBelowSingle: many.loss < loss,
    calibrationBelowSingle: many.calibration.error < error,
  };
  const all = [...merged, naive, ensemble, ...individuals];
  const bars = (title: string, value: (one: Answered) => number, label: string): Promise<string> => {
    const rows = all.map((one) => ({ name: one.name, values: [value(one)] }));
    return barChart({ series: [label], rows, x: { label } }, { title });
  };
  const shown = [...merged, naive, ensemble, individuals[0]!];
  const reliable = shown.map(({ name, calibration: { bins, error: ece } }) => ({
    name: `${name} (ECE ${percent(ece)})`,
    bins,
  }));
  return {
    explanation:
      "Perceptrons are trained from different seeds, each on a random half of the training images, and merged into one: by the paper's MergeMany and by joint matching to a common universe (C²M³). The merge is compared on test images with the naive mean of all, with their ensemble (mean of logits) and with each of them. In the calibration plot a model is as often right as it says on the diagonal.",
    claim:
      "MergeMany makes one model out of many where their plain mean fails; its test loss is below that of the single models and its confidence fits its accuracy better.",
    held: Object.values(signs).every(Boolean),
    finding: `against the naive mean's loss ${won(signs.lossBelowNaive)}, against the single models' loss ${won(signs.lossBelowSingle)}, against their calibration ${won(signs.calibrationBelowSingle)}. MergeMany of ${individuals.length} has test loss ${nats(many.loss)} and calibration error ${percent(many.calibration.error)}; single models ${nats(loss)} and ${percent(error)} on average, the naive mean ${nats(naive.loss)} and ${percent(naive.calibration.error)}, the ensemble ${nats(ensemble.loss)} and ${percent(ensemble.calibration.error)}.`,
    settings,
    figures: { signs, test: { merged, naive, ensemble, individuals }, reports },
    sections: [
      { heading: "Calibration", charts: [await reliabilityChart(reliable, { title: "Sure, and right" })] },
      {
        heading: "On test images",
        charts: [
          await bars("Loss", (one) => one.loss, "loss (nats)"),
          await bars("Accuracy", ({ accuracy }) => 100 * accuracy, "right answers (%)"),
        ],
        tables: [answersTable("On test images", all)],
      },
    ],
  };
}

export const many: Experiment = {
  name: "many",
  title: "Many models into one",
  summary: "MergeMany of perceptrons trained on random halves, with calibration",
  needsData: true,
  run,
};
