/** Where in a graph the units of each permutation show: the activations that matching by data compares. */

import { resolveSpec } from "../axes/resolve-spec.ts";
import type { ResolvedAxis, ResolvedSpec, Spec } from "../axes/types.ts";
import type { Model } from "../base/model.ts";
import type { Graph, Operation, OperationKind } from "../graph/graph.ts";
import { readersOf } from "../graph/readers.ts";

/** A value whose last axis is numbered by a permutation. */
export interface Tap {
  /** Name of the value, for `Network.run`. */
  readonly value: string;
  /** Channels that follow each other and belong to one unit; 1 but for axes such as `P*2`. */
  readonly block: number;
}

/**
 * For every permutation of the spec, the values whose channels it numbers: `channel = unit · block + k`. Of a chain of
 * operations that work on each element or channel by itself (norms, sums, ReLU) only the last value counts, as in the
 * paper. A residual stream has a tap for every block's sum. What is pooled or flattened adds nothing and is left out. A
 * permutation whose units show nowhere by themselves (several factors on one axis) has none.
 *
 * @throws {SpecError} when the spec does not fit the model.
 *
 * @example
 * const taps = await tapsOf(network.graph, spec, model);
 * network.run(images, new Set([...taps.values()].flat().map(({ value }) => value)));
 */
export async function tapsOf(
  graph: Graph,
  spec: Spec | ResolvedSpec,
  model: Pick<Model, "tensors">,
): Promise<Map<string, readonly Tap[]>> {
  const resolved = "spec" in spec ? spec : resolveSpec(spec, model.tensors);
  const taps = new Map<string, Tap[]>(resolved.permutations.map(({ name }) => [name, []]));
  const axes = channelAxes(graph, resolved);
  const readers = readersOf(graph);
  for (const operation of graph.operations) {
    const axis = axes.get(operation.output);
    if (axis === undefined || isPooling(operation) || continues(readers.get(operation.output) ?? [])) continue;
    const found = unitsOf(axis);
    if (found === undefined) continue;
    const { name } = resolved.permutations[found.permutation]!;
    taps.get(name)!.push({ value: operation.output, block: found.block });
  }
  return taps;
}

const ELEMENTWISE: ReadonlySet<string> = new Set<OperationKind["op"]>([
  ...(["batch-norm", "layer-norm", "add"] as const),
  ...(["relu", "gelu", "tanh", "silu"] as const),
]);

/** True for operations that give each channel's values from that channel alone, but for norms over channels. */
function isElementwise({ kind }: Operation): boolean {
  return ELEMENTWISE.has(kind.op);
}

function isPooling({ kind }: Operation): boolean {
  return kind.op === "max-pool" || kind.op === "global-mean";
}

/** True when a value is only a step on the way to another with the same channels. */
function continues(readers: readonly Operation[]): boolean {
  return readers.length === 1 && isElementwise(readers[0]!);
}

/** The axis of every value's channels, as far as it has one: a flatten mixes them with positions. */
function channelAxes(graph: Graph, resolved: ResolvedSpec): Map<string, ResolvedAxis> {
  const tensors = new Map(resolved.tensors.map((tensor) => [tensor.name, tensor]));
  const axes = new Map<string, ResolvedAxis>();
  for (const { output, inputs, kind } of graph.operations) {
    let axis: ResolvedAxis | undefined;
    if (kind.op === "dense" || kind.op === "conv") {
      const all = tensors.get(kind.weight)?.axes ?? [];
      axis = kind.layout === "out-in" || kind.layout === "oihw" ? all[0] : all.at(-1);
    } else if (kind.op !== "flatten") axis = axes.get(inputs[0]!);
    if (axis !== undefined) axes.set(output, axis);
  }
  return axes;
}

/** The one permutation of an axis `P` or `P*k`. */
function unitsOf({ segments }: ResolvedAxis): { permutation: number; block: number } | undefined {
  const factors = segments.length === 1 ? segments[0]!.factors.filter(({ size }) => size > 1) : [];
  const [first, ...inner] = factors;
  if (
    first === undefined ||
    first.permutation < 0 ||
    first.within !== undefined ||
    inner.some(({ permutation }) => permutation >= 0)
  )
    return undefined;
  return { permutation: first.permutation, block: first.stride };
}
