/** Two perceptrons, and every way to align the second to the first (paper, figure 2). */

import type { Spec } from "../../src/axes/types.ts";
import type { Model } from "../../src/base/model.ts";
import { matchActivations } from "../../src/by-data/match-activations.ts";
import { matchStraightThrough } from "../../src/by-data/straight-through/straight-through.ts";
import { firstImages } from "../../src/data/select.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import type { Barrier, Curve } from "../../src/measure/barrier.ts";
import { curveChart } from "../../src/report/curve-chart.ts";
import { lineChart } from "../../src/report/line-chart.ts";
import type { ReportSection } from "../../src/report/report-page.ts";
import { barrierTable, nats, percent } from "./barrier-table.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Lab, mlpRecipe, usualSizes } from "./lab.ts";
import { barriersOf, midpointOf, NOTHING_MOVED, type Orders, pointsOf, type SplitName, sampleLine } from "./lines.ts";

interface Line {
  readonly name: string;
  readonly seconds: number;
  readonly curves: Record<SplitName, Curve>;
  readonly barriers: Record<SplitName, Barrier>;
}

/** Images that activations are taken on. */
const LOOKED_AT = 10_000;

type Matcher = (a: Model, b: Model, spec: Spec) => Promise<Orders>;

async function matchersOf(lab: Lab): Promise<[name: string, match: Matcher][]> {
  const { train } = await lab.images();
  const { signal, onProgress, seed } = lab;
  const weights =
    (method: "frank-wolfe" | "coordinate"): Matcher =>
    async (a, b, spec) =>
      (await matchWeights(a, b, spec, { method, seed, signal, onProgress })).permutations;
  // Without --quick: the library's own 200 steps of 1,000 images.
  const steps = lab.quick ? { steps: 40, batch: Math.min(500, Math.ceil(train.count / 2)) } : {};
  return [
    ["naive", async () => NOTHING_MOVED],
    ["weights, Frank–Wolfe", weights("frank-wolfe")],
    ["weights, coordinate descent", weights("coordinate")],
    [
      "activations",
      async (a, b, spec) =>
        (await matchActivations(a, b, spec, firstImages(train, LOOKED_AT), { signal, onProgress })).permutations,
    ],
    [
      "straight-through",
      async (a, b, spec) =>
        (await matchStraightThrough(a, b, spec, train, { ...steps, seed, signal, onProgress })).permutations,
    ],
  ];
}

async function run(lab: Lab): Promise<Outcome> {
  const images = await lab.images();
  const sizes = usualSizes(lab);
  const a = await lab.trained(mlpRecipe(lab, images.train, { label: "A", offset: 0, ...sizes }));
  const b = await lab.trained(mlpRecipe(lab, images.train, { label: "B", offset: 1, ...sizes }));
  const spec = await detectSpec(a);
  const lines: Line[] = [];
  for (const [name, match] of await matchersOf(lab)) {
    const started = performance.now();
    const orders = await match(a, b, spec);
    const seconds = (performance.now() - started) / 1000;
    const curves = await sampleLine(lab, name, { a, b, spec, orders });
    lines.push({ name, seconds, curves, barriers: barriersOf(curves) });
  }
  return outcomeOf(lab, lines, {
    ...describeImages(images),
    network: `${sizes.hidden}×${sizes.units}`,
    epochs: sizes.epochs,
  });
}

async function outcomeOf(lab: Lab, lines: readonly Line[], settings: Outcome["settings"]): Promise<Outcome> {
  const height = (line: Line, split: SplitName): number => line.barriers[split].maxMinusMeanEndpoints;
  const [naive, ...aligned] = lines as [Line, ...Line[]];
  const held = aligned.every((line) =>
    (["train", "test"] as const).every((split) => height(line, split) < height(naive, split)),
  );
  const sections: ReportSection[] = [];
  for (const split of ["test", "train"] as const) sections.push(...(await sectionsOf(lines, split)));
  const said = aligned.map((line) => `${line.name} ${nats(height(line, "train"))}`).join(", ");
  return {
    explanation:
      "Two perceptrons are trained on the same images from different seeds. The second is put into the units of the first by each of the library's ways: weight matching (Frank–Wolfe and the paper's coordinate descent), activation matching and the straight-through estimator. Then loss and accuracy are measured at equal steps along the line between the two.",
    claim:
      "all three kinds of matching nearly remove the loss barrier that stands between two trained perceptrons as they are.",
    held,
    finding: `the barrier on training images is ${nats(height(naive, "train"))} nats as they are; ${said}.`,
    settings: { ...settings, points: pointsOf(lab) },
    figures: {
      lambda: naive.curves.test.points.map(({ lambda }) => lambda),
      methods: lines.map(({ name, seconds, curves, barriers }) => ({
        name,
        seconds,
        train: splitFigures(curves.train, barriers.train),
        test: splitFigures(curves.test, barriers.test),
      })),
    },
    sections: [
      ...sections,
      {
        heading: "In numbers",
        tables: [
          barrierTable(
            "Loss barriers (nats)",
            "method",
            lines.map(({ name, barriers }) => [name, barriers]),
          ),
          midpointTable(lines),
        ],
      },
    ],
  };
}

/** All lines, and below them the matched ones alone, which lie close together. */
async function sectionsOf(lines: readonly Line[], split: SplitName): Promise<ReportSection[]> {
  const curves = lines.map((line) => line.curves[split]);
  const matched = curves.slice(1);
  const losses = matched.flatMap(({ points }) => points.map(({ loss }) => loss));
  const series = matched.map(({ name, points }) => ({
    name,
    points: points.map(({ lambda, loss }) => ({ x: lambda, y: loss })),
  }));
  const y = { label: "loss (nats)", domain: [Math.min(...losses), Math.max(...losses)] } as const;
  const images = split === "test" ? "test images" : "training images";
  // Charts stand alone, as wide as the page; the naive line comes last, so that the others keep their colours.
  const all = await curveChart([...matched, curves[0]!], { title: "From A to B" });
  const enlarged = await lineChart(
    { series, x: { label: "λ, share of B" }, y },
    { title: "The matched lines alone", width: 700 },
  );
  return [
    { heading: `On ${images}`, charts: [all] },
    { heading: `On ${images}, enlarged`, charts: [enlarged] },
  ];
}

const splitFigures = ({ points }: Curve, barrier: Barrier) => ({
  loss: points.map(({ loss }) => loss),
  accuracy: points.map(({ accuracy }) => accuracy),
  barrier,
});

function midpointTable(lines: readonly Line[]) {
  return {
    caption: "Halfway",
    header: ["method", "train loss", "train accuracy", "test loss", "test accuracy", "time to match"],
    rows: lines.map(({ name, curves, seconds }) => {
      const [train, test] = [midpointOf(curves.train), midpointOf(curves.test)];
      return [
        name,
        nats(train.loss),
        percent(train.accuracy),
        nats(test.loss),
        percent(test.accuracy),
        `${seconds.toFixed(1)} s`,
      ];
    }),
  };
}

export const interpolation: Experiment = {
  name: "interpolation",
  title: "Between two perceptrons: every way to match",
  summary: "loss between two perceptrons: naive, weights, activations, straight-through",
  needsData: true,
  run,
};
