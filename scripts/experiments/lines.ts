/** Loss and accuracy along lines between models, and the barriers on them. */

import type { Spec } from "../../src/axes/types.ts";
import type { Model } from "../../src/base/model.ts";
import { type Barrier, barrier, type Curve, lambdas } from "../../src/measure/barrier.ts";
import { mergeModels } from "../../src/merge/merge-models.ts";
import type { Evaluation } from "../../src/run/evaluate.ts";
import { evaluateNetwork } from "../../src/run/tfjs/evaluate.ts";
import { createNetwork } from "../../src/run/tfjs/network.ts";
import type { Images, Lab } from "./lab.ts";

export type Orders = ReadonlyMap<string, Int32Array>;
export type SplitName = keyof Images;
export const SPLITS: readonly SplitName[] = ["train", "test"];
export const NOTHING_MOVED: Orders = new Map();

/** Points of every curve: 25 as in the paper's code. */
export const pointsOf = ({ quick }: Pick<Lab, "quick">): number => (quick ? 11 : 25);

/** The line from A to B in other units, on both splits. */
export async function sampleLine(
  lab: Lab,
  name: string,
  { a, b, spec, orders }: { a: Model; b: Model; spec: Spec; orders: Orders },
): Promise<Record<SplitName, Curve>> {
  const images = await lab.images();
  const network = await createNetwork(a);
  const points: Record<SplitName, (Evaluation & { lambda: number })[]> = { train: [], test: [] };
  try {
    for (const lambda of lambdas(pointsOf(lab))) {
      await network.load(await mergeModels(a, b, spec, orders, { lambda }));
      for (const split of SPLITS) {
        const found = await evaluateNetwork(network, images[split], running(lab));
        points[split].push({ lambda, ...found });
      }
    }
  } finally {
    network.dispose();
  }
  lab.note(`line ${name}: train barrier ${barrier({ name, points: points.train }).maxMinusMeanEndpoints.toFixed(4)}`);
  return { train: { name, points: points.train }, test: { name, points: points.test } };
}

export const running = ({ signal, onProgress }: Lab): Pick<Lab, "signal" | "onProgress"> => ({ signal, onProgress });

export function barriersOf(curves: Record<SplitName, Curve>): Record<SplitName, Barrier> {
  return { train: barrier(curves.train), test: barrier(curves.test) };
}

export function midpointOf({ points }: Curve): Evaluation {
  const middle = points.find(({ lambda }) => lambda === 0.5);
  if (middle === undefined) throw new RangeError(`curve of ${points.length} points, expected one at 0.5`);
  return middle;
}
