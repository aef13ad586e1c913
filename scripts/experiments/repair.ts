/** How many images a repair needs: accuracy of repaired midpoints, naive and aligned, by every kind of repair. */

import type { Model } from "../../src/base/model.ts";
import type { Dataset } from "../../src/data/dataset.ts";
import { firstImages } from "../../src/data/select.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import type { Architecture } from "../../src/families/initialise.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import { applyPermutations } from "../../src/perm/apply-permutations.ts";
import { repairModel } from "../../src/repair/repair-model.ts";
import type { RepairKind } from "../../src/repair/report.ts";
import { lineChart } from "../../src/report/line-chart.ts";
import type { ReportSection } from "../../src/report/report-page.ts";
import { evaluateModel } from "../../src/run/models/evaluate-model.ts";
import { percent } from "./barrier-table.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Lab, mlpRecipe, usualSizes } from "./lab.ts";
import type { Recipe } from "./train-kept.ts";

/** One pair of networks. */
interface Pair {
  readonly name: string;
  /** BatchNorm's statistics can be reset; the other repairs need them reset, too. */
  readonly hasBatchNorm: boolean;
  recipe(label: string, offset: number): Recipe;
}

/** Accuracy of one way to repair against the number of images. */
interface Way {
  readonly start: "naive" | "aligned";
  readonly kind: RepairKind;
  readonly accuracies: readonly number[];
}

interface Measured {
  readonly name: string;
  readonly images: readonly number[];
  readonly parents: readonly [number, number];
  /** Without images. */
  readonly plain: Readonly<Record<Way["start"], number>>;
  readonly ways: readonly Way[];
}

const IMAGES = [5, 10, 30, 100, 500, 2000];
const QUICK_EPOCHS = 4;
const FULL_EPOCHS = 15;

function pairsOf(lab: Lab, train: Dataset): Pair[] {
  const { height, width, channels, classes } = train;
  const c = lab.quick ? 8 : 16;
  const conv = (name: string, hasBatchNorm: boolean, architecture: Architecture, learningRate: number): Pair => ({
    name,
    hasBatchNorm,
    recipe: (label, offset) => ({
      label,
      architecture,
      data: train,
      seed: lab.seed + offset,
      epochs: lab.quick ? QUICK_EPOCHS : FULL_EPOCHS,
      batch: 100,
      optimizer: "sgd",
      momentum: 0.9,
      weightDecay: 1e-4,
      learningRate,
    }),
  });
  const vgg: Architecture = {
    family: "vgg",
    norm: "batch",
    input: [height, width, channels],
    plan: [c, "pool", 2 * c, "pool", 4 * c, "pool"],
    dense: [8 * c, classes],
  };
  const resnet = { family: "resnet", norm: "layer", depth: lab.quick ? 8 : 20, width: c, channels, classes } as const;
  return [
    {
      name: "perceptron",
      hasBatchNorm: false,
      recipe: (label, offset) => mlpRecipe(lab, train, { label, offset, ...usualSizes(lab) }),
    },
    conv("VGG with BatchNorm", true, vgg, 0.02),
    conv(`ResNet${resnet.depth} with LayerNorm`, false, resnet, 0.05),
  ];
}

async function measure(lab: Lab, { name, hasBatchNorm, recipe }: Pair): Promise<Measured> {
  const { train, test } = await lab.images();
  const a = await lab.trained(recipe(`${name} A`, 0));
  const b = await lab.trained(recipe(`${name} B`, 1));
  const spec = await detectSpec(a);
  const { signal, onProgress } = lab;
  const { permutations } = await matchWeights(a, b, spec, { signal, onProgress });
  const ends = { naive: b, aligned: await applyPermutations(b, spec, permutations) };
  const accuracyOf = async (model: Model): Promise<number> =>
    (await evaluateModel(model, test, { signal, onProgress })).accuracy;
  const images = IMAGES.filter((count) => count <= train.count);
  const plain = { naive: 0, aligned: 0 };
  const ways: Way[] = [];
  for (const start of ["naive", "aligned"] as const) {
    const merged = await mergeModels(a, ends[start], spec, new Map());
    plain[start] = await accuracyOf(merged);
    for (const kind of hasBatchNorm
      ? (["bn-reset", "repair", "least-squares"] as const)
      : (["repair", "least-squares"] as const)) {
      const accuracies: number[] = [];
      for (const count of images) {
        const data = firstImages(train, count);
        const repaired = await repairModel(merged, [a, ends[start]], data, { kind, signal, onProgress });
        accuracies.push(await accuracyOf(repaired.model));
      }
      lab.note(`${name}, ${start}, ${kind}: ${accuracies.map(percent).join(", ")}`);
      ways.push({ start, kind, accuracies });
    }
  }
  return { name, images, parents: [await accuracyOf(a), await accuracyOf(b)], plain, ways };
}

