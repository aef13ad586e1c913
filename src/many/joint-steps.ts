/**
 * C²M³ (Crisostomi, Fumero, Baieri, Bernard, Rodolà 2024, arXiv 2405.17897). Every model has permutations to a common
 * universe. All of them step together by Frank–Wolfe on Σ_i<j ⟨P_i(θ_i), P_j(θ_j)⟩ over doubly stochastic matrices.
 *
 * Theirs multiplies dense soft permutations. Here a soft permutation is never built: it is a running mixture of hard
 * ones. With at most two of them on a cell, the model under it is a running mixture of gathered models (`SoftTensor`).
 * The gradient for one permutation of model i is a cost matrix of the sum of the other soft models against model i with
 * that permutation left out. Along a step each soft model is a quadratic and the objective a quartic, maximised
 * exactly.
 *
 * Cells of degree three and more (grouped convolutions between two permuted streams) are left to the descent that
 * follows.
 */

import { asFloat32 } from "../base/aligned.ts";
import { chooseKernels } from "../match/choose-kernels.ts";
import { accumulateCost } from "../match/costs/accumulate-cost.ts";
import { areasEnd } from "../match/costs/areas.ts";
import { inPlace } from "../match/costs/offsets.ts";
import { type Outline, outlineProblem, type TensorOutline } from "../match/costs/problem.ts";
import type { ModelSide, VotingValues } from "../match/costs/voting-values.ts";
import { createWorkspace, type Workspace } from "../match/costs/workspace.ts";
import { loadNested } from "../match/load-nested.ts";
import { assignGroup } from "../match/solve/assign-group.ts";
import type { Orders } from "../perm/alignment.ts";
import { identityPermutation } from "../perm/permutation.ts";
import type { ManyRun } from "./match-step.ts";
import { bestStep, type Quartic } from "./quartic.ts";
import {
  createSoftTensor,
  gatherCross,
  gatherVertex,
  mixTensor,
  permutedDims,
  type SoftTensor,
  stepCells,
} from "./soft-tensor.ts";

/** A step that gains less than this share of the objective ends the search, as between two models. */
const RELATIVE_GAIN = 1e-7;
const MAX_STEPS = 200;
/** Of matrices: running ones. */
const NEEDS = { jointly: true };

/** Hard permutations of every model: of all vertices that were met, those of the highest objective. */
export interface JointSteps {
  readonly orders: readonly Orders[];
  readonly steps: number;
}

/** Steps from `start`. */
export async function stepJointly(run: ManyRun, given: readonly Orders[]): Promise<JointSteps> {
  const outline = outlineProblem(run.many.resolved, {}, await loadNested(run.many.resolved));
  const start = given.map((orders) => outline.nested?.withFibres(outline, orders) ?? orders);
  const count = run.many.resolved.permutations.length;
  const { kernels, end } = await chooseKernels(outline, run.threads, run.build);
  try {
    kernels.arena.reserve(areasEnd(kernels, outline, NEEDS));
    // What is matched changes from step to step: the other models' sum, and the model without one permutation.
    const sides = { a: new Uint8Array(0), b: new Uint8Array(0) };
    const values: VotingValues = { read: async (side, _, use) => use(sides[side], 0) };
    const workspace = createWorkspace(kernels, { ...outline, values }, NEEDS, false);
    const state = await createState(run, workspace, sides, start);
    let best: Orders[] | null = null;
    let highest = Number.NEGATIVE_INFINITY;
    for (let step = 1; ; step++) {
      const vertices: Orders[] = [];
      for (let i = 0; i < start.length; i++) vertices.push(await bestVertex(state, i));
      const quartic = await quarticTo(state, vertices);
      if (quartic.at(1) > highest) [best, highest] = [vertices, quartic.at(1)];
      const { step: size, value } = bestStep(quartic);
      const objective = quartic.at(0);
      run.onProgress?.({ stage: "frank-wolfe", done: step, objective: value });
      if (!(value - objective > RELATIVE_GAIN * Math.abs(objective)) || step === MAX_STEPS)
        return { orders: best!.map((orders) => orders.slice(0, count)), steps: step };
      await take(state, vertices, size);
    }
  } finally {
    end();
  }
}

