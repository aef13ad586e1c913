/** The straight-through estimator: matching by what the midpoint of the two networks loses on labelled images. */

import type { Spec } from "../../axes/types.ts";
import type { Model } from "../../base/model.ts";
import { createYielder, startClock } from "../../base/progress.ts";
import { createRng, randomPermutation } from "../../base/rng.ts";
import type { Dataset } from "../../data/dataset.ts";
import { type Batch, batches, firstImages, subset } from "../../data/select.ts";
import { type MatchReport, matchWeights } from "../../match/match-weights.ts";
import { type Alignment, alignmentOf } from "../../perm/alignment.ts";
import { type Pair, pairOf } from "../../perm/pair.ts";
import { registerGradients } from "../../run/tfjs/gradients/register.ts";
import { readCheckpoint, writeCheckpoint } from "../../run/tfjs/training-state.ts";
import { checkedSettings, type Settings, type StraightThroughOptions } from "./options.ts";
import { fromVariables, setOrders } from "./order-variables.ts";
import { createSearch, project, type Search, stateOf, stepDown } from "./search.ts";

/** As of `matchWeights`; `objective` is that of the weights, to compare methods by. */
export interface StraightThroughReport extends Omit<MatchReport, "method"> {
  readonly method: "straight-through";
  /** Steps that were taken, and the step whose π was kept; 0 is the start. */
  readonly steps: number;
  readonly keptStep: number;
  /** Held-out images, and the midpoint's loss on them at the start and as kept. */
  readonly validation: number;
  readonly startLoss: number;
  readonly loss: number;
}

/** What the straight-through search found. */
export interface StraightThroughMatching {
  /** What moves B. */
  readonly alignment: Alignment;
  /** Those of `alignment`, by name; `p[i] = j`: slot i of the aligned B is unit j of B. */
  readonly permutations: Map<string, Int32Array>;
  readonly report: StraightThroughReport;
}

/**
 * Finds permutations of B's units by the loss of the midpoint (paper, Section 3.3). θ̃ starts at A. Each step projects
 * it: π is the weight matching of θ̃ and B from the last π. Then θ̃ moves down the gradient of the loss at ½(A + π(B)),
 * as if that were its own. The paper keeps the π of the lowest loss of a single batch. Here its loss on held-out images
 * decides, and the start counts: the result is never worse there than weight matching. Same models, data and options:
 * same permutations, also when it was cut in two by a checkpoint.
 *
 * Throws as `matchWeights` and `createNetwork` do. An aborted signal rejects with its reason.
 *
 * @throws {RangeError} for options out of range, data that do not fit, and a loss that is no longer finite.
 *
 * @example
 * const { permutations, report } = await matchStraightThrough(a, b, await detectSpec(a), train);
 * report.loss <= report.startLoss; // true
 */
export async function matchStraightThrough(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  data: Dataset,
  options: StraightThroughOptions = {},
): Promise<StraightThroughMatching> {
  const settings = checkedSettings(data, options);
  const seconds = startClock();
  const pair = pairOf(a, b, spec);
  const { threads = 1, signal, seed = 0 } = options;
  const start = options.start ?? (await matchWeights(a, b, pair, { seed, threads, signal })).alignment;
  registerGradients();
  const search = await createSearch(pair, alignmentOf(start).permutations, settings);
  try {
    const kept = await runSteps(search, b, pair.spec, data, settings, options);
    const fixed = { method: "coordinate", start: kept.best, only: [], signal } as const;
    const { alignment, permutations, report } = await matchWeights(a, b, pair, fixed);
    const { startLoss, bestLoss: loss, bestStep: keptStep, step: steps } = kept;
    const own = {
      method: "straight-through",
      seed,
      steps,
      keptStep,
      validation: settings.validation,
      startLoss,
      loss,
    } as const;
    return { alignment, permutations, report: { ...report, ...own, seconds: seconds() } };
  } finally {
    search.dispose();
  }
}

