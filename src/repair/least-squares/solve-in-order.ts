/**
 * Least squares after alignment: operation by operation, the merged network gets the tensors that best reproduce, from
 * its inputs, the mean output of its aligned parents. After PLeaS, Nasery et al. 2024, arXiv 2407.02447.
 */

import type { Dataset } from "../../data/dataset.ts";
import type { Graph, Operation } from "../../graph/graph.ts";
import { toTensorFlowShape } from "../../graph/tensor-layout.ts";
import { createExtraKernels, type ExtraKernels } from "../../kernels/extra-kernels.ts";
import type { Value } from "../../run/executor.ts";
import { channelSums } from "../channel-statistics.ts";
import { createNormalEquations, type NormalEquations } from "./normal-equations.ts";
import { type LinearKind, patchesOf } from "./patches.ts";
import type { Stepper } from "./stepper.ts";

/** One operation after its solve; errors are relative to what the parents put out, on the images it was fitted on. */
export interface SolvedOperation {
  /** Name of the operation's value. */
  readonly value: string;
  /** ‖output − target‖ / ‖target‖ with the merged tensors, all operations before it solved. */
  readonly before: number;
  /** The same with the tensors found. */
  readonly after: number;
  /** Of the equations: what rounding left, relative to their size. */
  readonly residual: number;
}

export interface SolveSettings {
  /** Share of each parent in the targets. */
  readonly weights: readonly number[];
  readonly ridge: number;
  /** After each batch, with the images done so far over all walks. */
  readonly onImages: (done: number) => void;
}

/**
 * Solves every linear operation of the merged network in place, in the order in which they run; BatchNorm's statistics
 * become those of the network so far. Tensors that several operations share stay as they are.
 */
export async function solveInOrder(
  stepper: Stepper,
  data: Dataset,
  { weights, ridge, onImages }: SolveSettings,
): Promise<SolvedOperation[]> {
  const kernels = createExtraKernels();
  const solved: SolvedOperation[] = [];
  for (const [done, i] of stepsOf(stepper.graph).entries()) {
    const report = (images: number): void => onImages(done * data.count + images);
    if (stepper.graph.operations[i]!.kind.op === "batch-norm") await resetNorm(stepper, i, report);
    else solved.push(await solveOperation(kernels, stepper, i, { weights, ridge, onImages: report }));
  }
  return solved;
}

/** Numbers of the operations that are solved or recomputed. */
export function stepsOf({ operations }: Graph): number[] {
  const uses = new Map<string, number>();
  for (const { kind } of operations) {
    if (kind.op === "dense" || kind.op === "conv") uses.set(kind.weight, (uses.get(kind.weight) ?? 0) + 1);
  }
  return operations.flatMap(({ kind }, i) => {
    if (kind.op === "batch-norm") return [i];
    return (kind.op === "dense" || kind.op === "conv") && uses.get(kind.weight) === 1 ? [i] : [];
  });
}

async function solveOperation(
  kernels: ExtraKernels,
  stepper: Stepper,
  i: number,
  { weights, ridge, onImages }: SolveSettings,
): Promise<SolvedOperation> {
  const { output, kind } = stepper.graph.operations[i]! as Operation & { readonly kind: LinearKind };
  const { weight, bias } = kind;
  const shape = toTensorFlowShape(kind.layout, stepper.tensors.get(weight)!.shape);
  let equations: NormalEquations | undefined;
  try {
    await stepper.each(
      i,
      true,
      (input, outputs, images) => {
        if (equations === undefined) {
          const patches = patchesOf(kind, shape, input.shape.slice(1), outputs[0]!.shape.slice(1));
          equations = createNormalEquations(kernels, `${stepper.name} at ${output}`, patches, bias !== undefined);
        }
        equations.add(input.data, blend(outputs, weights), images);
      },
      onImages,
    );
    const before = {
      weight: await stepper.read(weight),
      bias: bias === undefined ? undefined : await stepper.read(bias),
    };
    const found = equations!.solve(before, ridge);
    stepper.write(weight, found.weight);
    if (bias !== undefined) stepper.write(bias, found.bias!);
    return { value: output, before: found.before, after: found.after, residual: found.residual };
  } finally {
    equations?.release();
  }
}

/** Σ weight · value, in f64, rounded once. */
function blend(values: readonly Value[], weights: readonly number[]): Float32Array {
  const [first, second] = values as [Value, Value | undefined];
  const [w0, w1] = weights as [number, number];
  // One parent or two is what there nearly always is.
  if (second === undefined) return first.data.map((value) => w0 * value);
  if (values.length === 2) return first.data.map((value, i) => w0 * value + w1 * second.data[i]!);
  return first.data.map((_, i) => values.reduce((sum, { data }, k) => sum + weights[k]! * data[i]!, 0));
}

/**
 * Statistics of what the norm is given now. A channel that never changes keeps its variance, or it would be blown
 * up elsewhere.
 */
async function resetNorm(stepper: Stepper, i: number, onImages: (images: number) => void): Promise<void> {
  const { output, inputs, kind } = stepper.graph.operations[i]!;
  if (kind.op !== "batch-norm") return;
  const sums = channelSums(`${stepper.name} at ${inputs[0]}`);
  let rows = 0;
  await stepper.each(
    i,
    false,
    (input) => {
      rows += input.data.length / input.shape.at(-1)!;
      sums.add(input);
    },
    onImages,
  );
  if (rows < 2) throw new RangeError(`${stepper.name} at ${output} has ${rows} value a channel, expected at least two`);
  const { mean, deviation } = sums.finish();
  const kept = await stepper.read(kind.variance);
  const unbiased = rows / (rows - 1);
  stepper.write(kind.mean, Float32Array.from(mean));
  stepper.write(
    kind.variance,
    Float32Array.from(deviation, (each, c) => (each === 0 ? kept[c]! : each * each * unbiased)),
  );
}
