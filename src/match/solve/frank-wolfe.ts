/**
 * Joint matching by Frank–Wolfe from the barycentre. All permutations step together over doubly stochastic matrices:
 * gradient C_P for every P, vertex S_P = assignment of C_P, exact line search. In cells of degree 1 and 2 the objective
 * along a step is a quadratic and every C_P is affine in the others. So the state is one running matrix per
 * permutation, C_P ← (1−γ)·C_P + γ·C_P(vertices), and B is only gathered through hard permutations.
 *
 * Cells of higher degree (grouped convolutions between two permuted streams) are held: left out at first, then
 * linearised at the permutations found.
 */

import type { OnProgress } from "../../base/progress.ts";
import { identityPermutation } from "../../perm/permutation.ts";
import { accumulateCost } from "../costs/accumulate-cost.ts";
import { accumulateBarycentre } from "../costs/barycentre.ts";
import type { KeptCosts } from "../costs/kept-costs.ts";
import { beginCosts, linearValue } from "../costs/linear-term.ts";
import type { Matrices } from "../costs/matrices.ts";
import { cellDot } from "../costs/objective.ts";
import type { Lookup } from "../costs/offsets.ts";
import { MAX_DEGREE, type Occurrence, type VotingCell } from "../costs/problem.ts";
import type { Workspace } from "../costs/workspace.ts";
import { assignGroupAgain } from "./assign-group.ts";

/** A step that gains less than this share of the objective ends the search; 10⁻⁴ would lose 2 % on noised VGG16. */
const RELATIVE_GAIN = 1e-7;
const MAX_ITERATIONS = 200;

export interface FrankWolfeOptions {
  readonly pause: () => Promise<void>;
  readonly onProgress?: OnProgress | undefined;
  /** Permutations at which held cells are linearised (by number); without it they are left out. */
  readonly reference?: readonly Int32Array[] | undefined;
  /** Starts not at the barycentre but `step` of the way from there to these permutations (by number). */
  readonly aside?: { readonly vertex: readonly Int32Array[]; readonly step: number } | undefined;
}

/** The two homogeneous parts of the relaxed objective: linear and bilinear in the permutations. */
interface Parts {
  readonly linear: number;
  readonly bilinear: number;
}

/**
 * Hard permutations by number: the assignments of the last gradients. `costs` are running matrices, one each.
 * `atVertex` are the matrices at vertices, of the cells that are not held.
 */
export async function frankWolfe(
  workspace: Workspace,
  costs: Matrices,
  atVertex: KeptCosts,
  options: FrankWolfeOptions,
): Promise<{ orders: Int32Array[]; iterations: number }> {
  const { keeper } = workspace;
  const kept = await keeper?.begin(atVertex, costs);
  const [from = 0, linear = 0, bilinear = 0] = kept?.numbers ?? [];
  if (kept !== undefined && kept.orders.length > 0) return { orders: [...kept.orders], iterations: from };
  const constant = await constantPart(workspace);
  let at = kept === undefined ? await startAtBarycentre(workspace, costs, options) : { linear, bilinear };
  const { aside } = options;
  if (aside !== undefined && kept === undefined) {
    const steepest = await chosenSum(costs, (p) => costs.load(p, "read"), aside.vertex);
    const side = await lookAlong(workspace, steepest, atVertex, at, aside.vertex, options);
    await moveGradients(workspace, costs, atVertex, aside.vertex, aside.step, options);
    at = partsAlong(at, side, aside.step);
  }
  for (let iteration = from + 1; ; iteration++) {
    const { vertex, steepest } = await bestVertex(workspace, costs, options.pause);
    const line = await lookAlong(workspace, steepest, atVertex, at, vertex, options);
    const { slope, curvature } = line;
    const step = curvature < 0 ? Math.min(1, -slope / (2 * curvature)) : 1;
    const gain = (slope + curvature * step) * step;
    const objective = constant + at.linear + at.bilinear;
    options.onProgress?.({ stage: "frank-wolfe", done: iteration, objective: objective + Math.max(gain, 0) });
    if (!(gain > RELATIVE_GAIN * Math.abs(objective)) || iteration === MAX_ITERATIONS) {
      await keeper?.save({ orders: vertex, numbers: [iteration] });
      return { orders: vertex, iterations: iteration };
    }
    await moveGradients(workspace, costs, atVertex, vertex, step, options);
    at = partsAlong(at, line, step);
    await keeper?.save({ orders: [], numbers: [iteration, at.linear, at.bilinear] }, costs);
  }
}

