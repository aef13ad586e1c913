/** Models trained on different shares of the data, merged (paper, Section 5.4). */

import { createRng } from "../../src/base/rng.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { subset } from "../../src/data/select.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { barChart } from "../../src/report/bar-chart.ts";
import { curveChart } from "../../src/report/curve-chart.ts";
import { reliabilityChart } from "../../src/report/reliability-chart.ts";
import { type Answered, answersTable, ensembleOf, judge, logitsOf } from "./answers.ts";
import { nats, percent } from "./barrier-table.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Lab, mlpRecipe, usualSizes } from "./lab.ts";
import { NOTHING_MOVED, pointsOf, sampleLine } from "./lines.ts";

/** Share of the images of a model's own classes that it sees; of the other classes it sees the rest. */
const OWN = 0.8;

/** More than elsewhere: the merge gains where its parents are sure of their own classes, which takes its time. */
const EPOCHS = { quick: 24, full: 50 };

/** A's and B's images: every image is in one of them. A's own are the classes of the lower half. */
export function biasedHalves(data: Dataset, seed: number): [a: Dataset, b: Dataset] {
  const rng = createRng(seed);
  const halves: [number[], number[]] = [[], []];
  for (let i = 0; i < data.count; i++) {
    const own = data.labels[i]! < data.classes / 2 ? 0 : 1;
    halves[rng.uniform() < OWN ? own : 1 - own]!.push(i);
  }
  return [subset(data, halves[0]), subset(data, halves[1])];
}

async function run(lab: Lab): Promise<Outcome> {
  const images = await lab.images();
  const { train, test } = images;
  const sizes = { ...usualSizes(lab), epochs: lab.quick ? EPOCHS.quick : EPOCHS.full };
  const [ofA, ofB] = biasedHalves(train, lab.seed);
  const a = await lab.trained(mlpRecipe(lab, ofA, { label: "split A", offset: 0, ...sizes }));
  const b = await lab.trained(mlpRecipe(lab, ofB, { label: "split B", offset: 1, ...sizes }));
  const joint = await lab.trained(mlpRecipe(lab, train, { label: "joint", offset: 0, ...sizes }));
  const spec = await detectSpec(a);
  const { permutations } = await matchWeights(a, b, spec, { signal: lab.signal, onProgress: lab.onProgress });
  const [byA, byB] = [await logitsOf(lab, a, test), await logitsOf(lab, b, test)];
  const middle = (orders: ReadonlyMap<string, Int32Array>) => mergeModels(a, b, spec, orders, { lambda: 0.5 });
  const answered = [
    judge("A", byA, test),
    judge("B", byB, test),
    judge("merge", await logitsOf(lab, await middle(permutations), test), test),
    judge("naive mean", await logitsOf(lab, await middle(NOTHING_MOVED), test), test),
    judge("ensemble", ensembleOf([byA, byB]), test),
    judge("joint training", await logitsOf(lab, joint, test), test),
  ];
  const naive = await sampleLine(lab, "naive", { a, b, spec, orders: NOTHING_MOVED });
  const aligned = await sampleLine(lab, "aligned", { a, b, spec, orders: permutations });
  const curves = await curveChart([naive.test, aligned.test], { title: "From A to B, on test images" });
  const shares = { "images of A": ofA.count, "images of B": ofB.count, "share of own classes": OWN };
  const network = { network: `${sizes.hidden}×${sizes.units}`, epochs: sizes.epochs, points: pointsOf(lab) };
  const lines = { naive: naive.test.points, aligned: aligned.test.points };
  return outcomeOf(answered, curves, lines, { ...describeImages(images), ...shares, ...network });
}

async function outcomeOf(
  answered: readonly Answered[],
  curves: string,
  lines: Outcome["figures"],
  settings: Outcome["settings"],
): Promise<Outcome> {
  const [a, b, merge, naive, ensemble, joint] = answered as [
    Answered,
    Answered,
    Answered,
    Answered,
    Answered,
    Answered,
  ];
  const bars = (title: string, value: (one: Answered) => number, label: string): Promise<string> => {
    const rows = answered.map((one) => ({ name: one.name, values: [value(one)] }));
    return barChart({ series: [label], rows, x: { label } }, { title });
  };
  const reliable = answered.map(({ name, calibration: { bins, error } }) => ({
    name: `${name} (ECE ${percent(error)})`,
    bins,
  }));
  return {
    explanation:
      "The training images are dealt out to two models: each sees four fifths of the images of its own half of the classes and a fifth of the other half's, no image is seen by both. The models are merged halfway after weight matching (Frank–Wolfe) and compared on test images with both of them, their naive mean, their ensemble (mean of logits) and one model trained on all images for as many epochs.",
    claim:
      "the merge has a lower test loss than both of the models it was made of, though a higher one than ensemble and joint training.",
    held: merge.loss < a.loss && merge.loss < b.loss,
    finding: `test loss of the merge ${nats(merge.loss)} nats; of A ${nats(a.loss)}, B ${nats(b.loss)}, the naive mean ${nats(naive.loss)}, the ensemble ${nats(ensemble.loss)}, joint training ${nats(joint.loss)}.`,
    settings,
    figures: { test: answered, lines },
    sections: [
      {
        heading: "On test images",
        charts: [
          await bars("Loss", ({ loss }) => loss, "loss (nats)"),
          await bars("Accuracy", ({ accuracy }) => 100 * accuracy, "right answers (%)"),
        ],
        tables: [answersTable("On test images", answered)],
      },
      { heading: "Between the two", charts: [curves] },
      { heading: "Calibration", charts: [await reliabilityChart(reliable, { title: "Sure, and right" })] },
    ],
  };
}

export const splitData: Experiment = {
  name: "split-data",
  title: "Merging models that were trained on different data",
  summary: "two models biased to half of the classes each: merge, ensemble, joint training",
  needsData: true,
  run,
};
