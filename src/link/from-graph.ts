/** A spec from a network's graph: its own file's, or that of a file exported of the same network. */

import { resolveSpec } from "../axes/resolve-spec.ts";
import type { ResolvedSpec, ResolvedTensor, Spec } from "../axes/types.ts";
import { isFloat } from "../base/dtype.ts";
import { FormatError, SpecError } from "../base/errors.ts";
import type { Model } from "../base/model.ts";
import type { Running } from "../base/options.ts";
import { readGraph } from "../formats/operator-graph.ts";
import type { FrozenAxis } from "../infer/frozen-axes.ts";
import { inferSpec } from "../infer/infer-spec.ts";
import { linkedSpec } from "./graph-spec.ts";
import type { TensorLink } from "./link-tensors.ts";

/** A spec, what it could not move, and how the graph's tensors were found in the checkpoint. */
export interface GraphSpec {
  readonly spec: Spec;
  readonly frozen: readonly FrozenAxis[];
  readonly links: readonly TensorLink[];
}

/**
 * The spec of `model` from the graph in `file`, an ONNX export of the same network. Tensors are linked by name. Where
 * the exporter renamed or transposed them, they are linked by content, if this very checkpoint was exported. Otherwise
 * shape and order link them, and the spec's assumptions list it. Reads tensors that names do not link.
 *
 * @throws {SpecError} when the two are not of one network, naming the tensors, and when `file` has no graph.
 * @throws {FormatError} for a graph that is malformed, or with operators of an unknown version.
 *
 * @example
 * const { spec, links } = await graphSpec(await openModel("exported.onnx"), await openModel("model.safetensors"));
 */
export async function graphSpec(
  file: Model,
  model: Model,
  { signal }: Pick<Running, "signal"> = {},
): Promise<GraphSpec> {
  const { spec, frozen } = await inferred(file, signal);
  const { links, ...linked } = await linkedSpec(file, spec, model, signal);
  return { links, spec: { ...linked.spec, frozen: frozenTexts(file, frozen, links) }, frozen };
}

async function inferred(
  file: Model,
  signal: AbortSignal | undefined,
): Promise<{ spec: Spec; frozen: readonly FrozenAxis[] }> {
  const graph = await readGraph(file, { signal });
  if (graph === undefined)
    throw new SpecError(`${file.name} has no graph, expected an ONNX file (docs/any-model.md shows how to export one)`);
  const { spec, frozen } = await inferSpec(graph, file);
  const producer = graph.producer === undefined ? "" : ` by ${graph.producer}`;
  const why = `the graph of ${file.name}: ${graph.operators.length} operators${producer}`;
  return { spec: { ...spec, family: "graph", why, basis: "graph", frozen: frozenTexts(file, frozen) }, frozen };
}

/** At most so many are listed, to keep a spec's file short. */
const MAX_TEXTS = 100;

/** Why axes of floats keep their order, but for positions of kernels, which always do. */
function frozenTexts({ tensors }: Model, frozen: readonly FrozenAxis[], links: readonly TensorLink[] = []): string[] {
  // A checkpoint's own names and axes, where it is linked: it may have others.
  const linked = new Map(links.map((link) => [link.graph, link]));
  const told = frozen.filter(
    ({ tensor, reason }) => isFloat(tensors.get(tensor)!.dtype) && !/positions by their place/.test(reason),
  );
  const texts = told.slice(0, MAX_TEXTS).map(({ tensor, axis, from, until, operator, reason }) => {
    const size = tensors.get(tensor)!.shape[axis]!;
    const part = from === 0 && until === size ? "" : ` from ${from} to ${until - 1}`;
    const { tensor: name = tensor, order } = linked.get(tensor) ?? {};
    return `${name} axis ${order?.[axis] ?? axis}${part}: ${reason} (${operator})`;
  });
  return told.length > MAX_TEXTS ? [...texts, `and ${told.length - MAX_TEXTS} more`] : texts;
}

/**
 * The spec of a model whose file has a graph: the spec of the graph. `detecting` resolves to the spec by names and
 * shapes, or rejects with a `SpecError`. If both have the same groups, its names of groups are kept, as they are those
 * of other formats. It is also kept if the graph cannot be read.
 *
 * @throws {SpecError} when neither shows a spec.
 */
export async function ownGraphSpec(model: Model, detecting: Promise<Spec>, signal?: AbortSignal): Promise<Spec> {
  const detected = await detecting.catch(orSpecError);
  if ((await hasNoGraph(model, signal)) && detected instanceof SpecError) throw detected;
  let found: Spec;
  try {
    found = (await inferred(model, signal)).spec;
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof SpecError)) throw error;
    if (detected instanceof SpecError) throw error;
    return detected;
  }
  if (detected instanceof SpecError) return found;
  if (!sameGroups(detected, found, model)) return found;
  // What names could not show, the graph does.
  return {
    ...detected,
    basis: "graph",
    why: `${detected.why ?? "names and shapes"}; its graph says the same`,
    assumptions: [],
  };
}

/** True for files of weights alone, in a format whose files may contain a graph. */
async function hasNoGraph(model: Model, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    return (await readGraph(model, { signal })) === undefined;
  } catch {
    // It has one, which cannot be read.
    return false;
  }
}

function orSpecError(error: unknown): SpecError {
  if (error instanceof SpecError) return error;
  throw error;
}

/** True when two specs move the same axes by the same groups, under any names. */
export function sameGroups(a: Spec, b: Spec, { tensors }: Pick<Model, "tensors">): boolean {
  const [left, right] = [resolveSpec(a, tensors), resolveSpec(b, tensors)];
  const names = new Map<string, string>();
  const back = new Map<string, string>();
  const isSame = (x: string, y: string): boolean => {
    if (x === "" || y === "") return x === y;
    if (!names.has(x) && !back.has(y)) {
      names.set(x, y);
      back.set(y, x);
    }
    return names.get(x) === y && back.get(y) === x;
  };
  return left.tensors.every((tensor, i) => {
    const [x, y] = [partsOf(left, tensor), partsOf(right, right.tensors[i]!)];
    return x.length === y.length && x.every((part, k) => part.place === y[k]!.place && isSame(part.group, y[k]!.group));
  });
}

/** Where groups of several units act on a tensor: axis, offset, size and stride, and the group's name. */
function partsOf({ permutations }: ResolvedSpec, { axes }: ResolvedTensor): { place: string; group: string }[] {
  return axes.flatMap(({ segments }, axis) =>
    segments.flatMap(({ offset, length, factors }) =>
      factors
        .filter(({ permutation, size }) => permutation >= 0 && size > 1)
        .map(({ permutation, size, stride }) => {
          const { name, outer, inner } = permutations[permutation]!;
          const nesting = outer < 0 ? "" : ` in ${inner}`;
          return { place: `${axis} ${offset} ${length} ${size} ${stride}${nesting}`, group: name };
        }),
    ),
  );
}