interface State {
  readonly run: ManyRun;
  readonly outline: Outline;
  readonly workspace: Workspace;
  /** Bytes of the tensor of the other models, and of the one that is matched to it. */
  readonly sides: Record<ModelSide, Uint8Array>;
  /** Tensors that any cell of takes part, by number of the outline, and every model's share of each. */
  readonly tensors: readonly number[];
  readonly soft: readonly ReadonlyMap<number, SoftTensor>[];
  /** Σ of the soft models, by tensor; f32, as what is matched against it. */
  readonly sums: ReadonlyMap<number, Float32Array>;
  /** The values of a tensor of a model as it is; a view maybe. */
  read(i: number, tensor: TensorOutline): Promise<Float32Array>;
}

async function createState(
  run: ManyRun,
  workspace: Workspace,
  sides: State["sides"],
  start: readonly Orders[],
): Promise<State> {
  const { many } = run;
  const { problem: outline } = workspace;
  const byName = new Map(many.voting.map((tensor) => [tensor.name, tensor]));
  const identity = outline.permutations.map(({ size }) => identityPermutation(size));
  const read = async (i: number, tensor: TensorOutline): Promise<Float32Array> => {
    const bytes = async (name: string): Promise<Uint8Array> =>
      bytesOf(await many.readAligned(i, byName.get(name)!, identity));
    return asFloat32(await (tensor.view?.read(4, bytes) ?? bytes(tensor.name)));
  };
  const tensors = outline.tensors.flatMap((tensor, t) => (stepCells(tensor).length > 0 ? [t] : []));
  const soft = start.map(() => new Map<number, SoftTensor>());
  const sums = new Map<number, Float32Array>();
  for (const t of tensors) {
    const tensor = outline.tensors[t]!;
    for (const [i, orders] of start.entries()) {
      soft[i]!.set(t, createSoftTensor(tensor, await read(i, tensor), orders));
      await run.pause();
    }
    sums.set(t, new Float32Array(tensor.elements));
    sumUp(sums.get(t)!, soft, t);
  }
  return { run, outline, workspace, sides, tensors, soft, sums, read };
}

function sumUp(sum: Float32Array, soft: State["soft"], t: number): void {
  const all = soft.map((own) => own.get(t)!.whole);
  for (let e = 0; e < sum.length; e++) {
    let total = 0;
    for (let i = 0; i < all.length; i++) total += all[i]![e]!;
    sum[e] = total;
  }
}