interface Kept {
  step: number;
  current: Map<string, Int32Array>;
  best: Map<string, Int32Array>;
  startLoss: number;
  bestLoss: number;
  bestStep: number;
}

async function runSteps(
  search: Search,
  b: Model,
  spec: Spec,
  data: Dataset,
  settings: Settings,
  options: StraightThroughOptions,
): Promise<Kept> {
  const { midpoint } = search;
  const { steps, validateEvery, projectEvery, patience } = settings;
  const giveWay = createYielder(options.signal);
  const training = firstImages(data, data.count - settings.validation);
  const heldOut = lastImages(data, settings.validation);
  const kept = await beginOrResume(search, data, heldOut, settings, options);
  if (kept.step >= steps) return kept;
  let validated = true;
  for (const batch of endlessBatches(training, settings, kept.step)) {
    if (kept.step >= steps || kept.step - kept.bestStep >= patience) break;
    await giveWay();
    kept.step++;
    stepDown(search, training, batch, settings, kept.step);
    if (kept.step % projectEvery === 0) {
      const moved = await project(search, b, spec, kept.current, settings.seed, options);
      if (moved !== null) {
        kept.current = moved;
        await midpoint.moveTo(moved);
        validated = false;
      }
    }
    options.onProgress?.({ stage: "straight-through", done: kept.step, total: steps });
    if (validated || (kept.step % validateEvery !== 0 && kept.step !== steps)) continue;
    await validate(search, data, kept, heldOut, settings, options);
    validated = true;
  }
  return kept;
}

async function validate(
  search: Search,
  data: Dataset,
  kept: Kept,
  heldOut: Dataset,
  settings: Settings,
  options: StraightThroughOptions,
): Promise<void> {
  const loss = await search.midpoint.loss(heldOut, options.signal);
  const best = loss < kept.bestLoss;
  if (best) {
    kept.bestLoss = loss;
    kept.bestStep = kept.step;
    kept.best = kept.current;
  }
  const checkpoint = (): Promise<Model> => {
    setOrders(search.orders, kept.current, kept.best, kept.bestStep);
    const { seed, batch } = settings;
    const position = { epoch: 0, step: kept.step, seed, batch, images: data.count };
    return writeCheckpoint(search.theta.name, stateOf(search), position);
  };
  await options.onValidation?.({ step: kept.step, loss, best, checkpoint });
}

/**
 * At the start, or behind a checkpoint's step. Losses are not kept in checkpoints: the same images give the same
 * bits.
 */
async function beginOrResume(
  search: Search,
  data: Dataset,
  heldOut: Dataset,
  { seed, batch }: Settings,
  options: StraightThroughOptions,
): Promise<Kept> {
  const { midpoint, start } = search;
  const startLoss = await midpoint.loss(heldOut, options.signal);
  const fresh = { step: 0, current: start, best: start, startLoss, bestLoss: startLoss, bestStep: 0 };
  if (options.resume === undefined) return fresh;
  const { step } = await readCheckpoint(options.resume, stateOf(search), { seed, batch, images: data.count });
  const { current, best, bestStep } = await fromVariables(search.orders);
  await midpoint.moveTo(best);
  const bestLoss = await midpoint.loss(heldOut, options.signal);
  await midpoint.moveTo(current);
  return { step, current, best, startLoss, bestLoss, bestStep };
}

function lastImages(data: Dataset, count: number): Dataset {
  return subset(
    data,
    Int32Array.from({ length: count }, (_, i) => data.count - count + i),
  );
}

/** Batches of one epoch after another, each in a new order, from the one behind `done` steps on. */
function* endlessBatches(data: Dataset, { batch, seed }: Settings, done: number): Generator<Batch> {
  const rng = createRng(seed);
  for (let step = 0; ; ) {
    const order = randomPermutation(data.count, rng);
    const inEpoch = Math.ceil(data.count / batch);
    const skipped = Math.min(inEpoch, Math.max(0, done - step));
    step += inEpoch;
    if (skipped < inEpoch) yield* batches(data, batch, { order: order.subarray(skipped * batch) });
  }
}
