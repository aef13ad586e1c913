/**
 * Graphs of plain chains: multilayer perceptrons and VGG-like networks. A ReLU follows every convolution or dense
 * matrix and its norms, except the last. `torch.nn.Sequential` numbers modules without tensors too, so gaps in the
 * numbers show pools. Without such numbers, only the standard VGGs are known.
 */

import { splitPath } from "../base/tensor-names.ts";
import type { Graph } from "../graph/graph.ts";
import { addModule, flattenKind, type GraphBuilder, graphBuilder } from "./graph-builder.ts";
import type { Module, Tensors } from "./modules.ts";

/** One operation and the norms around it. */
interface Link {
  readonly before: readonly Module[];
  readonly operation: Module;
  readonly norms: readonly Module[];
}

/** Sides of the kernels of convolutions; `RangeError` for ones that are not square images'. */
export function kernelSide(module: Module, tensors: Tensors): number {
  const { shape } = tensors.get(module.name)!;
  const [height, width] = module.layout === "torch" ? [shape[2], shape[3]] : [shape[0], shape[1]];
  if (shape.length !== 4 || height !== width)
    throw new RangeError(`${module.name} has shape [${shape.join(", ")}], expected a square kernel over images`);
  return height!;
}

/** Norms go to the operation before them; those before the first go to it. */
function linksOf(steps: readonly Module[]): Link[] {
  const first = steps.findIndex((step) => step.kind !== "norm");
  const links: (Link & { norms: Module[] })[] = [];
  for (const step of steps.slice(first)) {
    if (step.kind === "norm") links.at(-1)!.norms.push(step);
    else links.push({ before: links.length === 0 ? steps.slice(0, first) : [], operation: step, norms: [] });
  }
  return links;
}

/** The graph of a multilayer perceptron, over images flattened as the first matrix's layout has it. */
export function describeMlp(steps: readonly Module[]): Graph {
  const builder = graphBuilder();
  const links = linksOf(steps);
  return builder.build(addDenses(builder, links, builder.add("flatten", flattenKind(links[0]!.operation), "input")));
}

/** The graph of convolutions, a flatten and dense matrices. Throws `RangeError` where names do not show the pools. */
export function describeVgg(steps: readonly Module[], tensors: Tensors): Graph {
  const links = linksOf(steps);
  const convs = links.filter(({ operation }) => operation.kind === "conv");
  const denses = links.slice(convs.length);
  if (denses.length === 0)
    throw new RangeError(`${convs.at(-1)!.operation.name} comes last, expected dense tensors after the convolutions`);
  const builder = graphBuilder();
  const pooled = poolsOf(convs);
  const first = denses[0]!.operation;
  const positions = first.in / convs.at(-1)!.operation.out;
  let value = "input";
  for (const [i, link] of convs.entries()) {
    value = addLink(builder, link, value, true, { stride: 1, side: kernelSide(link.operation, tensors) });
    const last = i === convs.length - 1;
    const pool = { op: "max-pool", size: 2, stride: 2 } as const;
    if (last) value = builder.add(`${link.operation.path}.pool`, { ...pool, fit: positions }, value);
    else if (pooled[i]) value = builder.add(`${link.operation.path}.pool`, pool, value);
  }
  return builder.build(addDenses(builder, denses, builder.add("flatten", flattenKind(first), value)));
}

function addDenses(builder: GraphBuilder, links: readonly Link[], input: string): string {
  return links.reduce((value, link, i) => addLink(builder, link, value, i < links.length - 1), input);
}

/** An operation, its norms and its ReLU, which a gap in the numbers can put before the norms. */
function addLink(
  builder: GraphBuilder,
  { before, operation, norms }: Link,
  input: string,
  activated: boolean,
  steps?: { stride: number; side: number },
): string {
  const name = `${operation.path === "" ? operation.kind : operation.path}.relu`;
  let value = before.reduce((at, norm) => addModule(builder, norm, at), input);
  value = addModule(builder, operation, value, steps);
  const early = activated && norms.length > 0 && (gap(operation, norms[0]!) ?? 0) > 0;
  if (early) value = builder.add(name, { op: "relu" }, value);
  value = norms.reduce((at, norm) => addModule(builder, norm, at), value);
  return activated && !early ? builder.add(name, { op: "relu" }, value) : value;
}

/** Modules without tensors between two of a numbered container; undefined elsewhere. */
function gap(from: Module, to: Module): number | undefined {
  const [parent, index] = splitPath(from.path);
  const [otherParent, otherIndex] = splitPath(to.path);
  const numbered = /^\d+$/.test(index) && /^\d+$/.test(otherIndex) && parent === otherParent;
  return numbered ? Number(otherIndex) - Number(index) - 1 : undefined;
}

/** Indices of the convolutions before pools, by the number of convolutions: Simonyan and Zisserman 2014, table 1. */
const STANDARD: ReadonlyMap<number, readonly number[]> = new Map([
  [8, [0, 1, 3, 5, 7]],
  [10, [1, 3, 5, 7, 9]],
  [13, [1, 3, 6, 9, 12]],
  [16, [1, 3, 7, 11, 15]],
]);

/** For each convolution, whether a pool follows it; sizes decide what follows the last one. */
function poolsOf(convs: readonly Link[]): boolean[] {
  const gaps = convs.slice(1).map(({ operation }, i) => {
    const previous = convs[i]!;
    const between = gap(previous.operation, operation);
    return between === undefined ? undefined : between - previous.norms.length - 1; // the ReLU
  });
  if (gaps.every((each) => each !== undefined && each >= 0)) return [...gaps.map((each) => each! > 0), false];
  const standard = STANDARD.get(convs.length);
  if (standard !== undefined) return convs.map((_, i) => standard.includes(i));
  const { name } = convs[0]!.operation;
  throw new RangeError(
    `${name} is the first of ${convs.length} convolutions whose names do not show where pools are, expected numbers as torch.nn.Sequential gives, or a VGG of ${[...STANDARD.keys()].join(", ")} convolutions`,
  );
}
