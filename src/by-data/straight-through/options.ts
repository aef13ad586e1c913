/** Options of the straight-through estimator. */

import type { Model } from "../../base/model.ts";
import { checkOptions, type OptionKinds, RUNNING, type Settled } from "../../base/options.ts";
import type { OnProgress } from "../../base/progress.ts";
import type { Dataset } from "../../data/dataset.ts";
import type { Alignment, Permutations } from "../../perm/alignment.ts";

/** Options of `matchStraightThrough`. */
export interface StraightThroughOptions {
  /** Steps of gradient descent at most. Default 200. */
  readonly steps?: number | undefined;
  /** Images a step. Default 1000, as in the paper's code. */
  readonly batch?: number | undefined;
  /** At the first step; falls linearly to nothing at the last. Default 1.5. */
  readonly learningRate?: number | undefined;
  /** Default 0.9. */
  readonly momentum?: number | undefined;
  /** Steps between two projections. Default 1, as in the paper. */
  readonly projectEvery?: number | undefined;
  /** The last images of the data set, held out to validate by. Default a sixth of them. */
  readonly validation?: number | undefined;
  /** Steps between two validations; a π that was validated is not validated again. Default 5. */
  readonly validateEvery?: number | undefined;
  /** Steps without a better π before it stops. Default 100. */
  readonly patience?: number | undefined;
  /** Where it starts. Default: what weight matching by Frank–Wolfe finds. */
  readonly start?: Alignment | Permutations | undefined;
  /** Of the order of the images and of the visiting order of projections. Default 0. */
  readonly seed?: number | undefined;
  readonly threads?: number | "auto" | undefined;
  /** A checkpoint of the same matching: resumes after its step. */
  readonly resume?: Model | undefined;
  /** Called after each validation, and waited for. */
  readonly onValidation?: ((validation: Validation) => Promise<void> | void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Stage `straight-through`, in steps; `objective` is not set. */
  readonly onProgress?: OnProgress | undefined;
}

/** The midpoint of A and the π of one step on the held-out images. */
export interface Validation {
  readonly step: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /** True when it is the lowest so far. */
  readonly best: boolean;
  /** A copy of all that `resume` needs. Ask for it before the callback's promise is resolved. */
  checkpoint(): Promise<Model>;
}

const OPTIONS: OptionKinds<StraightThroughOptions> = {
  steps: "number",
  batch: "number",
  learningRate: "number",
  momentum: "number",
  projectEvery: "number",
  validation: "number",
  validateEvery: "number",
  patience: "number",
  start: "object",
  seed: "number",
  threads: "any",
  resume: "object",
  onValidation: "function",
  ...RUNNING,
};

/** Options that are numbers, with their defaults in place. */
export type Settings = Settled<
  StraightThroughOptions,
  | "steps"
  | "batch"
  | "learningRate"
  | "momentum"
  | "projectEvery"
  | "validation"
  | "validateEvery"
  | "patience"
  | "seed"
>;

/** Throws `RangeError` for options out of range. */
export function checkedSettings(data: Dataset, options: StraightThroughOptions): Settings {
  checkOptions("matchStraightThrough", options, OPTIONS);
  const settings: Settings = {
    steps: options.steps ?? 200,
    batch: options.batch ?? 1000,
    learningRate: options.learningRate ?? 1.5,
    momentum: options.momentum ?? 0.9,
    projectEvery: options.projectEvery ?? 1,
    validation: options.validation ?? Math.ceil(data.count / 6),
    validateEvery: options.validateEvery ?? 5,
    patience: options.patience ?? 100,
    seed: options.seed ?? 0,
  };
  for (const name of ["steps", "batch", "projectEvery", "validation", "validateEvery", "patience"] as const) {
    if (!Number.isSafeInteger(settings[name]) || settings[name] < 1)
      throw new RangeError(`${name} ${settings[name]}, expected a positive integer`);
  }
  const { learningRate, momentum, validation } = settings;
  if (!(learningRate > 0 && learningRate < Number.POSITIVE_INFINITY))
    throw new RangeError(`learningRate ${learningRate}, expected a positive number`);
  if (!(momentum >= 0 && momentum < 1))
    throw new RangeError(`momentum ${momentum}, expected a number from 0 to below 1`);
  if (validation >= data.count)
    throw new RangeError(`${data.name} has ${data.count} images, expected more than the ${validation} to validate by`);
  return settings;
}
