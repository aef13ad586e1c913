/** The loss on the plane through A, B and π(B) (paper, figure 1). */

import { isFloat } from "../base/dtype.ts";
import { memoryModel, type TensorData } from "../base/memory-model.ts";
import { elementCount, type Model } from "../base/model.ts";
import { checkOptions, type OptionKinds, RUNNING } from "../base/options.ts";
import type { Dataset } from "../data/dataset.ts";
import { decodeFloats } from "../kernels/float-values.ts";
import { createKernels } from "../kernels/kernels.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import type { AlignedPair } from "../perm/pair.ts";
import { checkMeasured, type Evaluate, type Evaluation } from "../run/evaluate.ts";
import { createRunner } from "../run/models/running-model.ts";
import { type ContourPlane, contourPlane, type PlaneProducts, type PlaneWeights } from "./contour-plane.ts";
import { countedProgress, countOf, evaluateOn, type RunningOptions } from "./curve.ts";

/** Values on a grid over the plane, row-major: rows are y, rising. */
export interface Contour {
  /** Coordinates of columns and of rows; lengths of `B − A`, A at (0, 0) and B at (1, 0). */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Not finite where the network there is none (for example, a negative variance). */
  readonly loss: readonly number[];
  readonly accuracy: readonly number[];
  readonly points: { readonly a: PlanePlace; readonly b: PlanePlace; readonly aligned: PlanePlace };
}

/** A point of the plane. */
export interface PlanePlace {
  readonly x: number;
  readonly y: number;
}

/** The network at one point of the grid. */
export interface ContourPoint extends PlanePlace, Evaluation {}

/** Options of `sampleContour`. */
export interface ContourSettings extends RunningOptions {
  /** Grid points a side, at least 2. Default 21. */
  readonly points?: number | undefined;
  /** Lowest and highest x and y. Default −0.5 to 1.5 as in the paper. */
  readonly range?: readonly [number, number] | undefined;
  /** Points of the same grid that were measured before: they are taken as they are. */
  readonly resume?: Iterable<ContourPoint> | undefined;
  /** Called with each point that is measured, and waited for. */
  readonly onPoint?: ((point: ContourPoint) => Promise<void> | void) | undefined;
}

export const CONTOUR_POINTS = 21;
const RANGE = [-0.5, 1.5] as const;

/** The three corners: float tensors as f32, everything else as A has it. */
interface Corners {
  readonly like: Model;
  readonly floats: ReadonlyMap<string, readonly [Float32Array, Float32Array, Float32Array]>;
  readonly rest: ReadonlyMap<string, TensorData>;
}

async function readCorners(
  { a, b, spec, permutations }: AlignedPair,
  signal: AbortSignal | undefined,
): Promise<Corners> {
  const kernels = createKernels();
  const corners = [a, b, await applyPermutations(b, spec, permutations)];
  const floats = new Map<string, [Float32Array, Float32Array, Float32Array]>();
  const rest = new Map<string, TensorData>();
  for (const [name, { dtype, shape }] of a.tensors) {
    if (!isFloat(dtype)) {
      rest.set(name, { dtype, shape, data: (await a.read(name, signal)).slice() });
      continue;
    }
    const values: Float32Array[] = [];
    for (const model of corners) {
      values.push(decodeFloats(kernels, await model.read(name, signal), dtype, elementCount(shape)));
    }
    floats.set(name, values as [Float32Array, Float32Array, Float32Array]);
  }
  return { like: a, floats, rest };
}

/** In f64 over differences, which cancel where models are close. */
function productsOf({ floats }: Corners): PlaneProducts {
  let [bb, bp, pp] = [0, 0, 0];
  for (const [a, b, aligned] of floats.values()) {
    for (let i = 0; i < a.length; i++) {
      const [x, y] = [b[i]! - a[i]!, aligned[i]! - a[i]!];
      bb += x * x;
      bp += x * y;
      pp += y * y;
    }
  }
  return { bb, bp, pp };
}

