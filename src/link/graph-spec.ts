/** The spec of a checkpoint from a graph that was exported of its network. */

import { ANY_SIZE, axisNames } from "../axes/axis.ts";
import type { Axis, Spec, TensorSpec } from "../axes/types.ts";
import { listFirst } from "../base/compare-tensors.ts";
import { DTYPES } from "../base/dtype.ts";
import { SpecError } from "../base/errors.ts";
import { elementCount, type Model } from "../base/model.ts";
import { isStatistic } from "../base/tensor-names.ts";
import { type Linked, linkTensors, type TensorLink } from "./link-tensors.ts";
import { isUniform } from "./tensor-content.ts";

/** A spec through links, and how its tensors were found. */
export interface LinkedSpec {
  readonly spec: Spec;
  readonly links: readonly TensorLink[];
}

/** How to export a graph in which every tensor is. */
const EXPORT =
  "export it with do_constant_folding=False and training=torch.onnx.TrainingMode.PRESERVE (docs/any-model.md), or pass a spec file";

/**
 * Carries the spec of a graph's file over to a checkpoint of the same network, whose tensors may have other names and
 * orders of axes. `file` is the model that has the graph, `spec` its spec.
 *
 * @throws {SpecError} naming tensors: for one that the spec moves and the checkpoint lacks, unless all its numbers are
 * equal, and for a float of the
 * checkpoint that the graph lacks. Also for one that replaces two of different axes.
 */
export async function linkedSpec(file: Model, spec: Spec, model: Model, signal?: AbortSignal): Promise<LinkedSpec> {
  const linked = await linkTensors(file, model, signal);
  await checkLeft(file, spec, model, linked, signal);
  const tensors = new Map<string, TensorSpec>();
  for (const { graph, tensor, order } of linked.links) {
    const own = spec.tensors.get(graph) ?? fixed(file, graph);
    const axes =
      order === undefined ? own.axes : model.tensors.get(tensor)!.shape.map((_, i) => own.axes[order.indexOf(i)]!);
    const before = tensors.get(tensor);
    if (before !== undefined && JSON.stringify(before.axes) !== JSON.stringify(axes))
      throw new SpecError(
        `${model.name} tensor ${tensor} is two tensors of ${file.name} with different axes, expected one`,
      );
    tensors.set(tensor, { axes, votes: own.votes && !isStatistic(tensor) });
  }
  return {
    links: linked.links,
    spec: {
      ...spec,
      tensors: inFileOrder(tensors, model),
      rest: "fixed",
      why: `${spec.why ?? "graph"}; ${linkWords(linked.links)}`,
      assumptions: [...(spec.assumptions ?? []), ...linkAssumptions(file, linked.links)],
    },
  };
}

const fixed = ({ tensors }: Model, name: string): TensorSpec => ({
  axes: tensors.get(name)!.shape.map((): Axis => [[ANY_SIZE]]),
  votes: !isStatistic(name),
});

function inFileOrder(tensors: ReadonlyMap<string, TensorSpec>, model: Model): Map<string, TensorSpec> {
  return new Map([...model.tensors.keys()].flatMap((name) => (tensors.has(name) ? [[name, tensors.get(name)!]] : [])));
}

async function checkLeft(
  file: Model,
  spec: Spec,
  model: Model,
  { graphLeft, left }: Linked,
  signal: AbortSignal | undefined,
): Promise<void> {
  const moving: string[] = [];
  for (const name of graphLeft) {
    const moves = spec.tensors.get(name)?.axes.some((axis) => axisNames(axis).length > 0) ?? false;
    // Exporters add constants, such as the first state of an LSTM: zeros in any order.
    if (moves && !(await isUniform(file, name, signal))) moving.push(name);
  }
  if (moving.length > 0)
    throw new SpecError(
      `${file.name} has tensors that ${model.name} does not have, by name, content or shape: ${listFirst(moving)}, expected the graph of its network: ${EXPORT}`,
    );
  const loose = left.filter((name) => {
    const { shape, dtype } = model.tensors.get(name)!;
    return DTYPES[dtype].kind === "float" && elementCount(shape) > 1;
  });
  if (loose.length > 0)
    throw new SpecError(
      `${model.name} has tensors that the graph of ${file.name} does not have: ${listFirst(loose)}, expected all: ${EXPORT}`,
    );
}

/** How many were linked how: "12 tensors by name, 2 by content". */
function linkWords(links: readonly TensorLink[]): string {
  const counts = (["name", "content", "shape"] as const).flatMap((by) => {
    const count = links.filter((link) => link.by === by).length;
    return count === 0 ? [] : [`${count} by ${by === "shape" ? "shape and order" : by}`];
  });
  return `tensors linked: ${counts.join(", ")}`;
}

/** What only shapes and order show is an assumption. */
function linkAssumptions(file: Model, links: readonly TensorLink[]): string[] {
  return links
    .filter(({ by }) => by === "shape")
    .map(({ graph, tensor }) => `${tensor} is ${graph} of ${file.name}, by its shape and place`);
}
