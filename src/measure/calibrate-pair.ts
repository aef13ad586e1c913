/** Calibration of two models and of their midpoint. */

import { checkOptions, type OptionKinds, RUNNING } from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import type { AlignedPair } from "../perm/pair.ts";
import { predictRunning } from "../run/evaluate.ts";
import { type Calibration, calibrate } from "../run/metrics.ts";
import { createRunner } from "../run/models/running-model.ts";
import { blendsOf, countedProgress, type Line, type RepairMerge, type RunningOptions } from "./curve.ts";

/** What a calibration is of: A, B, the midpoint of A and B, that of A and π(B), and the latter repaired. */
export type CalibratedPlace = "a" | "b" | Line;

/** By place; `repaired` only where repair was asked for. */
export type Calibrations = Readonly<Record<Exclude<CalibratedPlace, "repaired">, Calibration>> & {
  readonly repaired?: Calibration | undefined;
};

/** Options of `calibratePair`. */
export interface CalibrationOptions extends RunningOptions {
  /** Also calibrates the midpoint of A and π(B) that this has repaired. */
  readonly repair?: RepairMerge | undefined;
  /** Calibrations of the same pair that were found before: they are taken as they are. */
  readonly resume?: ReadonlyMap<CalibratedPlace, Calibration> | undefined;
  /** Called with each calibration that is found, and waited for. */
  readonly onPlace?: ((place: CalibratedPlace, calibration: Calibration) => Promise<void> | void) | undefined;
}

const OPTIONS: OptionKinds<CalibrationOptions> = {
  repair: "function",
  resume: "object",
  onPlace: "function",
  batch: "number",
  executor: "object",
  ...RUNNING,
};

const PLACES: readonly (readonly [CalibratedPlace, Line, number])[] = [
  ["a", "naive", 0],
  ["b", "naive", 1],
  ["naive", "naive", 0.5],
  ["aligned", "aligned", 0.5],
  ["repaired", "repaired", 0.5],
];

/**
 * Calibration of A, B and both midpoints on a data set: expected calibration error and reliability bins. Throws as
 * `sampleCurves` does.
 *
 * @example
 * const { aligned } = await calibratePair({ a, b, spec, permutations }, data);
 * aligned.error;
 */
export async function calibratePair(
  pair: AlignedPair,
  data: Dataset,
  options: CalibrationOptions = {},
): Promise<Calibrations> {
  checkOptions("calibratePair", options, OPTIONS);
  const places = PLACES.filter(([place]) => place !== "repaired" || options.repair !== undefined);
  const modelAt = await blendsOf(pair, options);
  const { batch, signal, executor } = options;
  const runner = createRunner(executor);
  const progress = countedProgress(options.onProgress, places.length * data.count);
  const calibrations = new Map<CalibratedPlace, Calibration>();
  try {
    for (const [place, line, lambda] of places) {
      const onProgress = progress(data.count);
      let calibration = options.resume?.get(place);
      if (calibration === undefined) {
        const running = await runner.load(await modelAt(lambda, line));
        const { logits, classes } = await predictRunning(running, data, { batch, signal, onProgress });
        calibration = calibrate({ logits, classes, labels: data.labels });
        await options.onPlace?.(place, calibration);
      }
      calibrations.set(place, calibration);
    }
  } finally {
    runner.dispose();
  }
  return Object.fromEntries(calibrations) as unknown as Calibrations;
}
