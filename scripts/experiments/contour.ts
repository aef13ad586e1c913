/** The loss on the plane through A, B and π(B) (paper, figure 1). */

import { firstImages } from "../../src/data/select.ts";
import { detectSpec } from "../../src/families/detect-spec.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import { sampleContour } from "../../src/measure/contour.ts";
import { contourChart } from "../../src/report/contour-chart.ts";
import { barrierTable, nats } from "./barrier-table.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Lab, mlpRecipe, usualSizes } from "./lab.ts";
import { barriersOf, NOTHING_MOVED, pointsOf, sampleLine } from "./lines.ts";

/** Grid points a side, and training images that each is evaluated on. */
const GRID = { quick: { points: 17, images: 1000 }, full: { points: 31, images: 5000 } };

async function run(lab: Lab): Promise<Outcome> {
  const images = await lab.images();
  const sizes = usualSizes(lab);
  const { points, images: count } = lab.quick ? GRID.quick : GRID.full;
  const a = await lab.trained(mlpRecipe(lab, images.train, { label: "A", offset: 0, ...sizes }));
  const b = await lab.trained(mlpRecipe(lab, images.train, { label: "B", offset: 1, ...sizes }));
  const spec = await detectSpec(a);
  const { signal, onProgress } = lab;
  const { permutations } = await matchWeights(a, b, spec, { signal, onProgress });
  const looked = firstImages(images.train, count);
  const plane = await sampleContour({ a, b, spec, permutations }, looked, { points, signal, onProgress });
  const naive = barriersOf(await sampleLine(lab, "A to B", { a, b, spec, orders: NOTHING_MOVED }));
  const aligned = barriersOf(await sampleLine(lab, "A to π(B)", { a, b, spec, orders: permutations }));
  const [first, last] = [plane.x[0]!, plane.x.at(-1)!];
  const chart = await contourChart(
    { columns: points, rows: points, values: plane.loss, x: [first, last], y: [first, last] },
    [
      { name: "A", ...plane.points.a },
      { name: "B", ...plane.points.b },
      { name: "π(B)", ...plane.points.aligned },
    ],
    { title: "Loss on training images", width: 700, xLabel: "along B − A", yLabel: "across, towards π(B)" },
  );
  const [before, after] = [naive.train.maxMinusMeanEndpoints, aligned.train.maxMinusMeanEndpoints];
  return {
    explanation:
      "Two perceptrons A and B are trained from different seeds; π(B) is B in other units, found by weight matching (Frank–Wolfe): the same function at another place. The picture shows the training loss on the plane through the three; lengths are in units of that between A and B. The barriers are those on the straight lines from A to B and from A to π(B).",
    claim: "A and B lie in two basins with a ridge between them, and π(B) lies in the basin of A.",
    held: after < before,
    finding: `the barrier on training images is ${nats(before)} nats from A to B and ${nats(after)} from A to π(B).`,
    settings: {
      ...describeImages(images),
      network: `${sizes.hidden}×${sizes.units}`,
      epochs: sizes.epochs,
      grid: `${points}×${points}`,
      "images a grid point": looked.count,
      points: pointsOf(lab),
    },
    figures: { plane, barrier: { naive, aligned } },
    sections: [
      {
        heading: "The plane through A, B and π(B)",
        charts: [chart],
        tables: [
          barrierTable("Loss barriers (nats)", "line", [
            ["A to B", naive],
            ["A to π(B)", aligned],
          ]),
        ],
      },
    ],
  };
}

export const contour: Experiment = {
  name: "contour",
  title: "The loss around two perceptrons",
  summary: "the loss on the plane through A, B and π(B)",
  needsData: true,
  run,
};
