/**
 * Runs two models on the same images and compares the activations of their units: a cost matrix for each
 * permutation.
 */

import type { Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import {
  type Computing,
  checkOptions,
  type OptionKinds,
  RUNNING,
  type Running,
  type Settled,
} from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Tap } from "../infer/taps.ts";
import { createKernels } from "../kernels/kernels.ts";
import { type Pair, pairOf } from "../perm/pair.ts";
import { checkData } from "../run/check-data.ts";
import type { ExecutorOptions, RunningModel, Value } from "../run/executor.ts";
import { eachImages } from "../run/image-batches.ts";
import { type OpenedModel, openRunning } from "../run/models/running-model.ts";
import { type ActivationCost, type ActivationStatistics, createActivationStatistics } from "./activation-statistics.ts";

/** Options of `activationCosts`. Progress is of stage `activations`, in images. */
export interface ActivationCostOptions extends Running, ExecutorOptions, Pick<Computing, "simd"> {
  /** Default "correlation". */
  readonly cost?: ActivationCost | undefined;
  /** Images at a time at most: bounds memory, and changes results by rounding alone. Default 100. */
  readonly batch?: number | undefined;
}

const OPTIONS: OptionKinds<ActivationCostOptions> = {
  cost: "string",
  batch: "number",
  simd: "boolean",
  executor: "object",
  ...RUNNING,
};
const BATCH = 100;

/**
 * Costs of matching unit i of A with unit j of B, n×n row-major by permutation name. They come from the activations of
 * both models on all images of `data` (paper, Section 3.1). Each unit is measured after the ReLU, as in the paper. A
 * unit of a convolution counts at every position; units of a residual stream count after every block that adds to it. A
 * permutation whose units show nowhere by themselves has no entry. Never more than one batch of activations is in
 * memory.
 *
 * An aborted signal rejects with its reason.
 *
 * @throws {SpecError} when the models or the spec do not fit.
 * @throws {RangeError} for models of no known family, data that do not fit them, no images, options out of range, and
 * NaN or infinity in an activation.
 *
 * @example
 * const costs = await activationCosts(a, b, await detectSpec(a), firstImages(train, 2000));
 * matchCosts(resolveSpec(spec, a.tensors), costs).permutations;
 */
export async function activationCosts(
  a: Model,
  b: Model,
  spec: Spec | Pair,
  data: Dataset,
  options: ActivationCostOptions = {},
): Promise<Map<string, Float32Array>> {
  const { cost, ...settings } = checkedOptions(options);
  const { resolved } = pairOf(a, b, spec);
  const running: OpenedModel[] = [];
  try {
    for (const model of [a, b]) running.push(await openRunning(model, options.executor));
    for (const each of running) await checkData(each, data, { labels: false });
    const kernels = createKernels({ simd: options.simd });
    const taps = await running[0]!.taps(resolved);
    const places = resolved.permutations.flatMap(({ name, size }): Place[] => {
      const found = taps.get(name) ?? [];
      if (found.length === 0) return [];
      const of = (model: Model): string => `${model.name} at ${name}`;
      return [{ name, taps: found, statistics: createActivationStatistics(kernels, size, [of(a), of(b)]) }];
    });
    await addAllImages(running as [OpenedModel, OpenedModel], data, places, settings);
    return new Map(places.map(({ name, statistics }) => [name, statistics.finish(cost)]));
  } finally {
    for (const { network } of running) network.dispose();
  }
}

type Settings = ActivationCostOptions & Settled<ActivationCostOptions, "cost" | "batch">;

function checkedOptions(options: ActivationCostOptions): Settings {
  checkOptions("activationCosts", options, OPTIONS);
  const { cost = "correlation", batch = BATCH } = options;
  if (cost !== "correlation" && cost !== "inner-product")
    throw new RangeError(`cost "${cost}", expected "correlation" or "inner-product"`);
  if (!Number.isSafeInteger(batch) || batch < 1) throw new RangeError(`batch ${batch}, expected a positive integer`);
  return { ...options, cost, batch };
}

/** A permutation, where its units show, and what has been seen there. */
interface Place {
  readonly name: string;
  readonly taps: readonly Tap[];
  readonly statistics: ActivationStatistics;
}

async function addAllImages(
  [a, b]: readonly [RunningModel, RunningModel],
  data: Dataset,
  places: readonly Place[],
  { batch, signal, onProgress }: Omit<Settings, "cost">,
): Promise<void> {
  const keep = new Set(places.flatMap(({ taps }) => taps.map(({ value }) => value)));
  const onImages = (done: number): void => onProgress?.({ stage: "activations", done, total: data.count });
  if (keep.size === 0) return;
  await eachImages(data, { batch, signal, onImages }, async (images) => {
    const inputs = new Map([["input", images]]);
    const [valuesA, valuesB] = [await a.network.run(inputs, keep), await b.network.run(inputs, keep)];
    for (const { taps, statistics } of places) {
      for (const { value, block } of taps) {
        const rows = unitsOf(valuesA.get(value)!, block);
        statistics.add(rows, unitsOf(valuesB.get(value)!, block), rows.length / statistics.n);
      }
    }
  });
}

/** Values as rows of units: a position is a row, and where a unit has several channels each of them is one. */
function unitsOf({ data, shape }: Value, block: number): Float32Array {
  if (block === 1) return data;
  const channels = shape.at(-1)!;
  const units = channels / block;
  const rows = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += channels) {
    for (let unit = 0; unit < units; unit++)
      for (let k = 0; k < block; k++) rows[at + k * units + unit] = data[at + unit * block + k]!;
  }
  return rows;
}