/** The objective on the way to a vertex: its parts there, mixed terms, slope and curvature. */
interface Line {
  readonly there: Parts;
  readonly cross: number;
  readonly slope: number;
  readonly curvature: number;
}

async function lookAlong(
  workspace: Workspace,
  steepest: number,
  atVertex: KeptCosts,
  at: Parts,
  vertex: readonly Int32Array[],
  options: FrankWolfeOptions,
): Promise<Line> {
  const there = await partsAt(workspace, atVertex, vertex, options);
  const cross = steepest - there.linear;
  const slope = steepest - at.linear - 2 * at.bilinear;
  return { there, cross, slope, curvature: at.bilinear - cross + there.bilinear };
}

/** The parts after a step that long. */
function partsAlong(at: Parts, { there, cross }: Line, step: number): Parts {
  return {
    linear: (1 - step) * at.linear + step * there.linear,
    bilinear: (1 - step) ** 2 * at.bilinear + step * (1 - step) * cross + step ** 2 * there.bilinear,
  };
}

/** Σ over cells that no permutation acts on. */
async function constantPart(workspace: Workspace): Promise<number> {
  let sum = 0;
  for (const [t, { cells }] of workspace.problem.tensors.entries())
    for (const cell of cells) if (cell.degree === 0) sum += await cellDot(workspace, t, cell, () => null);
  return sum;
}

/** Cells of a degree that joint steps do not treat. */
export const isHeld = ({ cell }: Occurrence): boolean => cell.degree > MAX_DEGREE;

/** Fills every matrix with the gradient at the barycentre; returns the parts of the objective there. */
async function startAtBarycentre(workspace: Workspace, costs: Matrices, options: FrankWolfeOptions): Promise<Parts> {
  const { problem } = workspace;
  const parts = { linear: 0, bilinear: 0 };
  for (const [p, { size: n }] of problem.permutations.entries()) {
    await beginCosts(workspace, p, costs);
    const occurrences = problem.occurrences[p]!;
    const alone = occurrences.filter(({ cell }) => cell.degree === 1);
    await accumulateCost(workspace, p, alone, () => null, costs, { pause: options.pause });
    await accumulateHeld(workspace, p, costs, 1, options);
    /** ⟨C, P⟩ where P starts: 1/n everywhere, or in place where it may not move. */
    const value = (): number => (problem.free[p] ? costs.total(p) / n : costs.chosenSum(p, identityPermutation(n)));
    const linear = value();
    for (const occurrence of occurrences) {
      if (occurrence.cell.degree !== 2) continue;
      if (problem.free[otherPermutation(occurrence)])
        await accumulateBarycentre(workspace, p, occurrence, costs, options.pause);
      else await accumulateCost(workspace, p, [occurrence], () => null, costs, { pause: options.pause });
      await options.pause();
    }
    parts.linear += linear;
    // Every bilinear cell is met twice, once from each of its two permuted dimensions.
    parts.bilinear += (value() - linear) / 2;
  }
  return parts;
}

/** The permutation that acts on the other permuted dimension of a cell of degree 2. */
function otherPermutation({ cell, dim }: Occurrence): number {
  return cell.dims.find(({ permutation }, at) => at !== dim && permutation >= 0)!.permutation;
}

/** C += scale · gradient of the held cells, linearised at the reference. */
async function accumulateHeld(
  workspace: Workspace,
  p: number,
  costs: Matrices,
  scale: number,
  options: FrankWolfeOptions,
): Promise<void> {
  const { reference } = options;
  if (reference === undefined) return;
  const held = workspace.problem.occurrences[p]!.filter(isHeld);
  await accumulateCost(workspace, p, held, (other) => reference[other]!, costs, { pause: options.pause, scale });
}

