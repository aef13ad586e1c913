/** The assumptions of a chain's spec, which no file can prove: one line each, in the words of `inspect`. */

import { listFirst } from "../base/compare-tensors.ts";
import { groupsOf } from "./chain.ts";
import type { Module } from "./modules.ts";

/** A chain, and what was decided on the way. */
export interface Decided {
  readonly operations: readonly Module[];
  readonly steps: readonly Module[];
  /** Norms that were taken to have one group. */
  readonly oneGroup: readonly Module[];
  /** The order is what people gave. */
  readonly given: boolean;
}

/** The assumptions of a chain. */
export function assumptionsOf({ operations, steps, oneGroup, given }: Decided): string[] {
  const lines: string[] = [];
  if (widthsRepeat(operations)) {
    lines.push("no skip connections");
    lines.push("no branches, gates or second outputs");
    lines.push("no recurrence, no tensor used twice");
    if (!given) lines.push(`names tell the order: ${orderOf(steps)}`);
  }
  const convs = operations.filter(({ kind }) => kind === "conv");
  const dense = operations.find(({ kind }) => kind === "dense");
  if (convs.length > 0) lines.push(...convLines(operations, convs, dense));
  if (oneGroup[0] !== undefined)
    lines.push(`norms without running statistics have one group, as LayerNorm: ${oneGroup[0].name}`);
  if (layoutIsOpen(operations)) lines.push(layoutLine(dense!));
  const [first] = operations;
  if (
    first?.kind === "dense" &&
    first.in === first.out &&
    !first.tensors.has("bias") &&
    operations.some(({ tensors }) => tensors.has("bias"))
  )
    lines.push(`${first.name} is a dense tensor, not an embedding`);
  return lines;
}

/** Paths in the order in which they run: the first and the last ones of many. */
function orderOf(steps: readonly Module[]): string {
  const paths = steps.map(({ path, name }) => (path === "" ? name : path));
  return (paths.length > 8 ? [...paths.slice(0, 5), "…", ...paths.slice(-2)] : paths).join(", ");
}

function convLines(operations: readonly Module[], convs: readonly Module[], dense: Module | undefined): string[] {
  const lines: string[] = [];
  const first = operations[0]!;
  // Any may be the one that is not.
  const square = convs.filter(({ in: input, out, kernel }) => input === out && kernel.some((side) => side > 1));
  if (square.length > 0)
    lines.push(
      `square convolutions are ordinary, not transposed: ${listFirst(
        square.map(({ name }) => name),
        6,
      )}`,
    );
  const grouped = operations.find((each, i) => i > 0 && each.kind === "conv" && each.in < operations[i - 1]!.out);
  if (grouped !== undefined)
    lines.push(
      `${grouped.name} is depthwise or grouped: what it reads was not rearranged, as by a pixel shuffle or a gate`,
    );
  if (first.kind === "conv") lines.push(`${first.name} reads all channels: no depthwise or grouped convolution`);
  if (dense === undefined) return lines;
  const positions = dense.in / convs.at(-1)!.out;
  if (positions > 1)
    lines.push(`flatten is ${dense.flatten}: ${dense.name} reads ${positions} positions of each channel`);
  return lines;
}

/** True where two values have one width, so that one could be added to the other, or be read in its place. */
function widthsRepeat(operations: readonly Module[]): boolean {
  const seen = new Set<number>([operations[0]!.in]);
  return operations.some(({ out }, i) => {
    // The input added to the output changes nothing.
    const repeats =
      seen.has(out) && !(i === operations.length - 1 && !operations.slice(0, -1).some((each) => each.out === out));
    seen.add(out);
    return (
      repeats ||
      (i > 0 &&
        groupsOf({ permutation: null, width: operations[i - 1]!.out, spatial: true, from: "" }, operations[i]) > 1)
    );
  });
}

/** True where dense tensors chain in the other layout too, and no bias decides. */
function layoutIsOpen(operations: readonly Module[]): boolean {
  const denses = operations.filter(({ kind }) => kind === "dense");
  if (denses.length === 0 || denses.some(({ in: input, out, tensors }) => input !== out && tensors.has("bias")))
    return false;
  const before = operations[operations.indexOf(denses[0]!) - 1];
  if (before !== undefined && denses[0]!.out % before.out !== 0) return false;
  return denses.every((dense, i) => i === 0 || dense.out === denses[i - 1]!.in);
}

const layoutLine = ({ name, layout }: Module): string =>
  `${name} is ${layout === "torch" ? "[out, in], as PyTorch stores it" : "[in, out], as Flax, Keras and Haiku store it"}`;
