/** The Karcher mean: the point on the sphere that is nearest to all models' directions, at their mean length. */

import { cosPi } from "../../base/exact-math.ts";
import { arcTangent, sine } from "../methods/slerp-weight.ts";
import type { BlendInput } from "./blend.ts";
import { addScaled } from "./sums.ts";

/** The sine of an angle below which two directions are the same, or opposite. */
const PARALLEL = 1e-8;

/**
 * One tensor of the blend: whole tensors are the vectors. Zero tensors have no direction and count in the length
 * alone.
 */
export async function karcher(input: BlendInput): Promise<Float64Array> {
  const { maxSteps, tolerance } = input.settings;
  const { units, weights, length } = await directionsOf(input);
  if (units.length === 0) return new Float64Array(input.shape.reduce((product, size) => product * size, 1));
  const mean = combine(units, weights);
  // Directions that cancel out have no mean: any start does.
  if (!(toUnit(mean) > PARALLEL)) mean.set(units[0]!);
  for (let step = 0; step < maxSteps!; step++) {
    const tangent = tangentAt(mean, units, weights);
    const size = norm(tangent);
    if (!(size > tolerance!)) break;
    const [along, aside] = [cosPi(Math.min(1, size / Math.PI)), sine(Math.min(Math.PI, size)) / size];
    for (let e = 0; e < mean.length; e++) mean[e] = along * mean[e]! + aside * tangent[e]!;
    toUnit(mean);
  }
  for (let e = 0; e < mean.length; e++) mean[e]! *= length;
  return mean;
}

/** Unit vectors of the tensors that are not zero, their weights with a sum of 1, and the mean length of all. */
async function directionsOf(input: BlendInput) {
  const given = input.settings.weights!;
  const total = given.reduce((sum, weight) => sum + weight, 0);
  const units: Float64Array[] = [];
  const weights: number[] = [];
  let length = 0;
  for (let i = 0; i < input.models; i++) {
    const values = await input.values(i);
    const size = toUnit(values);
    length += (given[i]! * size) / total;
    if (!(size > 0 && given[i]! > 0)) continue;
    units.push(values);
    weights.push(given[i]!);
  }
  const directed = weights.reduce((sum, weight) => sum + weight, 0);
  return { units, weights: weights.map((weight) => weight / directed), length };
}

/** Σ w · log map of every direction at `mean`: θ/sin θ · (u − cos θ · mean). */
function tangentAt(mean: Float64Array, units: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const tangent = new Float64Array(mean.length);
  units.forEach((unit, i) => {
    const cosine = Math.max(-1, Math.min(1, dot(unit, mean)));
    const sinus = Math.sqrt(1 - cosine * cosine);
    if (sinus < PARALLEL) return;
    const angle = 2 * arcTangent(Math.sqrt((1 - cosine) / (1 + cosine)));
    const factor = (weights[i]! * angle) / sinus;
    for (let e = 0; e < tangent.length; e++) tangent[e]! += factor * (unit[e]! - cosine * mean[e]!);
  });
  return tangent;
}

function combine(units: readonly Float64Array[], weights: readonly number[]): Float64Array {
  const sum = new Float64Array(units[0]!.length);
  units.forEach((unit, i) => {
    addScaled(sum, unit, weights[i]!);
  });
  return sum;
}

/** Divides by the norm, which it returns. Zero stays zero. */
function toUnit(values: Float64Array): number {
  const size = norm(values);
  if (size > 0) for (let e = 0; e < values.length; e++) values[e]! /= size;
  return size;
}

const norm = (values: Float64Array): number => Math.sqrt(dot(values, values));

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let e = 0; e < a.length; e++) sum += a[e]! * b[e]!;
  return sum;
}
