/** A graph as boxes and arrows, with the permutations that number its values. */

import { axisTexts } from "../axes/axis-texts.ts";
import { resolveSpec } from "../axes/resolve-spec.ts";
import type { ResolvedSpec, Spec } from "../axes/types.ts";
import { isFloat } from "../base/dtype.ts";
import type { Model } from "../base/model.ts";
import type { DrawnTensor, NetworkDrawing } from "../base/network-drawing.ts";
import type { OperatorGraph } from "../graph/operators.ts";
import { type BoxGraph, dataOperations, foldChains } from "./draw-boxes.ts";
import { type Conclusion, concludeSpec } from "./infer-spec.ts";
import { type PlacedTensor, valueGroups } from "./value-groups.ts";

/** What `drawNetwork` draws. */
export interface DrawnNetwork {
  readonly graph: OperatorGraph;
  /** The model whose tensors the graph names. */
  readonly file: Pick<Model, "tensors">;
  /** The model of the spec, where it is another one. Default `file`. */
  readonly model?: Pick<Model, "tensors"> | undefined;
  /** Default: the spec of the graph. */
  readonly spec?: Spec | undefined;
  /** Tensors of the graph in `model`, as `graphSpec` finds them. Default: the same names. */
  readonly links?: readonly (PlacedTensor & { readonly graph: string })[] | undefined;
}

/**
 * A network as boxes and arrows for `networkChart`. A value carries the permutations of the spec that number its axes,
 * as the graph shows it. Operations on one value after another that keep its permutations share a box. Those that
 * compute sizes and constants alone are left out and counted. Reads no tensor data.
 *
 * @throws {SpecError} when the graph is malformed, or the spec does not fit the model.
 *
 * @example
 * const drawing = await drawNetwork({ graph: asOperators(await describeGraph(model)), file: model, spec });
 * drawing.arrows.map(({ value, groups }) => [value, groups.map((at) => drawing.groups[at]!.name)]);
 */
export async function drawNetwork({ graph, file, model = file, ...given }: DrawnNetwork): Promise<NetworkDrawing> {
  const conclusion = concludeSpec(graph, file);
  const resolved = resolveSpec(given.spec ?? conclusion.spec, model.tensors);
  const links = given.links === undefined ? undefined : new Map(given.links.map((link) => [link.graph, link]));
  const place = (tensor: string): PlacedTensor | undefined => (links === undefined ? { tensor } : links.get(tensor));
  const groupsOf = valueGroups(conclusion, resolved, place);
  const { operations, hidden } = dataOperations(graph, conclusion.reading);
  const boxes = foldChains(operations, groupsOf, isMatrixIn(conclusion));
  const tensorsOf = tensorTexts(conclusion, resolved, place);
  return {
    groups: resolved.permutations.map(({ name, size, role, outer }, at) => ({
      ...{ name, size, role, tensors: movedBy(resolved, at).size },
      inside: resolved.permutations[outer]?.name,
    })),
    ...drawn(boxes, groupsOf, tensorsOf),
    hidden,
  };
}

/** Tensors that a permutation moves, by itself or by those nested in it. */
function movedBy({ permutations }: ResolvedSpec, at: number): Set<string> {
  const nested = permutations.flatMap(({ outer }, inner) => (outer === at ? [inner] : []));
  return new Set([
    ...permutations[at]!.tensors,
    ...nested.flatMap((inner) => [...movedBy({ permutations } as ResolvedSpec, inner)]),
  ]);
}

function drawn(
  { boxes, makers }: BoxGraph,
  groupsOf: (value: string) => readonly number[],
  tensorsOf: (names: readonly string[]) => DrawnTensor[],
): Pick<NetworkDrawing, "boxes" | "arrows"> {
  return {
    boxes: boxes.map((operations) => ({
      kinds: operations.map(({ kind }) => kind),
      names: operations.map(({ name }) => name),
      tensors: tensorsOf([...new Set(operations.flatMap(({ tensors }) => tensors))]),
      groups: [...new Set(operations.at(-1)!.outputs.flatMap(groupsOf))],
    })),
    arrows: boxes.flatMap((operations, to) => {
      const values = [...new Set(operations.flatMap(({ inputs }) => inputs))];
      return values.flatMap((value) => {
        const from = makers.get(value);
        return from === undefined || from === to ? [] : [{ from, to, value, groups: groupsOf(value) }];
      });
    }),
  };
}

/** True for tensors with several axes: matrices, filters. */
function isMatrixIn({ reading }: Conclusion): (tensor: string) => boolean {
  return (tensor) => (reading.model.tensors.get(tensor)?.shape.filter((size) => size > 1).length ?? 0) > 1;
}

function tensorTexts(
  { reading }: Conclusion,
  resolved: ResolvedSpec,
  place: (tensor: string) => PlacedTensor | undefined,
): (names: readonly string[]) => DrawnTensor[] {
  const numbers = new Map(resolved.tensors.map(({ name }, at) => [name, at]));
  const textOf = (name: string): DrawnTensor => {
    const there = place(name)?.tensor ?? name;
    const at = numbers.get(there);
    const axes = at === undefined ? reading.model.tensors.get(name)!.shape.map(String) : axisTexts(resolved, at);
    return { name: there, axes: `[${axes.join(", ")}]` };
  };
  // Sizes, positions and other integers are no tensors that anyone looks for, nor are single numbers.
  const isShown = (name: string): boolean => {
    const { dtype, shape } = reading.model.tensors.get(name)!;
    return isFloat(dtype) && shape.some((size) => size > 1);
  };
  return (names) => names.filter(isShown).map(textOf);
}