/** The corners added up: float tensors as F32, so that nothing is rounded to a narrow dtype. */
function combine({ like, floats, rest }: Corners, weights: PlaneWeights, name: string): Model {
  const tensors = new Map<string, TensorData>();
  for (const [tensor, { shape }] of like.tensors) {
    const corners = floats.get(tensor);
    if (corners === undefined) tensors.set(tensor, rest.get(tensor)!);
    else tensors.set(tensor, { dtype: "F32", shape, data: new Uint8Array(sumOf(corners, weights).buffer) });
  }
  return memoryModel(tensors, { name, metadata: like.metadata });
}

function sumOf(
  [a, b, c]: readonly [Float32Array, Float32Array, Float32Array],
  [x, y, z]: PlaneWeights,
): Float32Array<ArrayBuffer> {
  const sum = new Float32Array(a.length);
  for (let i = 0; i < sum.length; i++) sum[i] = x * a[i]! + y * b[i]! + z * c[i]!;
  return sum;
}

/**
 * Loss and accuracy on a grid over the plane through A, B and π(B), on labelled images or by your own function. An
 * aborted signal rejects with its reason.
 *
 * @throws {RangeError} when the three are on one line, when the data do not fit the network, or for fewer than 2 points
 * a side.
 * @throws {SpecError} when models, spec and permutations do not fit each other.
 *
 * @example
 * const { loss, points } = await sampleContour({ a, b, spec, permutations }, data, { points: 21 });
 */
export async function sampleContour(
  pair: AlignedPair,
  data: Dataset | Evaluate,
  options: ContourSettings = {},
): Promise<Contour> {
  checkOptions("sampleContour", options, OPTIONS);
  checkMeasured("data", data);
  const { points = CONTOUR_POINTS, range = RANGE } = options;
  if (!Number.isSafeInteger(points) || points < 2)
    throw new RangeError(`contour of ${points} points a side, expected an integer from 2`);
  const ticks = Array.from({ length: points }, (_, i) => range[0] + ((range[1] - range[0]) * i) / (points - 1));
  const corners = await readCorners(pair, options.signal);
  const plane: ContourPlane = contourPlane(productsOf(corners));
  const places = ticks.flatMap((y) => ticks.map((x) => ({ x, y })));
  const found = await measurePoints(corners, plane, places, data, options);
  return {
    x: ticks,
    y: ticks,
    loss: found.map(({ loss }) => loss),
    accuracy: found.map(({ accuracy }) => accuracy),
    points: { a: { x: 0, y: 0 }, b: { x: 1, y: 0 }, aligned: plane.aligned },
  };
}

const OPTIONS: OptionKinds<ContourSettings> = {
  points: "number",
  range: "list",
  resume: "object",
  onPoint: "function",
  batch: "number",
  executor: "object",
  ...RUNNING,
};

async function measurePoints(
  corners: Corners,
  plane: ContourPlane,
  places: readonly PlanePlace[],
  data: Dataset | Evaluate,
  options: ContourSettings,
): Promise<Evaluation[]> {
  const { name } = corners.like;
  const keyOf = ({ x, y }: PlanePlace): string => `${x} ${y}`;
  const known = new Map<string, Evaluation>([...(options.resume ?? [])].map((point) => [keyOf(point), point]));
  const runner = createRunner(options.executor);
  const progress = countedProgress(options.onProgress, places.length * countOf(data));
  const found: Evaluation[] = [];
  try {
    for (const { x, y } of places) {
      const onProgress = progress(countOf(data));
      let point = known.get(keyOf({ x, y }));
      if (point === undefined) {
        const model = combine(corners, plane.weightsAt(x, y), name);
        point = await evaluateOn(runner, model, data, { ...options, onProgress });
        await options.onPoint?.({ x, y, ...point });
      }
      found.push(point);
    }
  } finally {
    runner.dispose();
  }
  return found;
}
