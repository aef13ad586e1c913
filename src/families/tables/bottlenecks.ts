/**
 * MobileNetV2, MobileNetV3 and EfficientNet (V1 and V2) of torchvision. Their blocks widen the stream by a convolution
 * and filter each channel by itself. Some scale channels by squeeze and excitation. All narrow to the stream again.
 */

import { SpecError } from "../../base/errors.ts";
import type { CheckpointFacts } from "./checkpoint.ts";
import { batchNorm, conv2d, dense, type TensorRows } from "./rows.ts";
import type { Table, TableLayout } from "./table.ts";

/** A convolution and its norm, or squeeze and excitation. */
type Step = { readonly conv: string; readonly norm: string } | { readonly squeeze: string };

/** Where the walk through the network is. */
interface Place {
  readonly axis: string;
  readonly size: number;
}

function stepsOf(checkpoint: CheckpointFacts, block: string): Step[] {
  const steps: Step[] = [];
  for (let at = 0; ; at++) {
    const name = `${block}.${at}`;
    if (checkpoint.has(`${name}.0.weight`)) steps.push({ conv: `${name}.0`, norm: `${name}.1` });
    else if (checkpoint.has(`${name}.fc1.weight`)) steps.push({ squeeze: name });
    else if (checkpoint.has(`${name}.weight`)) steps.push({ conv: name, norm: `${block}.${++at}` });
    else return steps;
  }
}

/** Rows of a convolution and its norm; one of a single channel for each output keeps the order of its input. */
function convolve(
  { size }: CheckpointFacts,
  { conv, norm }: { readonly conv: string; readonly norm: string },
  from: Place,
  out: string,
): { rows: TensorRows; to: Place } {
  const [units, reads] = [size(`${conv}.weight`, 0)!, size(`${conv}.weight`, 1)!];
  const isDepthwise = reads === 1 && units === from.size;
  if (!isDepthwise && reads !== from.size)
    throw new SpecError(`${conv}.weight reads ${reads} of ${from.size} channels, expected one or all`);
  const axis = isDepthwise ? from.axis : out;
  const rows = { ...conv2d(conv, axis, isDepthwise ? "_" : from.axis), ...batchNorm(norm, axis) };
  return { rows, to: { axis, size: units } };
}

/** Block `id`, whose output is added to its input where both have as many channels and it has stride 1. */
function walkBlock(
  checkpoint: CheckpointFacts,
  block: string,
  id: string,
  start: Place,
): { rows: TensorRows; to: Place } {
  const steps = stepsOf(checkpoint, block);
  const last = steps.at(-1);
  if (last === undefined || "squeeze" in last)
    throw new SpecError(`${block} ends with squeeze and excitation or is empty, expected a convolution at its end`);
  const rows: TensorRows = {};
  let place = start;
  for (const step of steps) {
    if ("squeeze" in step) {
      const { axis } = place;
      Object.assign(rows, conv2d(`${step.squeeze}.fc1`, `S${id}`, axis, "bias"));
      Object.assign(rows, conv2d(`${step.squeeze}.fc2`, axis, `S${id}`, "bias"));
      continue;
    }
    // Strides are in no file: as many channels have one order, with the sum and without it.
    const stays = checkpoint.size(`${step.conv}.weight`, 0) === start.size;
    const out = step !== last ? `P${id}` : stays ? start.axis : `R${id}`;
    const { rows: more, to } = convolve(checkpoint, step, place, out);
    Object.assign(rows, more);
    place = to;
  }
  return { rows, to: place };
}

/** The blocks of one `features.{N}`: itself, or a stage of several; none for a convolution. */
function blocksOf({ has }: CheckpointFacts, name: string, inner: string): { block: string; id: string }[] {
  const number = name.split(".")[1]!;
  if (has(`${name}.${inner}.0.0.weight`)) return [{ block: `${name}.${inner}`, id: number }];
  const blocks: { block: string; id: string }[] = [];
  while (has(`${name}.${blocks.length}.${inner}.0.0.weight`))
    blocks.push({ block: `${name}.${blocks.length}.${inner}`, id: `${number}.${blocks.length}` });
  return blocks;
}

/** `inner` is the name of a block's list of steps. */
function layout(checkpoint: CheckpointFacts, inner: string): TableLayout {
  const tensors: TensorRows = {};
  let place: Place = { axis: "_", size: checkpoint.size("features.0.0.weight", 1)! };
  let blocks = 0;
  const add = ({ rows, to }: { rows: TensorRows; to: Place }): void => {
    Object.assign(tensors, rows);
    place = to;
  };
  for (let at = 0; ; at++) {
    const name = `features.${at}`;
    const found = blocksOf(checkpoint, name, inner);
    for (const { block, id } of found) add(walkBlock(checkpoint, block, id, place));
    blocks += found.length;
    if (found.length > 0) continue;
    if (!checkpoint.has(`${name}.0.weight`)) break;
    add(convolve(checkpoint, { conv: `${name}.0`, norm: `${name}.1` }, place, `R${at}`));
  }
  Object.assign(tensors, classifier(checkpoint, place.axis));
  return {
    permutations: {
      "R{N}": { role: "residual" },
      "R{N}.{M}": { role: "residual" },
      "P{N}": { role: "ffn" },
      "P{N}.{M}": { role: "ffn" },
      "S{N}": { role: "squeeze" },
      "S{N}.{M}": { role: "squeeze" },
      C: { role: "ffn" },
    },
    tensors,
    why: `${blocks} blocks of convolutions that widen, filter and narrow`,
    assumptions: ["streams of as many channels before and behind a block have one order (strides are in no file)"],
  };
}

/** One dense layer, or two with hidden units between them. */
function classifier({ has }: CheckpointFacts, input: string): TensorRows {
  const [first, second] = [0, 1, 2, 3].map((at) => `classifier.${at}`).filter((name) => has(`${name}.weight`));
  if (first === undefined) throw new SpecError("model has no classifier, expected one behind its features");
  if (second === undefined) return dense(first, "_", input);
  return { ...dense(first, "C", input), ...dense(second, "_", "C") };
}

const table = (name: string, inner: string, first: string): Table => ({
  name,
  signs: ["features.0.0.weight", first, "classifier.(0|1).weight"],
  layout: (checkpoint) => layout(checkpoint, inner),
});

export const mobileNetV2: Table = table("mobilenet-v2", "conv", "features.1.conv.0.0.weight");
export const mobileNetV3: Table = table("mobilenet-v3", "block", "features.1.block.0.0.weight");
export const efficientNet: Table = table("efficientnet", "block", "features.1.0.block.0.0.weight");
