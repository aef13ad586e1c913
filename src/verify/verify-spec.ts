/** A spec proved by running the network: its units renumbered at random must not change what it computes. */

import { formatAxis } from "../axes/axis.ts";
import { resolveSpec } from "../axes/resolve-spec.ts";
import type { ResolvedPermutation, ResolvedSpec, Spec } from "../axes/types.ts";
import { SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import { checkInteger, checkNumber, checkOptions, type OptionKinds, RUNNING, type Running } from "../base/options.ts";
import { createRng } from "../base/rng.ts";
import { applyPermutations } from "../perm/apply-permutations.ts";
import { resolveFor } from "../perm/resolve-for.ts";
import { type AxisChange, axisChanges, withChanges } from "./axis-changes.ts";
import { checkOutputs, checkRepeats, largestDeviation, type NetworkOutputs } from "./outputs.ts";
import { randomPermutations } from "./random-permutations.ts";
import { varyConstants } from "./vary-constants.ts";

/** What runs a model on its own fixed inputs: gives all outputs, one array each. */
export interface SpecRunner {
  /** Gives all outputs, one array each. */
  run(model: Model, signal?: AbortSignal): Promise<NetworkOutputs>;
}

/** Options of `verifySpec`. */
export interface VerifyOptions extends Running {
  /** Of the permutations, and of constant tensors that are drawn. Default 0. */
  readonly seed?: number | undefined;
  /** The largest change of an output that counts as none, relative to the largest number of that output. Default 1e-4. */
  readonly tolerance?: number | undefined;
  /** False: all groups together first, and each alone only when that changes the outputs. Default true. */
  readonly each?: boolean | undefined;
  /** The most runs that the search for a wrong tensor may need for a group. Default 400. */
  readonly maxRuns?: number | undefined;
}

/** What became of one group. */
export interface GroupCheck {
  readonly name: string;
  readonly size: number;
  /**
   * The largest change of an output, relative to the largest number of that output, when this group alone is
   * renumbered.
   */
  readonly deviation: number;
  /** True when that is within the tolerance. */
  readonly kept: boolean;
  /**
   * True when the outputs do change as soon as one tensor of the group is left as it was: only then does `kept` prove
   * anything. False for units that nothing depends on, on these inputs.
   */
  readonly shows: boolean;
}

/** An axis that is wrong: with the change the function is kept. */
export interface AxisFault {
  readonly group: string;
  readonly tensor: string;
  readonly axis: number;
  /** The spec's axis, as text. */
  readonly is: string;
  /** What keeps the function. */
  readonly expected: string;
}

/** What `verifySpec` found. */
export interface Verification {
  /** True when the function is kept by every group alone, and by all together. */
  readonly kept: boolean;
  /** Of all groups together. */
  readonly deviation: number;
  /** None where all together kept the function and `each` is false. */
  readonly groups: readonly GroupCheck[];
  /** For groups that change the function, the axes that are wrong; none where no few changes of axes mend it. */
  readonly faults: readonly AxisFault[];
  /** Tensors that were constant and were drawn at random. */
  readonly varied: readonly string[];
  readonly tolerance: number;
}

const KINDS: OptionKinds<VerifyOptions> = {
  ...RUNNING,
  ...{ seed: "number", tolerance: "number", maxRuns: "number", each: "boolean" },
};
/** That many axes of one group may be wrong together. */
const MAX_FAULTS = 3;
/** That many tensors of a group are left as they were, one after the other, until the outputs change. */
const MAX_SHOWS = 8;

/** What one verification works with. */
interface Proof {
  readonly model: Model;
  readonly resolved: ResolvedSpec;
  readonly runner: SpecRunner;
  readonly original: NetworkOutputs;
  readonly seed: number;
  readonly tolerance: number;
  readonly maxRuns: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Renumbers the units of every group at random, each group alone and all together, runs the network, and compares
 * outputs with those of the network as it was. Constant tensors (fresh biases and norms) are drawn at random first. For
 * a group that changes the outputs it looks for the tensor that is wrong: it tries every other way in which the group
 * could be on one axis.
 *
 * Resolves to what was found, faults included. Onnxruntime and TensorFlow.js are runners (`onnxRunner`,
 * `familyRunner`), or your own.
 *
 * @throws {SpecError} when the spec does not fit the model, or has no group.
 * @throws {RangeError} for a tolerance, seed or count that is none, for outputs that are no numbers, and for a network
 * whose outputs differ between two runs.
 * @throws {TypeError} for an unknown option.
 *
 * @example
 * const { kept, faults } = await verifySpec(model, spec, runner);
 */
export async function verifySpec(
  model: Model,
  spec: Spec,
  runner: SpecRunner,
  options: VerifyOptions = {},
): Promise<Verification> {
  checkOptions("verifySpec", options, KINDS);
  const { seed = 0, tolerance = 1e-4, maxRuns = 400, each = true, signal, onProgress } = options;
  checkInteger("seed", seed, 0);
  checkInteger("maxRuns", maxRuns, 0);
  checkNumber("tolerance", tolerance, 0, 1);
  const resolved = resolveFor(model, spec);
  if (resolved.permutations.length === 0)
    throw new SpecError(`${model.name} has a spec without permutations, expected one that moves something`);
  const { model: varied, varied: names } = await varyConstants(model, resolved, seed, signal);
  const original = await runner.run(varied, signal);
  checkOutputs(model.name, original);
  const proof: Proof = { model: varied, resolved, runner, original, seed, tolerance, maxRuns, signal };
  const total = resolved.permutations.length;
  onProgress?.({ stage: "verify", done: 0, total });
  const deviation = await deviationOf(proof, resolved, () => true);
  if (deviation > tolerance) checkRepeats(model.name, original, await runner.run(varied, signal), tolerance);
  const together = { deviation, varied: names, tolerance };
  if (!each && deviation <= tolerance) return { kept: true, ...together, groups: [], faults: [] };
  const groups: GroupCheck[] = [];
  const faults: AxisFault[] = [];
  for (const [at, group] of resolved.permutations.entries()) {
    const check = await checkGroup(proof, group);
    groups.push(check);
    if (!check.kept) faults.push(...(await findFaults(proof, group.name, group.size)));
    onProgress?.({ stage: "verify", done: at + 1, total });
  }
  return { kept: deviation <= tolerance && groups.every(({ kept }) => kept), ...together, groups, faults };
}

/** One group renumbered alone. */
async function checkGroup(proof: Proof, { name, size }: ResolvedPermutation): Promise<GroupCheck> {
  const deviation = await deviationOf(proof, proof.resolved, (each) => each === name);
  const kept = deviation <= proof.tolerance;
  return { name, size, deviation, kept, shows: kept && (await showsAt(proof, name)) };
}

/** How far outputs are from the original's when the groups of `moves` are renumbered by `resolved`. */
async function deviationOf(
  { model, runner, original, seed, signal }: Proof,
  resolved: ResolvedSpec,
  moves: (name: string) => boolean,
): Promise<number> {
  const permutations = randomPermutations(resolved, createRng(seed), moves);
  const renumbered = await applyPermutations(model, resolved.spec, permutations);
  // Not closed: that would close the model.
  return largestDeviation(original, await runner.run(renumbered, signal));
}

/** True when the group shows in the outputs: leaving one of its tensors as it was changes them. */
async function showsAt(
  { model, resolved, runner, original, seed, tolerance, signal }: Proof,
  name: string,
): Promise<boolean> {
  const permutations = randomPermutations(resolved, createRng(seed), (each) => each === name);
  const renumbered = await applyPermutations(model, resolved.spec, permutations);
  const tensors = new Set(withNested(resolved, name).flatMap((group) => group.tensors));
  // The last is where the units are read, as a rule.
  for (const left of [...tensors].reverse().slice(0, MAX_SHOWS)) {
    const from = (tensor: string): Model => (tensor === left ? model : renumbered);
    const mixed: Model = { ...renumbered, read: (tensor, ...rest) => from(tensor).read(tensor, ...rest) };
    if (largestDeviation(original, await runner.run(mixed, signal)) > tolerance) return true;
  }
  return false;
}

/** A group and all that is nested in it, to any depth: tensors of heads may name the units inside only. */
function withNested({ permutations }: ResolvedSpec, name: string): ResolvedPermutation[] {
  const isIn = (group: ResolvedPermutation | undefined): boolean =>
    group !== undefined && (group.name === name || isIn(permutations[group.outer]));
  return permutations.filter(isIn);
}

/** The resolved spec with changes; undefined where they do not fit. */
function changed({ model, resolved }: Proof, changes: readonly AxisChange[]): ResolvedSpec | undefined {
  try {
    return resolveSpec(
      withChanges(resolved.spec, changes, (tensor) => model.tensors.get(tensor)!.shape.length),
      model.tensors,
    );
  } catch (error) {
    if (error instanceof SpecError) return undefined;
    throw error;
  }
}

/**
 * The fewest changes found that keep the function, the best one first added at each step; none when it is not
 * enough.
 */
async function findFaults(proof: Proof, name: string, size: number): Promise<AxisFault[]> {
  const { resolved, tolerance, maxRuns } = proof;
  const candidates = axisChanges(resolved, name, size);
  const chosen: AxisChange[] = [];
  let runs = 0;
  while (chosen.length < MAX_FAULTS) {
    let best: { change: AxisChange; deviation: number } | undefined;
    for (const change of candidates) {
      if (runs >= maxRuns) break;
      if (chosen.some(({ tensor, axis }) => tensor === change.tensor && axis === change.axis)) continue;
      const mended = changed(proof, [...chosen, change]);
      if (mended === undefined || !mended.permutations.some((group) => group.name === name)) continue;
      runs++;
      const deviation = await deviationOf(proof, mended, (each) => each === name);
      if (best === undefined || deviation < best.deviation) best = { change, deviation };
      if (deviation <= tolerance) break;
    }
    if (best === undefined) return [];
    chosen.push(best.change);
    if (best.deviation > tolerance) continue;
    return chosen.map(({ tensor, axis, from, to }) => ({
      group: name,
      tensor,
      axis,
      is: formatAxis(from),
      expected: formatAxis(to),
    }));
  }
  return [];
}
