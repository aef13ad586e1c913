/** Names and shapes become integers: the only place where a spec meets a model. */

import { describeTensor, listFirst } from "../base/compare-tensors.ts";
import { DTYPES, isFloat } from "../base/dtype.ts";
import { SpecError } from "../base/errors.ts";
import type { TensorInfo } from "../base/model.ts";
import { isStatistic } from "../base/tensor-names.ts";
import { ANY_SIZE, axisNames, resolveAxis } from "./axis.ts";
import { fitSpec } from "./fit-spec.ts";
import { type AxisEquation, blockSizes, type DecidedSize, solveSizes } from "./sizes.ts";
import {
  checkBlockNames,
  checkBlocks,
  checkSlices,
  resolveSlice,
  seriesOf,
  sizesOfSeries,
  type TensorSeries,
} from "./slices.ts";
import type { Axis, ResolvedPermutation, ResolvedSpec, ResolvedTensor, Spec, TensorSpec } from "./types.ts";

/**
 * Fits `spec` to a model's tensors: settles every size and checks every axis. An unlisted tensor is fixed if the spec
 * allows it, and votes when it is float and not a running statistic.
 *
 * @throws {SpecError} when a tensor is missing, unlisted or of another rank, when sizes disagree or are unknown, and
 * when a packed dtype would move.
 *
 * @example
 * const resolved = resolveSpec(parseSpec(text), model.tensors);
 */
export function resolveSpec(spec: Spec, tensors: ReadonlyMap<string, TensorInfo>): ResolvedSpec {
  checkOuters(spec);
  checkListed(spec, tensors);
  const fitted = fitSpec(spec, tensors);
  const listed = new Map<string, TensorSpec>();
  for (const [name, info] of tensors) listed.set(name, fitted.tensors.get(name) ?? fixedTensor(name, info));
  const equations: AxisEquation[] = [];
  const series = seriesOf(listed);
  const blocks = blockSizes(fitted.permutations);
  for (const [name, info] of tensors) {
    const { axes } = listed.get(name)!;
    if (axes.length !== info.shape.length) {
      throw new SpecError(`${name} is ${describeTensor(info)}, expected rank ${axes.length} as the spec has`);
    }
    axes.forEach((axis, i) => {
      checkBlockNames(axis, blocks, `${name} axis ${i}`);
      equations.push({ axis, length: info.shape[i]!, where: `${name} axis ${i}` });
    });
  }
  const index = indexPermutations(equations, fitted, series);
  const sizes = solveSizes(equations, fitted.permutations, givenSizes(fitted, sizesOfSeries(series)));
  const resolved = [...tensors].map(([name, info]) =>
    resolveTensor(name, info, listed.get(name)!, sizes, index, series),
  );
  for (const tensor of resolved) checkBlocks(tensor);
  checkSlices(resolved);
  return { tensors: resolved, permutations: listPermutations(fitted, sizes, index, resolved), spec: fitted };
}

/** Sizes that the spec gives itself, and those of series. */
function givenSizes({ sizes }: Spec, known: Map<string, DecidedSize>): Map<string, DecidedSize> {
  for (const [name, size] of sizes ?? []) if (!known.has(name)) known.set(name, { size, where: "the spec's sizes" });
  return known;
}

function fixedTensor(name: string, info: TensorInfo): TensorSpec {
  return { axes: info.shape.map((): Axis => [[ANY_SIZE]]), votes: !isStatistic(name) };
}

function checkOuters(spec: Spec): void {
  for (const [name] of spec.permutations) {
    const seen = new Set<string>();
    for (let at: string | undefined = name; at !== undefined; at = spec.permutations.get(at)?.outer) {
      if (seen.has(at)) throw new SpecError(`permutation ${name} is nested in itself, expected another outer one`);
      seen.add(at);
    }
  }
}

function checkListed(spec: Spec, tensors: ReadonlyMap<string, TensorInfo>): void {
  const missing = [...spec.tensors.keys()].filter((name) => !tensors.has(name));
  const unlisted = spec.rest === "refused" ? [...tensors.keys()].filter((name) => !spec.tensors.has(name)) : [];
  if (missing.length + unlisted.length > 0) throw listingFault(missing, unlisted);
}

function listingFault(missing: readonly string[], unlisted: readonly string[]): SpecError {
  if (missing.length > 0)
    return new SpecError(
      `model lacks ${count(missing)} that the spec lists: ${listFirst(missing)}, expected the network of the spec (where a file holds several, open one by its prefix)`,
    );
  const found = `model has ${count(unlisted)} that the spec does not list: ${listFirst(unlisted)}`;
  return new SpecError(`${found}, expected "rest": "fixed" or an entry for each`);
}

function count(names: readonly string[]): string {
  return names.length === 1 ? "a tensor" : `${names.length} tensors`;
}

/** Permutations in order of first appearance; an outer one that appears nowhere comes right before its nested one. */
function indexPermutations(equations: readonly AxisEquation[], spec: Spec, series: TensorSeries): Map<string, number> {
  const appearing = new Set(equations.flatMap(({ axis }) => axisNames(axis)));
  for (const { of } of series.values()) appearing.add(of);
  const index = new Map<string, number>();
  const add = (name: string): void => {
    const outer = spec.permutations.get(name)?.outer;
    if (outer !== undefined && !appearing.has(outer)) add(outer);
    if (!index.has(name)) index.set(name, index.size);
  };
  for (const name of appearing) add(name);
  for (const name of spec.permutations.keys()) {
    if (!index.has(name))
      throw new SpecError(`permutation ${name} has an inner structure and acts on no axis, expected it on one`);
  }
  return index;
}

function resolveTensor(
  name: string,
  info: TensorInfo,
  tensor: TensorSpec,
  sizes: ReadonlyMap<string, number>,
  index: ReadonlyMap<string, number>,
  series: TensorSeries,
): ResolvedTensor {
  const moves = tensor.slice !== undefined || tensor.axes.some((axis) => axisNames(axis).length > 0);
  if (moves && DTYPES[info.dtype].kind === "packed") {
    throw new SpecError(`${name} is ${describeTensor(info)}, a packed dtype, expected no permutation on it`);
  }
  const axes = tensor.axes.map((axis, i) => resolveAxis(axis, info.shape[i]!, sizes, index, `${name} axis ${i}`));
  const plain = { name, info, axes, votes: tensor.votes && isFloat(info.dtype), moves };
  return tensor.slice === undefined ? plain : { ...plain, slice: resolveSlice(tensor.slice, index, series) };
}

function listPermutations(
  spec: Spec,
  sizes: ReadonlyMap<string, number>,
  index: ReadonlyMap<string, number>,
  tensors: readonly ResolvedTensor[],
): ResolvedPermutation[] {
  const acting: string[][] = Array.from({ length: index.size }, () => []);
  for (const tensor of tensors) {
    const found = new Set<number>();
    if (tensor.slice !== undefined) found.add(tensor.slice.permutation);
    for (const axis of tensor.axes) {
      for (const segment of axis.segments) for (const factor of segment.factors) found.add(factor.permutation);
    }
    for (const permutation of found) acting[permutation]?.push(tensor.name);
  }
  return [...index.keys()].map((name, i) => {
    const nested = spec.permutations.get(name);
    const outer = nested === undefined ? -1 : index.get(nested.outer)!;
    const plain = { name, size: sizes.get(name)!, outer, inner: nested?.inner ?? 1, tensors: acting[i]! };
    const role = spec.roles?.get(name);
    return role === undefined ? plain : { ...plain, role };
  });
}