const wayOf = ({ ways }: Measured, start: Way["start"], kind: RepairKind): readonly number[] =>
  ways.find((way) => way.start === start && way.kind === kind)!.accuracies;

async function run(lab: Lab): Promise<Outcome> {
  const data = await lab.images();
  const measured: Measured[] = [];
  for (const pair of pairsOf(lab, data.train)) measured.push(await measure(lab, pair));
  const sections: ReportSection[] = [];
  for (const each of measured) sections.push(await sectionOf(each));
  const most = (each: Measured): number => each.images.length - 1;
  // Where the merge is as good as its parents, there is nothing to repair.
  const short = measured.filter(({ parents: [a, b], plain }) => plain.aligned < (a + b) / 2 - 0.01);
  const held = short.every((each) => {
    const best = wayOf(each, "aligned", "least-squares")[most(each)]!;
    return best > each.plain.aligned && best > wayOf(each, "aligned", "repair")[most(each)]!;
  });
  const said = measured.map((each) => {
    const [first, last] = [each.images[0]!, each.images[most(each)]!];
    const at = (start: Way["start"], i: number): string => percent(wayOf(each, start, "least-squares")[i]!);
    return `${each.name} (parents ${each.parents.map(percent).join(" and ")}): ${at("naive", 0)} naive and ${at("aligned", 0)} aligned with ${first} images, ${at("naive", most(each))} and ${at("aligned", most(each))} with ${last}; without images ${percent(each.plain.naive)} and ${percent(each.plain.aligned)}`;
  });
  return {
    explanation:
      "Pairs of networks are trained from different seeds and averaged, as they are and aligned by weights. The averages are repaired by the first training images, without labels, in every way there is, and their accuracy is measured on the test images.",
    claim:
      "least squares after alignment (PLeaS, arXiv 2407.02447) brings a merge that falls short of its parents closer to them than setting its statistics right does.",
    held,
    finding: `least squares reaches, ${said.join("; ")}.`,
    settings: { ...describeImages(data), epochs: lab.quick ? QUICK_EPOCHS : FULL_EPOCHS, ridge: 0.01 },
    figures: { pairs: measured },
    sections,
  };
}

async function sectionOf(measured: Measured): Promise<ReportSection> {
  const { name, images, ways, plain, parents } = measured;
  const series = ways.map(({ start, kind, accuracies }) => ({
    name: `${kind}, ${start}`,
    points: images.map((x, i) => ({ x, y: accuracies[i]! })),
  }));
  const x = { label: "images", type: "log", ticks: images } as const;
  const chart = await lineChart({ series, x, y: { label: "accuracy" } }, { title: name, width: 700 });
  return {
    heading: `Accuracy against images: ${name}`,
    text: [`Parents: ${parents.map(percent).join(" and ")}.`],
    charts: [chart],
    tables: [
      {
        caption: "Accuracy on the test images",
        header: ["repair", "mean", "without", ...images.map((count) => `${count} images`)],
        rows: ways.map(({ start, kind, accuracies }) => [
          kind,
          start,
          percent(plain[start]),
          ...accuracies.map(percent),
        ]),
      },
    ],
  };
}

export const repair: Experiment = {
  name: "repair",
  title: "How many images a repair needs",
  summary: "accuracy of repaired midpoints against the number of images, naive and aligned, by every kind of repair",
  needsData: true,
  run,
};
