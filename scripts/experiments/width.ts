/** The barrier after matching against the width of networks (paper, figure 4). */

import type { Dataset } from "../../src/data/dataset.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import type { Barrier } from "../../src/measure/barrier.ts";
import { lineChart } from "../../src/report/line-chart.ts";
import type { ReportSection } from "../../src/report/report-page.ts";
import { barrierTable, nats } from "./barrier-table.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Lab, mlpRecipe } from "./lab.ts";
import { barriersOf, NOTHING_MOVED, pointsOf, type SplitName, sampleLine } from "./lines.ts";
import type { Recipe } from "./train-kept.ts";

/** A family of networks at several widths. */
interface Series {
  readonly name: string;
  readonly widths: readonly number[];
  recipe(label: string, offset: number, width: number): Recipe;
}

interface Measured {
  readonly width: number;
  readonly naive: Record<SplitName, Barrier>;
  readonly aligned: Record<SplitName, Barrier>;
}

const QUICK_EPOCHS = 8;
const FULL_EPOCHS = 25;

function seriesOf(lab: Lab, train: Dataset): Series[] {
  const epochs = lab.quick ? QUICK_EPOCHS : FULL_EPOCHS;
  const perceptrons: Series = {
    name: "perceptron",
    widths: lab.quick ? [8, 32, 128, 256] : [16, 32, 64, 128, 256, 512, 1024],
    recipe: (label, offset, units) =>
      mlpRecipe(lab, train, { label, offset, units, hidden: lab.quick ? 2 : 3, epochs }),
  };
  return lab.quick ? [perceptrons] : [perceptrons, vgg(lab, train), resnet(lab, train)];
}

/** SGD with a warm-up and a cosine, as the paper trains convolutional networks; fewer epochs. */
const CONV_TRAINING = {
  epochs: FULL_EPOCHS,
  batch: 100,
  optimizer: "sgd",
  momentum: 0.9,
  weightDecay: 1e-4,
} as const;

function vgg(lab: Lab, train: Dataset): Series {
  const { height, width, channels, classes } = train;
  return {
    name: "VGG with LayerNorm",
    widths: [4, 8, 16, 32],
    recipe: (label, offset, c) => ({
      label,
      data: train,
      seed: lab.seed + offset,
      ...CONV_TRAINING,
      learningRate: 0.02,
      architecture: {
        family: "vgg",
        norm: "layer",
        input: [height, width, channels],
        plan: [c, "pool", 2 * c, "pool", 4 * c, 4 * c, "pool"],
        dense: [8 * c, classes],
      },
    }),
  };
}

function resnet(lab: Lab, train: Dataset): Series {
  const { channels, classes } = train;
  return {
    name: "ResNet20 with LayerNorm",
    widths: [4, 8, 16, 32],
    recipe: (label, offset, width) => ({
      label,
      data: train,
      seed: lab.seed + offset,
      ...CONV_TRAINING,
      learningRate: 0.05,
      architecture: { family: "resnet", norm: "layer", depth: 20, width, channels, classes },
    }),
  };
}

async function measure(lab: Lab, { name, widths, recipe }: Series): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const width of widths) {
    const a = await lab.trained(recipe(`${name} ${width} A`, 0, width));
    const b = await lab.trained(recipe(`${name} ${width} B`, 1, width));
    const spec = await detectSpec(a);
    const { permutations } = await matchWeights(a, b, spec, { signal: lab.signal, onProgress: lab.onProgress });
    const naive = await sampleLine(lab, `${name} ${width} naive`, { a, b, spec, orders: NOTHING_MOVED });
    const aligned = await sampleLine(lab, `${name} ${width} aligned`, { a, b, spec, orders: permutations });
    measured.push({ width, naive: barriersOf(naive), aligned: barriersOf(aligned) });
  }
  return measured;
}

const heightOf = (barrier: Barrier): number => barrier.maxMinusMeanEndpoints;

async function run(lab: Lab): Promise<Outcome> {
  const images = await lab.images();
  const families: { name: string; measured: Measured[] }[] = [];
  for (const series of seriesOf(lab, images.train))
    families.push({ name: series.name, measured: await measure(lab, series) });
  const ends = families.map(({ name, measured }) => ({ name, narrow: measured[0]!, wide: measured.at(-1)! }));
  const sections: ReportSection[] = [];
  for (const { name, measured } of families) sections.push(await sectionOf(name, measured));
  return {
    explanation:
      "Pairs of networks of rising width are trained alike, the second is matched to the first by weights (Frank–Wolfe), and the barrier on the line between them is measured with and without the match.",
    claim: "the wider the networks, the lower the barrier that is left after matching.",
    held: ends.every(({ narrow, wide }) =>
      (["train", "test"] as const).every((split) => heightOf(wide.aligned[split]) < heightOf(narrow.aligned[split])),
    ),
    finding: `${ends
      .map(
        ({ name, narrow, wide }) =>
          `${name}: from width ${narrow.width} to ${wide.width} the matched barrier falls from ${nats(heightOf(narrow.aligned.train))} to ${nats(heightOf(wide.aligned.train))} on training images, from ${nats(heightOf(narrow.aligned.test))} to ${nats(heightOf(wide.aligned.test))} on test images`,
      )
      .join("; ")} (nats).`.replaceAll(/falls from (\S+) to (\S+) on/g, (text, from, to) =>
      Number(to) < Number(from) ? text : text.replace("falls", "goes"),
    ),
    settings: { ...describeImages(images), epochs: lab.quick ? QUICK_EPOCHS : FULL_EPOCHS, points: pointsOf(lab) },
    figures: { families },
    sections,
  };
}

async function sectionOf(name: string, measured: readonly Measured[]): Promise<ReportSection> {
  const charts: string[] = [];
  const ticks = measured.map(({ width }) => width);
  for (const split of ["train", "test"] as const) {
    const series = (["naive", "aligned"] as const).map((line) => ({
      name: line,
      points: measured.map((one) => ({ x: one.width, y: heightOf(one[line][split]) })),
    }));
    const title = split === "train" ? "On training images" : "On test images";
    const x = { label: "width", type: "log", ticks } as const;
    charts.push(await lineChart({ series, x, y: { label: "barrier (nats)" } }, { title }));
  }
  const rows = (line: "naive" | "aligned") => measured.map((one) => [`width ${one.width}`, one[line]] as const);
  return {
    heading: `Barrier against width: ${name}`,
    charts,
    tables: [
      barrierTable("Matched (nats)", "network", rows("aligned")),
      barrierTable("As they are (nats)", "network", rows("naive")),
    ],
  };
}

export const width: Experiment = {
  name: "width",
  title: "The barrier against width",
  summary: "barrier after matching against width: perceptrons, and VGG and ResNet without --quick",
  needsData: true,
  run,
};
