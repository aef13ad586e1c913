/**
 * Measures models one after another, as curves need it: repaired before where that is asked for, on several data
 * sets.
 */

import type { Model } from "../../base/model.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { PlannedRepairSettings } from "../../plan/repair-by-plan.ts";
import type { PairRepair } from "../../repair/repair-model.ts";
import { type Evaluation, predictRunning } from "../../run/evaluate.ts";
import type { Answers, Calibration } from "../../run/metrics.ts";
import { calibrate, evaluateLogits } from "../../run/metrics.ts";
import { createRunner, type ModelRunner } from "../../run/models/running-model.ts";
import { fitTemperature, meanProbabilities } from "../../run/temperature.ts";

/** What all models are measured with. */
export interface MeasureSetup {
  /** Images at a time. */
  readonly batch: number;
  readonly splits: ReadonlyMap<string, Dataset>;
  /** The ends of the line, B aligned: for repairs and temperatures. */
  readonly parents: readonly [Model, Model];
  readonly repair?: { readonly settings: PlannedRepairSettings; readonly images: Dataset } | undefined;
  /** Images on which a temperature is fitted to the mean of the parents' probabilities; none where nobody asks for one. */
  readonly temper?: Dataset | undefined;
}

/** One model. */
export interface MeasureJob {
  readonly model: Model;
  /** The share of B in it. */
  readonly lambda: number;
  readonly repaired: boolean;
  /** Whether a temperature is of interest. */
  readonly tempered: boolean;
  readonly splits: readonly string[];
}

/** What was found on one split. */
export interface Measured extends Evaluation {
  readonly calibration: Calibration;
  /** Loss with the logits divided by the fitted temperature. */
  readonly tempered?: number | undefined;
}

export interface Measurer {
  /** By split. `onImages` gets the images measured so far. */
  measure(job: MeasureJob, onImages: (done: number) => void): Promise<Map<string, Measured>>;
  dispose(): void;
}

/** Needs TensorFlow.js, or what runs the models. */
export async function createMeasurer(setup: MeasureSetup, signal?: AbortSignal): Promise<Measurer> {
  const { batch, splits, parents, temper } = setup;
  const repair = await repairOf(setup, signal);
  const networks = keptNetworks();
  const logitsOf = async (model: Model, data: Dataset, onImages?: (done: number) => void) =>
    predictRunning(await networks.load(model), data, { batch, signal, onProgress: ({ done }) => onImages?.(done) });
  let ofParents: Awaited<ReturnType<typeof logitsOf>>[] | undefined;

  /** Before the splits: the network must hold the model last. */
  async function temperatureOf(model: Model, lambda: number): Promise<number> {
    ofParents ??= [await logitsOf(parents[0], temper!), await logitsOf(parents[1], temper!)];
    return fitTemperature(await logitsOf(model, temper!), meanProbabilities(ofParents, [1 - lambda, lambda]));
  }

  return {
    async measure({ model: given, lambda, repaired, tempered, splits: wanted }, onImages) {
      const model = repaired ? (await repair!(given, lambda)).model : given;
      const temperature = tempered && temper !== undefined ? await temperatureOf(model, lambda) : undefined;
      const found = new Map<string, Measured>();
      let before = 0;
      for (const split of wanted) {
        const data = splits.get(split)!;
        const { logits, classes } = await logitsOf(model, data, (done) => onImages(before + done));
        before += data.count;
        const answers = { logits, classes, labels: data.labels };
        found.set(split, {
          ...evaluateLogits(answers),
          calibration: calibrate(answers),
          tempered: temperature === undefined ? undefined : temperedLoss(answers, temperature),
        });
      }
      return found;
    },
    dispose: networks.dispose,
  };
}

/** One network for all models of the same tensors: a repair may add some. */
function keptNetworks(): ModelRunner {
  const runners = new Map<string, ModelRunner>();
  return {
    load(model) {
      const names = [...model.tensors.keys()].join("\n");
      const runner = runners.get(names) ?? createRunner();
      runners.set(names, runner);
      return runner.load(model);
    },
    dispose() {
      for (const runner of runners.values()) runner.dispose();
    },
  };
}

function temperedLoss({ logits, classes, labels }: Answers, temperature: number): number {
  return evaluateLogits({ logits: logits.map((each) => each / temperature), classes, labels }).loss;
}

async function repairOf(
  { repair, parents: [a, alignedB] }: MeasureSetup,
  signal: AbortSignal | undefined,
): Promise<PairRepair | undefined> {
  if (repair === undefined) return undefined;
  const { pairRepair } = await import("../../repair/repair-model.ts");
  return pairRepair(a, alignedB, repair.images, { ...repair.settings, signal });
}
