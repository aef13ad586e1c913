/** The barrier between two perceptrons at moments of their training, from initialisation on. */

import { detectSpec } from "../../src/families/detect-spec.ts";
import { matchWeights } from "../../src/match/match-weights.ts";
import type { Barrier } from "../../src/measure/barrier.ts";
import { lineChart } from "../../src/report/line-chart.ts";
import { barrierTable, nats } from "./barrier-table.ts";
import type { Experiment, Outcome } from "./experiment.ts";
import { describeImages, type Lab, mlpRecipe, usualSizes } from "./lab.ts";
import { barriersOf, NOTHING_MOVED, pointsOf, SPLITS, type SplitName, sampleLine } from "./lines.ts";

interface Moment {
  readonly epoch: number;
  /** Mean of the two models' own. */
  readonly loss: Record<SplitName, number>;
  readonly naive: Record<SplitName, Barrier>;
  readonly aligned: Record<SplitName, Barrier>;
}

const MOMENTS = { quick: [0, 1, 2, 3, 5, 8, 12], full: [0, 1, 2, 3, 5, 8, 12, 18, 25, 35, 50] };
/** At initialisation all models say nothing: what is left of a barrier is below this share of the worst. */
const NEARLY_NONE = 0.05;

async function run(lab: Lab): Promise<Outcome> {
  const images = await lab.images();
  const wanted = lab.quick ? MOMENTS.quick : MOMENTS.full;
  const sizes = { ...usualSizes(lab), epochs: wanted.at(-1)! };
  const snapshots = async (label: string, offset: number) =>
    lab.snapshots(mlpRecipe(lab, images.train, { label, offset, ...sizes }), wanted);
  const [as, bs] = [await snapshots("A", 0), await snapshots("B", 1)];
  const moments: Moment[] = [];
  for (const epoch of wanted) {
    const [a, b] = [as.get(epoch)!, bs.get(epoch)!];
    const spec = await detectSpec(a);
    const { permutations } = await matchWeights(a, b, spec, { signal: lab.signal, onProgress: lab.onProgress });
    const naive = await sampleLine(lab, `epoch ${epoch} naive`, { a, b, spec, orders: NOTHING_MOVED });
    const aligned = await sampleLine(lab, `epoch ${epoch} aligned`, { a, b, spec, orders: permutations });
    const ends = (split: SplitName): number => (naive[split].points[0]!.loss + naive[split].points.at(-1)!.loss) / 2;
    const loss = { train: ends("train"), test: ends("test") };
    moments.push({ epoch, loss, naive: barriersOf(naive), aligned: barriersOf(aligned) });
  }
  const settings = { ...describeImages(images), network: `${sizes.hidden}×${sizes.units}`, epochs: wanted.join(", ") };
  return outcomeOf(lab, moments, settings);
}

const heightOf = (barrier: Barrier): number => barrier.maxMinusMeanEndpoints;

function signOf(moments: readonly Moment[]): { held: boolean; finding: string } {
  const naive = moments.map(({ naive: { train } }) => heightOf(train));
  const aligned = moments.map(({ aligned: { train } }) => heightOf(train));
  const worst = Math.max(...naive);
  const at = moments[naive.indexOf(worst)]!;
  const last = moments.length - 1;
  const noneAtFirst = Math.abs(naive[0]!) < NEARLY_NONE * worst && Math.abs(aligned[0]!) < NEARLY_NONE * worst;
  const lower = moments.every((_, i) => i === 0 || aligned[i]! < naive[i]!);
  const share = moments.map((_, i) => aligned[i]! / naive[i]!);
  const finding =
    `on training images the barrier is ${nats(naive[0]!)} at initialisation and grows to ${nats(worst)} nats after epoch ${at.epoch}; ` +
    `matched it is ${nats(aligned[last]!)} after epoch ${moments[last]!.epoch}, ${(100 * share[last]!).toFixed(0)} % of what stands there without` +
    ` (after epoch ${moments[1]!.epoch}: ${(100 * share[1]!).toFixed(0)} %).`;
  return { held: noneAtFirst && naive.indexOf(worst) > 0 && lower, finding };
}

async function outcomeOf(lab: Lab, moments: readonly Moment[], settings: Outcome["settings"]): Promise<Outcome> {
  const charts: string[] = [];
  for (const split of SPLITS) {
    const series = (["naive", "aligned"] as const).map((line) => ({
      name: line,
      points: moments.map((moment) => ({ x: moment.epoch, y: heightOf(moment[line][split]) })),
    }));
    const title = split === "train" ? "On training images" : "On test images";
    const axes = { x: { label: "epoch" }, y: { label: "barrier (nats)" } };
    charts.push(await lineChart({ series, ...axes }, { title }));
  }
  const losses = moments.map(({ epoch, loss }) => [String(epoch), nats(loss.train), nats(loss.test)]);
  const rows = (line: "naive" | "aligned") => moments.map((moment) => [`epoch ${moment.epoch}`, moment[line]] as const);
  return {
    explanation:
      "Two perceptrons are trained from different seeds and stopped at several epochs. At each of them the second is matched to the first by weights (Frank–Wolfe) and the barrier is measured on the line between them, with and without the match.",
    claim:
      "connectivity up to permutation is nothing that networks have from their initialisation: the barrier grows from none as training begins, and matching brings it down again.",
    ...signOf(moments),
    settings: { ...settings, points: pointsOf(lab) },
    figures: { moments },
    sections: [
      {
        heading: "Barrier against epoch",
        charts,
        tables: [
          barrierTable("Matched (nats)", "moment", rows("aligned")),
          barrierTable("As they are (nats)", "moment", rows("naive")),
          { caption: "Mean loss of the two models (nats)", header: ["epoch", "train", "test"], rows: losses },
        ],
      },
    ],
  };
}

export const epochs: Experiment = {
  name: "epochs",
  title: "The barrier in the course of training",
  summary: "barrier before and after matching against training epoch",
  needsData: true,
  run,
};