/** The permutations of model number `i` that its gradient points to most. */
async function bestVertex(state: State, i: number): Promise<Orders> {
  const { run, outline, workspace, soft, sums } = state;
  const { running, staging } = workspace;
  for (const p of outline.permutations.keys()) running.set(p, null);
  for (const t of state.tensors) {
    const tensor = outline.tensors[t]!;
    const { whole, without } = soft[i]!.get(t)!;
    const sum = sums.get(t)!;
    state.sides.a = bytesOf(sum.map((value, e) => value - whole[e]!));
    for (const k of [0, 1] as const) {
      const occurrences = stepCells(tensor).flatMap((cell) => {
        const dim = permutedDims(cell)[k];
        return dim === undefined ? [] : [{ tensor: t, cell, dim }];
      });
      if (occurrences.length === 0) continue;
      state.sides.b = bytesOf(without === null ? await state.read(i, tensor) : without[k]);
      staging.forget();
      for (const occurrence of occurrences) {
        const p = occurrence.cell.dims[occurrence.dim]!.permutation;
        await accumulateCost(workspace, p, [occurrence], inPlace, running, { pause: run.pause });
      }
    }
  }
  const vertex: Int32Array[] = new Array(outline.permutations.length);
  for (const group of outline.groups) {
    for (const [p, order] of assignGroup(workspace, group, running.pointers)) vertex[p] = order;
    await run.pause();
  }
  return vertex;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The coefficients of (1−γ)², γ(1−γ) and γ² along a step of γ. */
type Parts<T> = readonly [T, T, T];

/** The objective along the step from the soft models to the vertices. */
async function quarticTo(state: State, vertices: readonly Orders[]): Promise<Quartic> {
  // Products of parts a and b by 3·a + b: those of the sums of all models, less those of each model with itself.
  const products = new Float64Array(9);
  for (const t of state.tensors) {
    const { elements } = state.outline.tensors[t]!;
    const fresh = (): Float64Array => new Float64Array(elements);
    const totals = [fresh(), fresh(), fresh()] as const;
    for (let i = 0; i < vertices.length; i++) {
      const parts = await partsOf(state, i, t, vertices[i]!);
      parts.forEach((part, a) => {
        const total = totals[a]!;
        for (let e = 0; e < elements; e++) total[e]! += part[e]!;
      });
      addProducts(products, parts, -1);
      await state.run.pause();
    }
    addProducts(products, totals, 1);
  }
  return quarticOf(products);
}

/** Adds ⟨part a, part b⟩ for all a and b. In one pass: six sums that do not wait for each other. */
function addProducts(products: Float64Array, parts: Parts<Float32Array | Float64Array>, sign: number): void {
  const [x, y, z] = parts;
  let [xx, xy, xz, yy, yz, zz] = [0, 0, 0, 0, 0, 0];
  for (let e = 0; e < x.length; e++) {
    const a = x[e]!;
    const b = y[e]!;
    const c = z[e]!;
    xx += a * a;
    xy += a * b;
    xz += a * c;
    yy += b * b;
    yz += b * c;
    zz += c * c;
  }
  [xx, xy, xz, xy, yy, yz, xz, yz, zz].forEach((product, at) => {
    products[at]! += sign * product;
  });
}

function quarticOf(products: Float64Array): Quartic {
  return {
    at(step) {
      const powers = [(1 - step) * (1 - step), step * (1 - step), step * step];
      let sum = 0;
      for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) sum += products[3 * a + b]! * powers[a]! * powers[b]!;
      return sum / 2;
    },
  };
}

/** One tensor of model number `i` along the step. Fresh arrays, except that the first is the state's. */
async function partsOf(state: State, i: number, t: number, vertex: Orders): Promise<Parts<Float32Array>> {
  const tensor = state.outline.tensors[t]!;
  const values = await state.read(i, tensor);
  const soft = state.soft[i]!.get(t)!;
  const cross = new Float32Array(tensor.elements);
  const there = new Float32Array(tensor.elements);
  gatherCross(cross, soft, tensor, values, vertex);
  gatherVertex(there, tensor, values, vertex);
  return [soft.whole, cross, there];
}

/** Takes the step: soft models, their shares under one permutation, and the sums. */
async function take(state: State, vertices: readonly Orders[], step: number): Promise<void> {
  const [w0, w1, w2] = [(1 - step) * (1 - step), step * (1 - step), step * step];
  for (const t of state.tensors) {
    const tensor = state.outline.tensors[t]!;
    for (let i = 0; i < vertices.length; i++) {
      const [whole, cross, there] = await partsOf(state, i, t, vertices[i]!);
      for (let e = 0; e < whole.length; e++) whole[e] = w0 * whole[e]! + w1 * cross[e]! + w2 * there[e]!;
      mixTensor(state.soft[i]!.get(t)!, tensor, await state.read(i, tensor), vertices[i]!, step);
      await state.run.pause();
    }
    sumUp(state.sums.get(t)!, state.soft, t);
  }
}