/** The vertex that the gradients point to most, an assignment per group, and Σ_P ⟨C_P, S_P⟩ there, in f64. */
async function bestVertex(
  workspace: Workspace,
  costs: Matrices,
  pause: () => Promise<void>,
): Promise<{ vertex: Int32Array[]; steepest: number }> {
  const { problem } = workspace;
  const vertex = problem.permutations.map(({ size }) => identityPermutation(size));
  const chosen = new Float64Array(vertex.length);
  for (const group of problem.groups) {
    const members = [group.root, ...group.nested];
    for (const p of members) await costs.load(p, "read");
    if (problem.free[group.root])
      for (const [p, order] of assignGroupAgain(workspace, group, costs.pointers)) vertex[p] = order;
    for (const p of members) chosen[p] = costs.chosenSum(p, vertex[p]!);
    await pause();
  }
  return { vertex, steepest: chosen.reduce((sum, value) => sum + value, 0) };
}

/** Σ_P ⟨C_P, S_P⟩ in f64, of matrices that `bring` puts in place. */
async function chosenSum(
  costs: Pick<Matrices, "chosenSum">,
  bring: (p: number) => Promise<void>,
  vertex: readonly Int32Array[],
): Promise<number> {
  let sum = 0;
  for (const [p, order] of vertex.entries()) {
    await bring(p);
    sum += costs.chosenSum(p, order);
  }
  return sum;
}

/**
 * The parts of the objective at a vertex. The bilinear one is read from the matrices there, which the next step or the
 * polish needs anyway. Σ_P ⟨C_P, S_P⟩ counts linear cells once and bilinear ones twice. Where matrices are shared, it
 * comes from the tensors.
 */
async function partsAt(
  workspace: Workspace,
  atVertex: KeptCosts,
  vertex: readonly Int32Array[],
  options: FrankWolfeOptions,
): Promise<Parts> {
  const lookup: Lookup = (p) => vertex[p]!;
  const dots = async (degree: number): Promise<number> => {
    let sum = 0;
    for (const [t, { cells }] of workspace.problem.tensors.entries()) {
      for (const cell of cells) if (cell.degree === degree) sum += await cellDot(workspace, t, cell, lookup);
      await options.pause();
    }
    return sum;
  };
  const linear = linearValue(workspace, vertex.entries()) + (await dots(1));
  const held = await heldPart(workspace, vertex, options.reference);
  if (atVertex.shared) return { linear: linear + held, bilinear: await dots(2) };
  const chosen = await chosenSum(atVertex, (p) => atVertex.bring(p, vertex), vertex);
  return { linear: linear + held, bilinear: (chosen - linear) / 2 };
}

/** What held cells add to the linear part: see `heldDot`. */
async function heldPart(
  workspace: Workspace,
  vertex: readonly Int32Array[],
  reference: readonly Int32Array[] | undefined,
): Promise<number> {
  let sum = 0;
  for (const [t, { cells }] of workspace.problem.tensors.entries())
    for (const cell of cells) if (cell.degree > MAX_DEGREE) sum += await heldDot(workspace, t, cell, vertex, reference);
  return sum;
}

/** The linearised share of a held cell: each of its permutations at the vertex in turn, the rest at the reference. */
async function heldDot(
  workspace: Workspace,
  tensor: number,
  cell: VotingCell,
  vertex: readonly Int32Array[],
  reference: readonly Int32Array[] | undefined,
): Promise<number> {
  if (reference === undefined) return 0;
  let sum = 0;
  for (const [moving, { permutation }] of cell.dims.entries()) {
    if (permutation < 0) continue;
    const lookupDim = (dim: number): Int32Array | null => {
      const p = cell.dims[dim]!.permutation;
      return p < 0 ? null : (dim === moving ? vertex : reference)[p]!;
    };
    sum += await cellDot(workspace, tensor, cell, (p) => vertex[p]!, lookupDim);
  }
  return sum;
}

/** C_P ← (1−step)·C_P + step·C_P(vertex) for every P. */
async function moveGradients(
  workspace: Workspace,
  costs: Matrices,
  atVertex: KeptCosts,
  vertex: readonly Int32Array[],
  step: number,
  options: FrankWolfeOptions,
): Promise<void> {
  for (const p of workspace.problem.permutations.keys()) {
    await atVertex.bring(p, vertex);
    await costs.load(p, "change");
    costs.mix(p, atVertex, 1 - step, step);
    await accumulateHeld(workspace, p, costs, step, options);
  }
}
